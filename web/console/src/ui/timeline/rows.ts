// What stands on a timeline, as it is drawn and stepped through.
import type { Timeline } from '../../api'
import { type Range, xOf } from './scale'

export type TimelineRow = Timeline['rows'][number]

/** Something that can be stepped to: a firing, one that was held back, or the beginning of a span. */
export interface Stop {
  at: number
  id: number | undefined
  kind: 'firing' | 'suppressed' | 'span'
  text: string
  /** Of a span. */
  to: number | undefined
}

/** Everything in a row, in the order of time. A span that begins with a firing is that firing. */
export function stopsOf(row: TimelineRow): Stop[] {
  const ticks = row.ticks.map((t): Stop => ({ at: Date.parse(t.at), id: t.id, kind: t.kind, text: t.text ?? (t.kind === 'firing' ? 'fired' : 'held back'), to: undefined }))
  const known = new Map(ticks.map((t) => [t.id, t]))
  const spans: Stop[] = []
  for (const s of row.spans) {
    const to = s.to === undefined ? undefined : Date.parse(s.to)
    const tick = s.id === undefined ? undefined : known.get(s.id)
    if (tick) tick.to = to
    else spans.push({ at: Date.parse(s.from), id: s.id, kind: 'span', text: row.kind === 'relay' ? 'on' : 'active', to })
  }
  return [...ticks, ...spans].sort((a, b) => a.at - b.at)
}

/** The stop nearest to a place on the screen, within some pixels; being inside a span is near enough. */
export function stopAt(stops: readonly Stop[], x: number, r: Range, width: number, within = 10): Stop | undefined {
  let best: Stop | undefined
  let off = Infinity
  for (const s of stops) {
    const from = xOf(s.at, r, width)
    let d = Math.abs(from - x)
    if (s.kind === 'span' && d > within) {
      const to = xOf(s.to ?? r.until, r, width)
      if (x >= from && x <= to) d = within
    }
    if (d <= within && d <= off) {
      best = s
      off = d
    }
  }
  return best
}

/** The next stop in a direction; undefined at the end. */
export function stepFrom(stops: readonly Stop[], at: number, by: 1 | -1): Stop | undefined {
  if (by > 0) return stops.find((s) => s.at > at)
  for (let i = stops.length - 1; i >= 0; i--) {
    const s = stops[i]
    if (s && s.at < at) return s
  }
  return undefined
}

export interface Paths {
  spans: string
  /** Spans that last. */
  open: string
  firings: string
  held: string
}

/** The lines of a row as three paths, however much is in it. */
export function pathsOf(row: TimelineRow, r: Range, width: number, height: number): Paths {
  const round = (n: number): string => String(Math.round(n * 10) / 10)
  const top = 8
  const bottom = height - 8
  let spans = ''
  let open = ''
  for (const s of row.spans) {
    const from = Math.max(0, xOf(Date.parse(s.from), r, width))
    const to = Math.min(width, Math.max(from + 2, xOf(s.to === undefined ? r.until : Date.parse(s.to), r, width)))
    if (to < 0 || from > width) continue
    const d = `M${round(from)} ${top}H${round(to)}V${bottom}H${round(from)}z`
    if (s.to === undefined) open += d
    else spans += d
  }
  let firings = ''
  let held = ''
  for (const t of row.ticks) {
    const x = xOf(Date.parse(t.at), r, width)
    if (x < -2 || x > width + 2) continue
    if (t.kind === 'firing') firings += `M${round(x)} 4V${height - 4}`
    else held += `M${round(x - 2.5)} ${height / 2}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`
  }
  return { spans, open, firings, held }
}
