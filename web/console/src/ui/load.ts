import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get } from '../client'
import { gap } from '../state'

export interface Loaded<T> {
  data: T | undefined
  error: unknown
  loading: boolean
  reload: () => void
}

/**
 * Asks for a path of the API, and again when the path changes, when `again`
 * changes, or after a gap in the stream. The old answer stays until the new one
 * is there, unless the path changed. An undefined path asks for nothing.
 */
export function useLoad<T>(path: string | undefined, again?: unknown): Loaded<T> {
  const [state, set] = useState<{ path?: string | undefined; data?: T | undefined; error?: unknown; loading: boolean }>({ loading: path !== undefined })
  const [turn, setTurn] = useState(0)
  const missed = gap.value
  const latest = useRef(path)
  latest.current = path
  useEffect(() => {
    if (path === undefined) {
      set({ loading: false })
      return
    }
    const stop = new AbortController()
    set((s) => (s.path === path ? { ...s, loading: true } : { path, loading: true }))
    get<T>(path, stop.signal).then(
      (data) => {
        if (!stop.signal.aborted) set({ path, data, loading: false })
      },
      (error: unknown) => {
        if (!stop.signal.aborted) set((s) => ({ path, data: s.path === path ? s.data : undefined, error, loading: false }))
      },
    )
    return () => stop.abort()
  }, [path, turn, missed, again])
  const reload = useCallback(() => setTurn((t) => t + 1), [])
  // Between a change of the path and the effect, the old path's answer is not this one's.
  if (state.path !== path) return { data: undefined, error: undefined, loading: path !== undefined, reload }
  return { data: state.data, error: state.error, loading: state.loading, reload }
}
