// What a rule says of everything it can be looked at for, asked again and again.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Look, Why } from '../../api'
import { get, seg } from '../../client'
import { missing } from '../../ui/why'

/** Between two questions, in milliseconds. */
const pause = 500

export interface Asked {
  why: Why | undefined
  error: unknown
  /** The looks at things that are not there any more, each when it came nearest; newest first. */
  gone: Look[]
  /** The nearest look at each thing that is there. */
  nearest: ReadonlyMap<string, Look>
}

const none: ReadonlyMap<string, Look> = new Map()

/** So many looks at what is gone are kept. */
const mostGone = 4

/** What tells two looks of a rule apart while both are there. */
export const lookID = (l: Look): string => `${l.key ?? ''} ${l.camera ?? ''} ${l.target ?? ''} ${l.plate ?? ''}`

/** Whether a look is how things stand now, and not one that is over. */
export const standsNow = (why: Why, l: Look): boolean => why.at !== undefined && Date.parse(why.at) - Date.parse(l.at) < 20

/** Asks why twice a second while the tab is shown; `urge` asks at once when it changes. */
export function useWhy(rule: string, urge: unknown): Asked {
  const [asked, set] = useState<Asked & { rule: string }>({ rule, why: undefined, error: undefined, gone: [], nearest: none })
  const now = useRef<() => void>(() => undefined)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let stop: AbortController | undefined
    let wait = pause
    let begun = 0
    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      stop?.abort()
      const mine = (stop = new AbortController())
      if (document.visibilityState === 'visible') {
        begun = performance.now()
        try {
          const why = await get<Why>(`rules/${seg(rule)}/why`, mine.signal)
          if (mine.signal.aborted) return
          wait = pause
          set((was) => ({ rule, why, error: undefined, ...after(was.rule === rule ? was : undefined, why) }))
        } catch (error) {
          if (mine.signal.aborted) return
          wait = Math.min(wait * 2, 8000)
          set((was) => ({ ...was, error }))
        }
      }
      timer = setTimeout(() => void ask(), wait)
    }
    // A rule that changes many times a second is not asked as often.
    now.current = () => void (performance.now() - begun > pause / 2 && ask())
    void ask()
    const shown = (): void => void (document.visibilityState === 'visible' && ask())
    document.addEventListener('visibilitychange', shown)
    return () => {
      document.removeEventListener('visibilitychange', shown)
      clearTimeout(timer)
      stop?.abort()
    }
  }, [rule])
  const first = useRef(true)
  useEffect(() => {
    if (!first.current) now.current()
    first.current = false
  }, [urge])
  return asked.rule === rule ? asked : { why: undefined, error: undefined, gone: [], nearest: none }
}

/** How far a look was from being true: how many parts were missing, then how far they were off. */
export function distance(l: Look): number {
  if (l.answer === 'true') return 0
  const parts = missing(l.when)
  const off = parts.reduce((n, p) => n + Math.min(1000, ...(p.values ?? []).flatMap((v) => (v.bound ? [v.bound.off] : []))), 0)
  return parts.length * 10_000 + off
}

/** Keeps the nearest look at what has just gone; of looks as near the last. */
function after(was: Pick<Asked, 'why' | 'gone' | 'nearest'> | undefined, why: Why): Pick<Asked, 'gone' | 'nearest'> {
  const nearest = new Map<string, Look>()
  for (const l of why.looks) {
    if (!standsNow(why, l)) continue
    const id = lookID(l)
    const best = was?.nearest.get(id)
    nearest.set(id, best && distance(best) < distance(l) ? best : l)
  }
  const here = new Set(why.looks.map(lookID))
  const gone = [...(was?.nearest ?? none)].filter(([id]) => !here.has(id)).map(([, l]) => l)
  const all = [...gone.reverse(), ...(was?.gone ?? [])].filter((l) => !here.has(lookID(l)))
  return { nearest, gone: all.slice(0, mostGone) }
}
