// The geometry of a scene: how the 0..10000 units of a camera's picture lie on
// the screen, and what is drawn where. No DOM here, so that it can be tested.

import type { Box, Point, Target, Zone } from '../api'

/** Units across a picture, both ways, whatever its resolution. */
export const units = 10000

/** Where a picture lies: its size in CSS pixels, and the ways between units and pixels. */
export interface Mapping {
  readonly width: number
  readonly height: number
  /** Units to pixels. */
  x(u: number): number
  y(u: number): number
  /** Pixels to units, whole and within the picture. */
  ux(px: number): number
  uy(px: number): number
}

/** The mapping of a picture that is shown `width` by `height` CSS pixels large. */
export function mapping(width: number, height: number): Mapping {
  return {
    width,
    height,
    x: (u) => (u / units) * width,
    y: (u) => (u / units) * height,
    ux: (px) => toUnits(px, width),
    uy: (px) => toUnits(px, height),
  }
}

function toUnits(px: number, size: number): number {
  if (!(size > 0)) return 0
  return Math.min(units, Math.max(0, Math.round((px / size) * units)))
}

/** The largest size of the given aspect ratio (width by height) that fits, in whole pixels. */
export function fit(width: number, height: number, aspect: number): { width: number; height: number } {
  if (!(width > 0) || !(height > 0) || !(aspect > 0)) return { width: 0, height: 0 }
  if (width / height > aspect) return { width: Math.floor(height * aspect), height: Math.floor(height) }
  return { width: Math.floor(width), height: Math.floor(width / aspect) }
}

/**
 * How many columns show `count` pictures largest in the given room. `below` is what a
 * picture's caption takes, `gap` what is between two, all in pixels.
 */
export function columns(count: number, width: number, height: number, aspect: number, gap: number, below: number): number {
  let best = 1
  let area = -1
  for (let n = 1; n <= count; n++) {
    const rows = Math.ceil(count / n)
    const w = (width - gap * (n - 1)) / n
    const h = (height - gap * (rows - 1)) / rows - below
    const shown = fit(w, h, aspect)
    const a = shown.width * shown.height
    if (a > area + 0.5) {
      area = a
      best = n
    }
  }
  return best
}

/** The point of a box that a zone's anchor names; for `any` overlap, and when nothing is said, its foot. */
export function anchorOf(box: Box, anchor?: Zone['anchor']): Point {
  const x = (box[0] + box[2]) / 2
  if (anchor === 'center') return [x, (box[1] + box[3]) / 2]
  if (anchor === 'top') return [x, box[1]]
  return [x, box[3]]
}

/** A point on a box's way from a to b, `t` in 0..1; never beyond either. */
export function between(a: Box, b: Box, t: number): Box {
  const k = t <= 0 ? 0 : t >= 1 ? 1 : t
  return [a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k, a[2] + (b[2] - a[2]) * k, a[3] + (b[3] - a[3]) * k]
}

/** The area of a polygon in square units. */
export function area(points: readonly Point[]): number {
  let sum = 0
  points.forEach((p, i) => {
    const q = points[(i + 1) % points.length]
    if (q) sum += p[0] * q[1] - q[0] * p[1]
  })
  return Math.abs(sum) / 2
}

/** True for a point inside a polygon or on its edge, as the engine counts it. */
export function inside(points: readonly Point[], p: Point): boolean {
  let odd = false
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const a = points[j]
    const b = points[i]
    if (!a || !b) continue
    const cross = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
    const within = Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1])
    if (cross === 0 && within) return true
    if (b[1] > p[1] !== a[1] > p[1] && p[0] < ((a[0] - b[0]) * (p[1] - b[1])) / (a[1] - b[1]) + b[0]) odd = !odd
  }
  return odd
}

/** An arrow on a line's "in" side, in pixels: from the line's middle to its tip, and the two ends of its head. */
export interface Arrow {
  from: Point
  tip: Point
  left: Point
  right: Point
}

/**
 * The arrow of a line from a to b (pixels) that points to its "in" side, `length` pixels
 * long. `right` is to the right hand of who stands at a and looks to b, with y going down.
 */
export function arrow(a: Point, b: Point, side: 'left' | 'right', length: number): Arrow {
  const dx = b[0] - a[0]
  const dy = b[1] - a[1]
  const size = Math.hypot(dx, dy) || 1
  const turn = side === 'right' ? 1 : -1
  const nx = (-dy / size) * turn
  const ny = (dx / size) * turn
  const from: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
  const tip: Point = [from[0] + nx * length, from[1] + ny * length]
  const head = length * 0.4
  const base: Point = [tip[0] - nx * head, tip[1] - ny * head]
  return {
    from,
    tip,
    left: [base[0] - ny * head * 0.8, base[1] + nx * head * 0.8],
    right: [base[0] + ny * head * 0.8, base[1] - nx * head * 0.8],
  }
}

/** The corner at which a zone's name stands: the highest, of two the left one. */
export function labelAt(points: readonly Point[]): Point {
  const first = points[0]
  if (!first) return [0, 0]
  let corner = first
  for (const p of points) {
    if (p[1] < corner[1] || (p[1] === corner[1] && p[0] < corner[0])) corner = p
  }
  return corner
}

/**
 * The zone whose dwell a target's tag shows, of those it is in: one that a rule uses goes
 * before one that none does, a smaller before a larger, and then the name decides.
 */
export function zoneThatCounts(target: Target, zones: readonly Zone[]): Zone | undefined {
  let best: Zone | undefined
  let size = 0
  for (const z of zones) {
    if (z.kind !== 'zone' || z.camera !== target.camera || target.zones[z.name] === undefined) continue
    const a = z.points ? area(z.points) : Infinity
    if (best) {
      const used = z.rules.length > 0
      const bestUsed = best.rules.length > 0
      if (used !== bestUsed) {
        if (!used) continue
      } else if (a !== size) {
        if (a > size) continue
      } else if (z.name >= best.name) continue
    }
    best = z
    size = a
  }
  return best
}

/** A zone's or line's own hue in degrees, the same for the same name everywhere. Hues that mean something (red, amber, green) are left out. */
export function hue(name: string): number {
  let h = 2166136261
  for (let i = 0; i < name.length; i++) {
    h ^= name.charCodeAt(i)
    h = Math.imul(h, 16777619)
  }
  h ^= h >>> 15
  return 140 + ((h >>> 0) % 186)
}

/** A rectangle in pixels: left, top, width, height. */
export interface Rect {
  x: number
  y: number
  w: number
  h: number
}

export function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

/** Where a box's tag can be: over, under or in it, from its left edge on or up to its right one. */
export type Side = 'over' | 'over right' | 'under' | 'under right' | 'within' | 'within right'

const sides: readonly Side[] = ['over', 'over right', 'under', 'under right', 'within', 'within right']

/**
 * Where a box's tag of w by h pixels goes: on the side where it was (so that tags do not
 * jump), else on the first that is free of the tags before it and in the picture; over it,
 * moved into the picture, when none is free.
 */
export function placeTag(box: Rect, w: number, h: number, was: Side, taken: readonly Rect[], width: number, height: number): { rect: Rect; side: Side } {
  const at = (side: Side): Rect => {
    const x = side.endsWith('right') ? box.x + box.w + 1 - w : box.x - 1
    const y = side.startsWith('over') ? box.y - h : side.startsWith('under') ? box.y + box.h : box.y
    return { x: Math.max(0, Math.min(width - w, x)), y, w, h }
  }
  for (const side of [was, ...sides]) {
    const rect = at(side)
    if (rect.y >= 0 && rect.y + h <= height && !taken.some((t) => overlaps(t, rect))) return { rect, side }
  }
  const rect = at('over')
  return { rect: { ...rect, y: Math.max(0, Math.min(height - h, rect.y)) }, side: 'over' }
}

/** A zone's or line's name on the picture: what is shown of it, and where it begins, on its base line. */
export interface NamePlace {
  text: string
  x: number
  y: number
}

/** About what a letter of a name takes, and a line of text, in pixels. */
const letter = 7
const lineHeight = 15
const fewestLetters = 10

/**
 * Where the names of zones and lines stand, in their order: a zone's inside its highest
 * corner, so that it is not under the people in it, a line's at one of its ends. A name
 * keeps off those before it where it can, stays in the picture, and is cut when it is
 * longer than its zone is wide.
 */
export function placeNames(zones: readonly Zone[], m: Mapping): (NamePlace | undefined)[] {
  const taken: Rect[] = []
  return zones.map((z) => {
    const points = z.points?.map((p): Point => [m.x(p[0]), m.y(p[1])])
    if (!points || points.length < 2) return undefined
    const xs = points.map((p) => p[0])
    const room = Math.max(...xs) - Math.min(...xs)
    const most = Math.max(fewestLetters, Math.floor(room / letter))
    const text = z.name.length > most ? `${z.name.slice(0, most - 1)}…` : z.name
    const w = text.length * letter
    const rects = (z.kind === 'line' ? besideLine(points, w) : inZone(points, w)).map(([x, y]): Rect => ({
      x: Math.max(4, Math.min(m.width - w - 4, x)),
      y: Math.max(2, Math.min(m.height - lineHeight - 2, y)),
      w,
      h: lineHeight,
    }))
    const rect = rects.find((r) => !taken.some((t) => overlaps(t, r))) ?? rects[0]
    if (!rect) return undefined
    taken.push(rect)
    return { text, x: rect.x, y: rect.y + lineHeight - 3 }
  })
}

function inZone(points: readonly Point[], w: number): Point[] {
  const byHeight = [...points].sort((a, b) => a[1] - b[1] || a[0] - b[0])
  const middle = (Math.min(...points.map((p) => p[0])) + Math.max(...points.map((p) => p[0]))) / 2
  const low = byHeight[byHeight.length - 1]
  const high = byHeight.slice(0, 2).map((p): Point => [p[0] <= middle ? p[0] + 8 : p[0] - 8 - w, p[1] + 5])
  return low ? [...high, [middle - w / 2, low[1] - lineHeight - 5]] : high
}

function besideLine(points: readonly Point[], w: number): Point[] {
  const ends = [...points].sort((a, b) => a[0] - b[0])
  const a = ends[0]
  const b = ends[ends.length - 1]
  if (!a || !b) return []
  const over = -lineHeight - 5
  const under = 5
  return [[a[0] + 8, a[1] + over], [b[0] - 8 - w, b[1] + over], [a[0] + 8, a[1] + under], [b[0] - 8 - w, b[1] + under]]
}

/** Which target a pointer at x, y (units) means: of the boxes under it, grown by `slack` on all sides, the smallest. */
export function hit(boxes: readonly { id: number; box: Box }[], x: number, y: number, slackX: number, slackY: number): number | undefined {
  let found: number | undefined
  let size = Infinity
  for (const { id, box } of boxes) {
    if (x < box[0] - slackX || x > box[2] + slackX || y < box[1] - slackY || y > box[3] + slackY) continue
    const a = (box[2] - box[0]) * (box[3] - box[1])
    if (a < size) {
      size = a
      found = id
    }
  }
  return found
}
