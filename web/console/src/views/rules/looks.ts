// What a rule says of everything it can be looked at for, asked again and again.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Look, Why } from '../../api'
import { get, seg } from '../../client'

/** Between two questions, in milliseconds. */
const pause = 500

export interface Asked {
  why: Why | undefined
  error: unknown
  /** The looks at things that are not there any more, as they stood last; newest first. */
  gone: Look[]
}

/** So many looks at what is gone are kept. */
const mostGone = 4

/** What tells two looks of a rule apart while both are there. */
export const lookID = (l: Look): string => `${l.key ?? ''} ${l.camera ?? ''} ${l.target ?? ''} ${l.plate ?? ''}`

/** Whether a look is how things stand now, and not one that is over. */
export const standsNow = (why: Why, l: Look): boolean => why.at !== undefined && Date.parse(why.at) - Date.parse(l.at) < 20

/** Asks why twice a second while the tab is shown; `urge` asks at once when it changes. */
export function useWhy(rule: string, urge: unknown): Asked {
  const [asked, set] = useState<Asked & { rule: string }>({ rule, why: undefined, error: undefined, gone: [] })
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
          set((was) => ({ rule, why, error: undefined, gone: was.rule === rule ? left(was, why) : [] }))
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
  return asked.rule === rule ? asked : { why: undefined, error: undefined, gone: [] }
}

/** Keeps the last look at what has just gone. */
function left(was: Asked, why: Why): Look[] {
  if (!was.why) return was.gone
  const before = was.why
  const here = new Set(why.looks.map(lookID))
  const gone = before.looks.filter((l) => standsNow(before, l) && !here.has(lookID(l)))
  const all = [...gone.reverse(), ...was.gone].filter((l) => !here.has(lookID(l)))
  return all.slice(0, mostGone)
}
