// The geometry of drawing: edges, snapping, shapes that cross themselves. Units
// are those of the camera's picture; no DOM here, so that it can be tested.
import type { Point } from '../../api'
import { units } from '../../scene/geometry'

/** The fewest and most corners of a zone. */
export const fewest = 3
export const most = 64

const clamp = (v: number): number => Math.min(units, Math.max(0, Math.round(v)))

/** A point on the picture, in whole units. */
export const onPicture = (p: Point): Point => [clamp(p[0]), clamp(p[1])]

/** All points moved alike, as far as all of them stay on the picture. */
export function moved(points: readonly Point[], dx: number, dy: number): Point[] {
  const room = (d: number, at: number[]): number => Math.round(Math.min(units - Math.max(...at), Math.max(-Math.min(...at), d)))
  const x = room(dx, points.map((p) => p[0]))
  const y = room(dy, points.map((p) => p[1]))
  return points.map((p) => [p[0] + x, p[1] + y])
}

/** The points with the one at i replaced. */
export const withPoint = (points: readonly Point[], i: number, p: Point): Point[] => points.map((q, at) => (at === i ? onPicture(p) : q))

/** The points with one more after the one at i. */
export const inserted = (points: readonly Point[], i: number, p: Point): Point[] => [...points.slice(0, i + 1), onPicture(p), ...points.slice(i + 1)]

export const removed = (points: readonly Point[], i: number): Point[] => points.filter((_, at) => at !== i)

/** The point of the way from a to b that is nearest to p. */
export function nearest(a: Point, b: Point, p: Point): Point {
  const dx = b[0] - a[0]
  const dy = b[1] - a[1]
  const size = dx * dx + dy * dy
  const t = size === 0 ? 0 : Math.min(1, Math.max(0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / size))
  return [a[0] + t * dx, a[1] + t * dy]
}

/** What is in reach of a snap, in units; a picture is rarely square, so that it differs by direction. */
export interface Reach {
  x: number
  y: number
}

export interface Snapped {
  point: Point
  /** What it went to: a corner, an edge, the border, or nothing. */
  to: 'corner' | 'edge' | 'border' | undefined
}

/** The other shapes a point can go to. */
export interface Others {
  corners: readonly Point[]
  edges: readonly (readonly [Point, Point])[]
}

/** Takes a point to the nearest corner in reach, else to the nearest edge, else to the picture's border. */
export function snap(p: Point, others: Others, reach: Reach): Snapped {
  if (!(reach.x > 0) || !(reach.y > 0)) return { point: onPicture(p), to: undefined }
  const far = (q: Point): number => Math.hypot((q[0] - p[0]) / reach.x, (q[1] - p[1]) / reach.y)
  let best: Point | undefined
  for (const c of others.corners) if (far(c) <= 1 && (!best || far(c) < far(best))) best = c
  if (best) return { point: onPicture(best), to: 'corner' }
  for (const [a, b] of others.edges) {
    const q = nearest(a, b, p)
    if (far(q) <= 1 && (!best || far(q) < far(best))) best = q
  }
  if (best) return { point: onPicture(best), to: 'edge' }
  const side = (v: number, r: number): number => (v <= r ? 0 : v >= units - r ? units : v)
  const border: Point = [side(p[0], reach.x), side(p[1], reach.y)]
  if (border[0] !== p[0] || border[1] !== p[1]) return { point: onPicture(border), to: 'border' }
  return { point: onPicture(p), to: undefined }
}

/** The edges of a zone, the last one back to the first corner; of a line its one way. */
export function edges(points: readonly Point[], closed: boolean): [Point, Point][] {
  const all: [Point, Point][] = []
  for (let i = 0; i < points.length; i++) {
    const a = points[i]
    const b = points[i + 1] ?? (closed && points.length > 2 ? points[0] : undefined)
    if (a && b) all.push([a, b])
  }
  return all
}

const turn = (a: Point, b: Point, c: Point): number => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
const between = (a: Point, b: Point, c: Point): boolean =>
  Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1])

/** Whether two ways have a point in common. */
export function meet(a: Point, b: Point, c: Point, d: Point): boolean {
  const t1 = turn(a, b, c)
  const t2 = turn(a, b, d)
  const t3 = turn(c, d, a)
  const t4 = turn(c, d, b)
  if (t1 !== t2 && t3 !== t4) return true
  return (t1 === 0 && between(a, b, c)) || (t2 === 0 && between(a, b, d)) || (t3 === 0 && between(c, d, a)) || (t4 === 0 && between(c, d, b))
}

/** What is wrong with a shape, in words; undefined when it can be saved. */
export function wrongWith(kind: 'zone' | 'line', points: readonly Point[]): string | undefined {
  if (kind === 'line') {
    const [a, b] = points
    return a && b && (a[0] !== b[0] || a[1] !== b[1]) ? undefined : 'A line needs two ends in different places.'
  }
  if (points.length < fewest) return 'A zone needs three corners.'
  if (points.length > most) return `A zone has at most ${most} corners.`
  const all = edges(points, true)
  if (all.some(([a, b]) => a[0] === b[0] && a[1] === b[1])) return 'Two corners are in one place.'
  for (let i = 0; i < all.length; i++) {
    const e = all[i]
    if (!e) continue
    for (let j = i + 1; j < all.length; j++) {
      const f = all[j]
      if (!f) continue
      const next = j === i + 1
      const first = i === 0 && j === all.length - 1
      // Edges that share a corner may only share that.
      if (next && first) continue
      if (next ? turn(e[0], e[1], f[1]) === 0 && between(e[0], e[1], f[1]) : first ? turn(e[0], e[1], f[0]) === 0 && between(e[0], e[1], f[0]) : meet(e[0], e[1], f[0], f[1]))
        return 'The zone crosses itself.'
    }
  }
  const sum = all.reduce((s, [a, b]) => s + a[0] * b[1] - b[0] * a[1], 0)
  return sum === 0 ? 'The zone has no area.' : undefined
}
