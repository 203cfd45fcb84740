// What moves in a scene, between the frames that the server sends: boxes go to
// where they are said to be in a short straight way and never further, dwell
// grows with the clock, trails fade. No DOM here, so that it can be tested.

import type { Box, Crossing, Point, Target } from '../api'
import { anchorOf, between } from './geometry'

/** How long a trail is seen, and how long a crossing lights its line up, in milliseconds. */
export const trailTime = 5000
export const flashTime = 700

/** The longest way between two frames, in milliseconds. A longer pause is no slow walk. */
const longestGlide = 160
/** Feet that moved less than this many units leave no new point of a trail. */
const trailStep = 25
/** Points of a trail, at most. */
const trailPoints = 128

/** A target as it is shown. */
export interface Mover {
  target: Target
  /** Its trail, the oldest first: x, y in units and when, on the page's clock. */
  trail: { x: number; y: number; at: number }[]
}

interface Moving extends Mover {
  from: Box
  begun: number
  glide: number
  heard: number
}

/** A line that was crossed just now. */
export interface Flash {
  line: string
  direction: Crossing['direction']
  at: number
}

/** Everybody in one camera's picture. All times are milliseconds of one clock that only goes forward (performance.now). */
export class Motion {
  private readonly movers = new Map<number, Moving>()
  private flashing: Flash[] = []
  private frozen: number | undefined
  private readonly listeners = new Set<() => void>()
  /** Boxes jump instead of gliding: for people who want less motion. */
  still = false

  /** Calls `changed` after each change until the function that it gives is called. */
  listen(changed: () => void): () => void {
    this.listeners.add(changed)
    return () => this.listeners.delete(changed)
  }

  private tell(): void {
    for (const changed of this.listeners) changed()
  }

  /** Takes a frame over: who is not in it is gone. `old` is how many milliseconds ago it was true, when it does not come fresh. */
  update(targets: readonly Target[], now: number, old = 0): void {
    this.frozen = undefined
    const here = new Set<number>()
    for (const target of targets) {
      here.add(target.id)
      const m = this.movers.get(target.id)
      if (!m) {
        const [x, y] = anchorOf(target.box)
        this.movers.set(target.id, { target, from: target.box, begun: now, glide: 0, heard: now - old, trail: [{ x, y, at: now }] })
        continue
      }
      m.from = this.boxOf(m, now)
      m.begun = now
      m.glide = this.still ? 0 : Math.min(longestGlide, Math.max(0, now - m.heard))
      m.heard = now - old
      m.target = target
      const [x, y] = anchorOf(target.box)
      const last = m.trail[m.trail.length - 1]
      if (!last || Math.hypot(x - last.x, y - last.y) >= trailStep) m.trail.push({ x, y, at: now })
      while (m.trail.length > trailPoints || (m.trail[0] && now - m.trail[0].at > trailTime)) m.trail.shift()
    }
    for (const id of this.movers.keys()) {
      if (!here.has(id)) this.movers.delete(id)
    }
    this.tell()
  }

  /** A line was crossed. */
  crossed(c: Crossing, now: number): void {
    this.flashing = [...this.flashes(now).filter((f) => f.line !== c.line), { line: c.line, direction: c.direction, at: now }]
    this.tell()
  }

  /** The connection is gone: nothing grows or moves until the next frame. */
  freeze(now: number): void {
    this.frozen ??= now
    this.tell()
  }

  /** Nobody is there any more. */
  clear(): void {
    this.movers.clear()
    this.flashing = []
    this.tell()
  }

  /** False while the connection is gone. */
  get live(): boolean {
    return this.frozen === undefined
  }

  /** Everybody who is there, by number. */
  all(): Mover[] {
    return [...this.movers.values()].sort((a, b) => a.target.id - b.target.id)
  }

  get(id: number): Mover | undefined {
    return this.movers.get(id)
  }

  get size(): number {
    return this.movers.size
  }

  /** Where a target's box is now; undefined when it is not there. */
  box(id: number, now: number): Box | undefined {
    const m = this.movers.get(id)
    return m && this.boxOf(m, now)
  }

  /** How long a target is in a zone by now, in seconds; undefined when it is not in it. */
  dwell(id: number, zone: string, now: number): number | undefined {
    const m = this.movers.get(id)
    const at = m?.target.zones[zone]
    if (!m || at === undefined) return undefined
    return at + this.since(m, now)
  }

  /** How old a target is by now, in seconds. */
  age(id: number, now: number): number | undefined {
    const m = this.movers.get(id)
    return m && m.target.age + this.since(m, now)
  }

  /** The flashes that are still to be seen. */
  flashes(now: number): Flash[] {
    this.flashing = this.flashing.filter((f) => now - f.at < flashTime)
    return this.flashing
  }

  /** The zones somebody is in. */
  occupied(): Set<string> {
    const zones = new Set<string>()
    for (const m of this.movers.values()) {
      for (const z of Object.keys(m.target.zones)) zones.add(z)
    }
    return zones
  }

  /**
   * In how many milliseconds the picture looks different again: 0 at once (something
   * glides, fades or flashes), 100 when only times grow, Infinity when nothing changes.
   */
  rests(now: number): number {
    if (this.flashes(now).length > 0) return 0
    if (this.movers.size === 0) return Infinity
    if (this.frozen !== undefined) return Infinity
    for (const m of this.movers.values()) {
      if (now - m.begun < m.glide) return 0
      const newest = m.trail[m.trail.length - 1]
      if (m.trail.length > 1 && newest && now - newest.at < 200) return 0
    }
    return 100
  }

  private since(m: Moving, now: number): number {
    return Math.max(0, (this.frozen ?? now) - m.heard) / 1000
  }

  private boxOf(m: Moving, now: number): Box {
    if (m.glide <= 0) return m.target.box
    return between(m.from, m.target.box, (now - m.begun) / m.glide)
  }
}

/** The parts of a trail that is to be seen now, the oldest first, each with how strong it is (0..1): never ahead of `foot`. */
export function trailOf(m: Mover, foot: Point, now: number, parts: number): { strength: number; points: Point[] }[] {
  const out: { strength: number; points: Point[] }[] = []
  let part = -1
  let last: Point | undefined
  // The newest point is where the target is said to be. The box is still on its way there.
  for (const p of m.trail.slice(0, -1)) {
    const age = now - p.at
    if (age > trailTime || age < 0) continue
    const of = Math.min(parts - 1, Math.floor((1 - age / trailTime) * parts))
    const at: Point = [p.x, p.y]
    if (of !== part) {
      out.push({ strength: (of + 1) / parts, points: last ? [last, at] : [at] })
      part = of
    } else {
      out[out.length - 1]?.points.push(at)
    }
    last = at
  }
  if (out.length === 0) return out
  out[out.length - 1]?.points.push(foot)
  return out
}
