// The entries that are listed: page after page as one scrolls, and those that come meanwhile.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Entry, Page } from '../../api'
import { get } from '../../client'
import { gap } from '../../state'
import { onEntry } from '../../stream'
import { entriesPath, type Filter, fits } from './filter'

const pageSize = 60
/** How long after an entry came it is asked for as it was kept, with its picture, in milliseconds. */
const settle = 1200
const mostWaiting = 500

export interface Listed {
  entries: readonly Entry[] | undefined
  /** Entries that came and are not shown yet. */
  waiting: number
  show: () => void
  /** Asks for the next page, when there is one. */
  more: () => void
  end: boolean
  loading: boolean
  error: unknown
  retry: () => void
}

/** Entries of both, the newest first, each once; the first list counts. */
export function merged(a: readonly Entry[], b: readonly Entry[]): Entry[] {
  const all = new Map<number, Entry>()
  for (const e of [...b, ...a]) all.set(e.id, e)
  return [...all.values()].sort((x, y) => y.id - x.id)
}

/** Lists what a filter asks for. New entries wait while `atTop` says that somebody reads further down. */
export function useEntries(f: Filter, id: string, atTop: () => boolean): Listed {
  const [state, set] = useState<{ id: string; entries: readonly Entry[] | undefined; next: string | undefined; loading: boolean; error: unknown }>({
    id,
    entries: undefined,
    next: undefined,
    loading: true,
    error: undefined,
  })
  const [waiting, setWaiting] = useState<readonly Entry[]>([])
  const [turn, setTurn] = useState(0)
  const running = useRef<AbortController | undefined>(undefined)
  const missed = gap.value

  useEffect(() => {
    const stop = new AbortController()
    running.current = stop
    setWaiting([])
    set((s) => ({ id, entries: s.id === id ? s.entries : undefined, next: undefined, loading: true, error: undefined }))
    get<Page<Entry>>(entriesPath(f, { limit: pageSize }), stop.signal).then(
      (p) => set({ id, entries: p.items, next: p.next, loading: false, error: undefined }),
      (error: unknown) => {
        if (!stop.signal.aborted) set((s) => ({ ...s, loading: false, error }))
      },
    )
    return () => stop.abort()
  }, [id, turn, missed])

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const off = onEntry((came) => {
      if (!fits(came, f)) return
      const e = { ...came }
      // It may not be on the disk yet.
      delete e.picture
      if (atTop()) set((s) => (s.id === id && s.entries ? { ...s, entries: merged([e], s.entries) } : s))
      else setWaiting((w) => merged([e], w).slice(0, mostWaiting))
      clearTimeout(timer)
      timer = setTimeout(() => {
        // Pictures come a little later than the entry; they are asked for once for all that came.
        get<Page<Entry>>(entriesPath(f, { limit: pageSize }), running.current?.signal).then(
          (p) => {
            set((s) => (s.id === id && s.entries ? { ...s, entries: s.entries.map((old) => p.items.find((n) => n.id === old.id) ?? old) } : s))
            setWaiting((w) => w.map((old) => p.items.find((n) => n.id === old.id) ?? old))
          },
          () => undefined, // they stay as they came
        )
      }, settle)
    })
    return () => {
      off()
      clearTimeout(timer)
    }
  }, [id])

  const more = useCallback(() => {
    set((s) => {
      if (s.loading || !s.next || s.id !== id) return s
      get<Page<Entry>>(entriesPath(f, { limit: pageSize, cursor: s.next }), running.current?.signal).then(
        (p) => set((now) => (now.id === id ? { ...now, entries: merged(now.entries ?? [], p.items), next: p.next, loading: false } : now)),
        (error: unknown) => set((now) => (now.id === id && !(error instanceof DOMException) ? { ...now, loading: false, error } : now)),
      )
      return { ...s, loading: true, error: undefined }
    })
  }, [id])

  const mine = state.id === id
  return {
    entries: mine ? state.entries : undefined,
    waiting: waiting.length,
    show: () => {
      set((s) => (s.entries ? { ...s, entries: merged(waiting, s.entries) } : s))
      setWaiting([])
    },
    more,
    end: mine && !state.loading && state.error === undefined && state.next === undefined,
    loading: !mine || state.loading,
    error: mine ? state.error : undefined,
    retry: () => setTurn((t) => t + 1),
  }
}
