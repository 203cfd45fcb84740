// Who of those that were recorded would have entered a zone or crossed a line,
// by the rules the engine goes by: settle, margin, linger; a crossing is
// complete beyond the margin. It goes by foot points, between which everybody
// walks straight.
import type { Point, Track, Zone } from '../../api'
import { inside } from '../../scene/geometry'
import { meet, nearest } from './shape'

/** What decides besides the points. */
export type Limits = Pick<Zone, 'kind' | 'in' | 'classes'> & { margin: number; settle: number; linger: number }

/** A track with its bounds, worked out once. */
export interface Walk {
  track: Track
  left: number
  top: number
  right: number
  bottom: number
}

export function walkOf(track: Track): Walk {
  const w: Walk = { track, left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }
  for (const [, x, y] of track.points) {
    w.left = Math.min(w.left, x)
    w.right = Math.max(w.right, x)
    w.top = Math.min(w.top, y)
    w.bottom = Math.max(w.bottom, y)
  }
  return w
}

/** The most pieces that a way outside is looked at in. */
const pieces = 16

type Where = 'in' | 'near' | 'out'

/** Where on the way from a to b an edge is cut, in 0..1. */
function cuts(a: Point, b: Point, points: readonly Point[]): number[] {
  const found = [0, 1]
  for (let i = 0; i < points.length; i++) {
    const c = points[i]
    const d = points[(i + 1) % points.length]
    if (!c || !d) continue
    const ux = b[0] - a[0]
    const uy = b[1] - a[1]
    const vx = d[0] - c[0]
    const vy = d[1] - c[1]
    const det = ux * vy - uy * vx
    if (det === 0) continue
    const t = ((c[0] - a[0]) * vy - (c[1] - a[1]) * vx) / det
    const s = ((c[0] - a[0]) * uy - (c[1] - a[1]) * ux) / det
    if (t > 0 && t < 1 && s >= 0 && s <= 1) found.push(t)
  }
  return found.sort((x, y) => x - y)
}

function away(points: readonly Point[], p: Point): number {
  let least = Infinity
  for (let i = 0; i < points.length; i++) {
    const a = points[i]
    const b = points[(i + 1) % points.length]
    if (!a || !b) continue
    const q = nearest(a, b, p)
    least = Math.min(least, Math.hypot(q[0] - p[0], q[1] - p[1]))
  }
  return least
}

/** The lengths of a track's visits to a zone, in seconds, in their order. */
export function visits(track: Track, points: readonly Point[], limits: Limits): number[] {
  const found: number[] = []
  const settle = limits.settle * 1000
  const linger = limits.linger * 1000
  let begun: number | undefined
  let within = false
  let last = 0
  let gone: number | undefined
  const leave = (): void => {
    if (within && begun !== undefined) found.push((last - begun) / 1000)
    within = false
    begun = undefined
    gone = undefined
  }
  const step = (from: number, to: number, where: Where): void => {
    if (!within) {
      if (where !== 'in') {
        begun = undefined
        return
      }
      begun ??= from
      if (to - begun >= settle) within = true
      last = to
      return
    }
    if (where !== 'out') {
      last = to
      gone = undefined
      return
    }
    gone ??= from
    if (to - gone >= linger) leave()
  }
  const all = track.points
  const only = all[0]
  if (all.length === 1 && only) step(only[0], only[0], inside(points, [only[1], only[2]]) ? 'in' : 'out')
  for (let i = 1; i < all.length; i++) {
    const p = all[i - 1]
    const q = all[i]
    if (!p || !q) continue
    const a: Point = [p[1], p[2]]
    const b: Point = [q[1], q[2]]
    const at = (t: number): Point => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
    const when = (t: number): number => p[0] + (q[0] - p[0]) * t
    const parts = cuts(a, b, points)
    for (let j = 1; j < parts.length; j++) {
      const t0 = parts[j - 1] ?? 0
      const t1 = parts[j] ?? 1
      if (inside(points, at((t0 + t1) / 2))) {
        step(when(t0), when(t1), 'in')
        continue
      }
      const n = within && limits.margin > 0 ? Math.min(pieces, Math.max(1, Math.ceil((Math.hypot(b[0] - a[0], b[1] - a[1]) * (t1 - t0)) / limits.margin))) : 1
      for (let k = 0; k < n; k++) {
        const s0 = t0 + ((t1 - t0) * k) / n
        const s1 = t0 + ((t1 - t0) * (k + 1)) / n
        step(when(s0), when(s1), within && away(points, at((s0 + s1) / 2)) <= limits.margin ? 'near' : 'out')
      }
    }
  }
  leave()
  return found
}

/** How often a track crossed a line, each way. */
export function crossings(track: Track, points: readonly Point[], limits: Limits): { in: number; out: number } {
  const count = { in: 0, out: 0 }
  const [a, b] = points
  if (!a || !b) return count
  const size = Math.hypot(b[0] - a[0], b[1] - a[1])
  if (size === 0) return count
  let side = 0
  let cut = false
  let before: Point | undefined
  for (const [, x, y] of track.points) {
    const p: Point = [x, y]
    if (before && meet(before, p, a, b)) cut = true
    before = p
    // To the right of who looks from the first end to the second it is positive.
    const off = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / size
    if (Math.abs(off) <= limits.margin) continue
    const now = Math.sign(off)
    if (side !== 0 && now !== side && cut) count[(now > 0) === (limits.in === 'right') ? 'in' : 'out']++
    side = now
    cut = false
  }
  return count
}

/** What came of all tracks. */
export interface Tally {
  /** Tracks that the zone or line may count: of its classes. */
  of: number
  /** Of those, by the numbers of the walks, who entered or crossed. */
  who: ReadonlySet<number>
  /** Of each visit, in seconds, the shortest first. */
  dwells: number[]
  in: number
  out: number
}

export function tally(walks: readonly Walk[], points: readonly Point[], limits: Limits): Tally {
  const who = new Set<number>()
  const t: Tally = { of: 0, who, dwells: [], in: 0, out: 0 }
  const xs = points.map((p) => p[0])
  const ys = points.map((p) => p[1])
  const left = Math.min(...xs)
  const right = Math.max(...xs)
  const top = Math.min(...ys)
  const bottom = Math.max(...ys)
  walks.forEach((w, i) => {
    if (limits.classes?.length && !(w.track.class && limits.classes.includes(w.track.class))) return
    t.of++
    if (w.right < left || w.left > right || w.bottom < top || w.top > bottom) return
    if (limits.kind === 'line') {
      const c = crossings(w.track, points, limits)
      t.in += c.in
      t.out += c.out
      if (c.in + c.out > 0) who.add(i)
      return
    }
    const v = visits(w.track, points, limits)
    if (v.length > 0) who.add(i)
    t.dwells.push(...v)
  })
  t.dwells.sort((a, b) => a - b)
  return t
}
