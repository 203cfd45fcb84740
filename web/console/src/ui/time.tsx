// Times and durations in tabular figures. What ages does so by itself.
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { now, serverNow } from '../state'
import { ago, clock, clockOrDate, countdown, duration } from './format'

/** "18:42:10, 3 min ago"; the date too when it was another day. */
export function Ago({ at }: { at: string }): JSX.Element {
  const n = now.value
  return (
    <time class="num" dateTime={at}>
      {clockOrDate(at, n)}, <span class="muted">{ago(at, n)}</span>
    </time>
  )
}

/** "3 min ago" with the whole time as its tip. */
export function AgoShort({ at }: { at: string }): JSX.Element {
  return (
    <time class="num" dateTime={at} title={clockOrDate(at, now.value)}>
      {ago(at, now.value)}
    </time>
  )
}

/** "18:42:10" */
export function Clock({ at }: { at: string }): JSX.Element {
  return (
    <time class="num" dateTime={at}>
      {clock(at)}
    </time>
  )
}

/** "1.4 s" */
export function Duration({ s }: { s: number }): JSX.Element {
  return <span class="num">{duration(s)}</span>
}

/** What is left until a time: "0:07". It counts by itself and stops at none. */
export function Countdown({ until }: { until: string }): JSX.Element {
  const [left, set] = useState(() => (Date.parse(until) - serverNow()) / 1000)
  useEffect(() => {
    const step = (): void => set((Date.parse(until) - serverNow()) / 1000)
    step()
    const t = setInterval(step, 250)
    return () => clearInterval(t)
  }, [until])
  return <span class="num">{countdown(left)}</span>
}
