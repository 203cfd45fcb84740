import { useEffect, useRef, useState } from 'preact/hooks'
import type { Look } from '../../api'
import { clock, duration } from '../format'
import { type Verdict, verdict } from './words'

/** The bar under the tree: what holds the look back, counting down while it is live. */
export function Held({ look, live }: { look: Look; live: boolean }) {
  const v = verdict(look)
  return (
    <div class={`why-held tone-${v.tone}`}>
      <span class="why-word">{v.word}</span>
      <span class="why-sentence">
        {v.text}
        {v.left !== undefined && <Left key={`${look.key ?? ''} ${v.word}`} v={v} look={look} live={live} />}
      </span>
    </div>
  )
}

function Left({ v, look, live }: { v: Verdict; look: Look; live: boolean }) {
  const given = v.left ?? 0
  const left = useCountdown(given, look.at, live)
  // Of a cooldown only the rest is said; the longest rest seen stands for all of it.
  const longest = useRef(0)
  longest.current = Math.max(longest.current, v.whole ?? given)
  const part = longest.current > 0 ? Math.min(1, left / longest.current) : 0
  const ends = new Date(Date.parse(look.at) + given * 1000)
  return (
    <>
      {v.clock ? `: until ${clock(ends)}` : ''}
      {live ? `${v.clock ? ',' : ':'} ` : `${v.clock ? ', then' : ':'} `}
      <b class="why-left">{duration(left)}</b>
      {v.word === 'for' ? ' more' : ' left'}
      {live && (
        <span class="why-run" aria-hidden="true">
          <span style={{ transform: `scaleX(${part.toFixed(3)})` }} />
        </span>
      )}
    </>
  )
}

/** Counts the seconds of a rest down between two answers; a new answer (another `at`) begins anew. */
function useCountdown(given: number, at: string, live: boolean): number {
  const [now, setNow] = useState(() => performance.now())
  const begun = useRef({ at: '', given: 0, mono: 0 })
  if (begun.current.at !== at || begun.current.given !== given) begun.current = { at, given, mono: performance.now() }
  const over = given - (now - begun.current.mono) / 1000 <= 0
  useEffect(() => {
    if (!live || over) return
    const t = setInterval(() => setNow(performance.now()), given > 90 ? 1000 : 100)
    return () => clearInterval(t)
  }, [live, over, given > 90])
  if (!live) return given
  return Math.max(0, given - Math.max(0, now - begun.current.mono) / 1000)
}
