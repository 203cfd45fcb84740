// Where times stand on a timeline, and which times are written under it.
import { clock, day, hourMinute, weekday } from '../format'
import { momentOf } from './zone'

export interface Range {
  /** Milliseconds. */
  since: number
  until: number
}

/** No range is shorter than this, in milliseconds. */
export const shortest = 1000

/** A time as a distance from the left edge of a width. */
export function xOf(t: number, r: Range, width: number): number {
  return ((t - r.since) / (r.until - r.since)) * width
}

/** The time at a distance from the left edge. */
export function timeAt(x: number, r: Range, width: number): number {
  return r.since + (x / Math.max(width, 1)) * (r.until - r.since)
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const wholeDay = 24 * hour
const steps = [
  second, 2 * second, 5 * second, 10 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute,
  hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, wholeDay, 2 * wholeDay, 7 * wholeDay, 14 * wholeDay, 28 * wholeDay, 84 * wholeDay, 364 * wholeDay,
]

export interface Mark {
  at: number
  text: string
}

/** How far the site's clock is from UTC at a moment, in milliseconds: whole days begin at its midnight. */
type Offset = (at: number) => number

/** Round times within a range, at least `room` pixels apart, each with its text. */
export function marks(r: Range, width: number, offset: Offset, room = 76): Mark[] {
  const most = Math.max(2, Math.floor(width / room))
  const span = r.until - r.since
  const step = steps.find((s) => span / s <= most) ?? (steps[steps.length - 1] as number)
  const out: Mark[] = []
  const first = Math.ceil((r.since + offset(r.since)) / step) * step
  for (let wall = first; out.length < 100; wall += step) {
    const at = momentOf(wall, offset)
    if (at > r.until) break
    // A wall time that a night in spring jumps over is not there.
    if (at >= r.since && at + offset(at) === wall) out.push({ at, text: textOf(at, step, span, wall % wholeDay === 0) })
  }
  return out
}

function textOf(at: number, step: number, span: number, midnight: boolean): string {
  if (span > 300 * wholeDay) return day(at)
  if (step >= wholeDay || midnight) return weekday(at)
  return step >= minute ? hourMinute(at) : clock(at)
}

/** A range around a time that stays where it is on the screen: factor 0.5 shows half as much. */
export function zoomed(r: Range, around: number, factor: number): Range {
  const span = Math.max(shortest, (r.until - r.since) * factor)
  const share = (around - r.since) / (r.until - r.since)
  const since = around - share * span
  return { since, until: since + span }
}

/** A range of the same length, earlier or later by a part of it. */
export function moved(r: Range, by: number): Range {
  const d = (r.until - r.since) * by
  return { since: r.since + d, until: r.until + d }
}

/** What was drawn with the pointer, in order and not too short; undefined for a press without a way. */
export function drawn(a: number, b: number, r: Range, width: number): Range | undefined {
  if (Math.abs(a - b) < 6) return undefined
  const from = Math.max(r.since, timeAt(Math.min(a, b), r, width))
  const to = Math.min(r.until, timeAt(Math.max(a, b), r, width))
  return to - from >= shortest ? { since: from, until: to } : zoomed({ since: from, until: to }, (from + to) / 2, shortest / Math.max(to - from, 1))
}

/** Labels moved in from the edges of `width` pixels, without those that would lie on another: a day, which is longer, stays before a time. */
export function legible<T extends { x: number; half: number }>(labels: readonly T[], width: number): T[] {
  const out: T[] = []
  for (const l of labels) {
    const m = { ...l, x: Math.max(l.half, Math.min(width - l.half, l.x)) }
    const before = out.at(-1)
    if (before && m.x - m.half < before.x + before.half) {
      if (m.half <= before.half) continue
      out.pop()
    }
    out.push(m)
  }
  return out
}
