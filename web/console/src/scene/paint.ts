// Paints what moves: flashes of lines, trails, boxes, foot dots and tags.

import type { Box, Point, Zone } from '../api'
import { anchorOf, arrow, hue, placeTag, zoneThatCounts } from './geometry'
import type { Mapping, Rect, Side } from './geometry'
import { lookOf, seconds } from './look'
import type { Shape } from './look'
import { flashTime, trailOf } from './motion'
import type { Motion } from './motion'

/** A canvas and what is remembered between two paintings of it. */
export interface Canvas {
  context: CanvasRenderingContext2D
  /** Widths of tags by their text, with every digit a zero. */
  widths: Map<string, number>
  /** On which side of its box each target's tag was. */
  sides: Map<number, Side>
}

const font = '12px system-ui, sans-serif'
const tagHeight = 18
/** Around the target under the pointer or the keyboard: the page's colour for what has the focus. */
const markColor = '#2dd4bf'
const trailParts = 6
/** Under this width, and with more targets than this, tags leave the class's word out. */
const wideScene = 560
const fewTargets = 12

export function canvasOf(context: CanvasRenderingContext2D): Canvas {
  return { context, widths: new Map(), sides: new Map() }
}

/** Paints a scene. `marked` is the target under the pointer or the keyboard, drawn over the others. */
export function paint(canvas: Canvas, motion: Motion, zones: readonly Zone[], m: Mapping, marked: number | undefined, now: number): void {
  const c = canvas.context
  c.clearRect(0, 0, m.width, m.height)
  c.lineJoin = 'round'
  c.lineCap = 'round'
  for (const f of motion.flashes(now)) {
    const line = zones.find((z) => z.name === f.line)
    const a = line?.points?.[0]
    const b = line?.points?.[1]
    if (!line || !a || !b) continue
    flash(c, [m.x(a[0]), m.y(a[1])], [m.x(b[0]), m.y(b[1])], hue(line.name), inWay(line, f.direction), 1 - (now - f.at) / flashTime)
  }
  const movers = motion.all()
  const shown = movers.map((mover) => {
    const id = mover.target.id
    const box = motion.box(id, now) ?? mover.target.box
    return { mover, id, box, rect: rectOf(box, m), look: lookOf(mover.target.class), zone: zoneThatCounts(mover.target, zones) }
  })
  c.lineWidth = 2
  // Round ends would lie over each other where a trail's parts meet.
  c.lineCap = 'butt'
  for (const s of shown) {
    const foot = anchorOf(s.box)
    c.strokeStyle = s.look.color
    for (const part of trailOf(s.mover, foot, now, trailParts)) {
      c.globalAlpha = part.strength * 0.7
      path(c, part.points, m)
      c.stroke()
    }
  }
  c.globalAlpha = 1
  for (const s of shown) {
    if (s.id === marked) continue
    outline(c, s.rect, s.look.color, false)
    dot(c, s.box, s.zone?.anchor, s.look.color, m)
  }
  const words = m.width >= wideScene && shown.length <= fewTargets
  const taken: Rect[] = []
  c.font = font
  c.textBaseline = 'middle'
  // The marked one takes its place first, so that it is never the one in another's way.
  const order = [...shown.filter((s) => s.id === marked), ...shown.filter((s) => s.id !== marked)]
  for (const s of order) {
    if (s.id === marked) {
      outline(c, s.rect, s.look.color, true)
      dot(c, s.box, s.zone?.anchor, s.look.color, m)
    }
    const dwell = s.zone && motion.dwell(s.id, s.zone.name, now)
    const text = `${words || s.id === marked ? `${s.look.word} ` : ''}${s.id}${dwell === undefined ? '' : ` · ${seconds(dwell)}`}`
    const w = widthOf(canvas, text) + 26
    const { rect, side } = placeTag(s.rect, w, tagHeight, canvas.sides.get(s.id) ?? 'over', taken, m.width, m.height)
    canvas.sides.set(s.id, side)
    taken.push(rect)
    tag(c, rect, text, s.look.shape, s.look.color, s.id === marked)
  }
  if (canvas.sides.size > shown.length) {
    for (const id of canvas.sides.keys()) if (!motion.get(id)) canvas.sides.delete(id)
  }
}

function inWay(line: Zone, direction: 'in' | 'out'): 'left' | 'right' | undefined {
  if (!line.in) return undefined
  return (direction === 'in') === (line.in === 'right') ? 'right' : 'left'
}

function rectOf(box: Box, m: Mapping): Rect {
  const x = m.x(box[0])
  const y = m.y(box[1])
  return { x, y, w: m.x(box[2]) - x, h: m.y(box[3]) - y }
}

function path(c: CanvasRenderingContext2D, points: readonly Point[], m: Mapping): void {
  c.beginPath()
  points.forEach((p, i) => (i === 0 ? c.moveTo(m.x(p[0]), m.y(p[1])) : c.lineTo(m.x(p[0]), m.y(p[1]))))
}

function flash(c: CanvasRenderingContext2D, a: Point, b: Point, of: number, way: 'left' | 'right' | undefined, strength: number): void {
  c.globalAlpha = Math.max(0, strength)
  c.strokeStyle = `hsl(${of} 100% 86%)`
  c.lineWidth = 6
  c.beginPath()
  c.moveTo(a[0], a[1])
  c.lineTo(b[0], b[1])
  if (way) {
    const to = arrow(a, b, way, 34)
    c.moveTo(to.from[0], to.from[1])
    c.lineTo(to.tip[0], to.tip[1])
    c.moveTo(to.left[0], to.left[1])
    c.lineTo(to.tip[0], to.tip[1])
    c.lineTo(to.right[0], to.right[1])
  }
  c.stroke()
  c.globalAlpha = 1
}

// A dark line under the bright one keeps a box visible on any picture.
function outline(c: CanvasRenderingContext2D, r: Rect, color: string, marked: boolean): void {
  c.strokeStyle = 'rgb(8 12 18 / 0.7)'
  c.lineWidth = marked ? 6 : 4
  c.strokeRect(r.x, r.y, r.w, r.h)
  if (marked) {
    c.strokeStyle = markColor
    c.lineWidth = 2
    c.strokeRect(r.x - 5, r.y - 5, r.w + 10, r.h + 10)
  }
  c.strokeStyle = color
  c.lineWidth = marked ? 3 : 2
  c.strokeRect(r.x, r.y, r.w, r.h)
}

function dot(c: CanvasRenderingContext2D, box: Box, anchor: Zone['anchor'], color: string, m: Mapping): void {
  const [x, y] = anchorOf(box, anchor)
  c.beginPath()
  c.arc(m.x(x), m.y(y), 4, 0, Math.PI * 2)
  c.fillStyle = color
  c.fill()
  c.lineWidth = 1.5
  c.strokeStyle = 'rgb(8 12 18 / 0.8)'
  c.stroke()
}

function widthOf(canvas: Canvas, text: string): number {
  const key = text.replace(/[0-9]/g, '0')
  let w = canvas.widths.get(key)
  if (w === undefined) {
    w = Math.ceil(canvas.context.measureText(key).width)
    canvas.widths.set(key, w)
  }
  return w
}

function tag(c: CanvasRenderingContext2D, r: Rect, text: string, shape: Shape, color: string, marked: boolean): void {
  c.fillStyle = marked ? 'rgb(8 12 18 / 0.96)' : 'rgb(8 12 18 / 0.8)'
  c.beginPath()
  c.roundRect(r.x, r.y, r.w, r.h, 3)
  c.fill()
  c.fillStyle = color
  c.strokeStyle = color
  c.lineWidth = 1.5
  const x = r.x + 10
  const y = r.y + r.h / 2
  c.beginPath()
  switch (shape) {
    case 'circle':
    case 'ring':
      c.arc(x, y, 4, 0, Math.PI * 2)
      break
    case 'square':
      c.rect(x - 4, y - 4, 8, 8)
      break
    case 'diamond':
      c.moveTo(x, y - 5)
      c.lineTo(x + 5, y)
      c.lineTo(x, y + 5)
      c.lineTo(x - 5, y)
      c.closePath()
  }
  if (shape === 'ring') c.stroke()
  else c.fill()
  c.fillStyle = '#f1f5f9'
  c.fillText(text, r.x + 19, y + 0.5)
}
