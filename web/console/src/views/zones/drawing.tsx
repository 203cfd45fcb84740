import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Point, Zone } from '../../api'
import { arrow, hue, labelAt } from '../../scene/geometry'
import type { Mapping } from '../../scene/geometry'
import type { Draft } from './draft'
import { edges, fewest, inserted, moved, most, onPicture, removed, snap, withPoint } from './shape'
import type { Others } from './shape'

/** Pixels: within which a point snaps, and by which a press may wander and still be a press. */
const snapReach = 9
const wander = 4
/** Units by which an arrow key moves. */
const nudge = 10
const longNudge = 100
/** Letters of a name on the picture. */
const longestName = 28

/** What is being dragged: a corner, an edge from its corner on, or the whole. */
type Grip = { part: 'corner' | 'edge'; i: number } | { part: 'whole' }

export interface DrawingProps {
  draft: Draft
  /** The camera's other zones and lines, to snap to. */
  others: readonly Zone[]
  map: Mapping
  snapping: boolean
  /** Nothing can be moved: another's or the camera's own. */
  fixed: boolean
  /** A change; of one tag they are one step. */
  onChange: (d: Draft, tag: string) => void
}

const says = (p: Point): string => `${Math.round(p[0])}, ${Math.round(p[1])}`

/** The zone or line that is being changed, with its handles; a layer of a Picture. */
export function Drawing({ draft, others, map, snapping, fixed, onChange }: DrawingProps): JSX.Element {
  const svg = useRef<SVGSVGElement>(null)
  const [snapped, setSnapped] = useState<Point>()
  const [over, setOver] = useState<number>()
  const grip = useRef<{ what: Grip; id: number; from: Point; points: readonly Point[]; tag: string; far: boolean } | undefined>(undefined)
  const focusNext = useRef<number | undefined>(undefined)
  const turns = useRef(0)
  const zone = draft.kind === 'zone'
  const pts = draft.points
  const px = (p: Point): Point => [map.x(p[0]), map.y(p[1])]

  // A corner that was just made takes the keyboard.
  useEffect(() => {
    if (focusNext.current === undefined) return
    svg.current?.querySelector<SVGElement>(`[data-corner="${focusNext.current}"]`)?.focus()
    focusNext.current = undefined
  })

  const at = (e: PointerEvent | MouseEvent): Point => {
    const r = svg.current?.getBoundingClientRect()
    return r ? [((e.clientX - r.left) / map.width) * 10000, ((e.clientY - r.top) / map.height) * 10000] : [0, 0]
  }
  const change = (points: Point[], tag: string): void => onChange({ ...draft, points }, tag)
  const around = (skip?: number): Others => {
    const corners: Point[] = []
    const all: [Point, Point][] = []
    for (const o of others) {
      if (!o.points) continue
      corners.push(...o.points)
      all.push(...edges(o.points, o.kind === 'zone'))
    }
    if (skip !== undefined) pts.forEach((p, i) => i !== skip && corners.push(p))
    return { corners, edges: all }
  }
  const reach = (e: PointerEvent): { x: number; y: number } =>
    snapping && !e.altKey ? { x: map.ux(snapReach), y: map.uy(snapReach) } : { x: 0, y: 0 }

  const down = (e: PointerEvent, what: Grip): void => {
    if (fixed || e.button !== 0 || !svg.current) return
    e.stopPropagation()
    svg.current.setPointerCapture(e.pointerId)
    turns.current++
    grip.current = { what, id: e.pointerId, from: at(e), points: pts, tag: `drag ${turns.current}`, far: false }
    svg.current.querySelector<SVGElement>(what.part === 'corner' ? `[data-corner="${what.i}"]` : '.drawing-whole')?.focus()
  }
  const move = (e: PointerEvent): void => {
    const g = grip.current
    if (!g || g.id !== e.pointerId) return
    const p = at(e)
    if (!g.far) {
      const dx = ((p[0] - g.from[0]) / 10000) * map.width
      const dy = ((p[1] - g.from[1]) / 10000) * map.height
      if (Math.hypot(dx, dy) < wander) return
      g.far = true
    }
    const d: Point = [p[0] - g.from[0], p[1] - g.from[1]]
    if (g.what.part === 'whole') {
      change(moved(g.points, d[0], d[1]), g.tag)
      return
    }
    const i = g.what.i
    if (g.what.part === 'corner') {
      const was = g.points[i]
      if (!was) return
      const s = snap([was[0] + d[0], was[1] + d[1]], around(i), reach(e))
      setSnapped(s.to ? s.point : undefined)
      change(withPoint(g.points, i, s.point), g.tag)
      return
    }
    const j = (i + 1) % g.points.length
    const a = g.points[i]
    const b = g.points[j]
    if (!a || !b) return
    const [a2, b2] = moved([a, b], d[0], d[1])
    if (a2 && b2) change(withPoint(withPoint(g.points, i, a2), j, b2), g.tag)
  }
  const up = (e: PointerEvent): void => {
    const g = grip.current
    if (!g || g.id !== e.pointerId) return
    grip.current = undefined
    setSnapped(undefined)
    if (g.far || g.what.part !== 'edge' || !zone || g.points.length >= most) return
    // A press on an edge that did not move it makes a corner there.
    focusNext.current = g.what.i + 1
    change(inserted(g.points, g.what.i, at(e)), g.tag)
  }

  const arrows: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
  const key = (e: KeyboardEvent, i?: number): void => {
    if (fixed || e.ctrlKey || e.metaKey || e.altKey) return
    const dir = arrows[e.key]
    if (dir) {
      e.preventDefault()
      const by = e.shiftKey ? longNudge : nudge
      const p = i === undefined ? undefined : pts[i]
      const tag = `nudge ${i ?? 'whole'} ${turns.current}`
      if (i !== undefined && p) change(withPoint(pts, i, onPicture([p[0] + dir[0] * by, p[1] + dir[1] * by])), tag)
      else change(moved(pts, dir[0] * by, dir[1] * by), tag)
      return
    }
    if (i === undefined || !zone) return
    if ((e.key === 'Delete' || e.key === 'Backspace') && pts.length > fewest) {
      e.preventDefault()
      turns.current++
      focusNext.current = Math.min(i, pts.length - 2)
      change(removed(pts, i), `remove ${turns.current}`)
    } else if ((e.key === '+' || e.key === 'Insert') && pts.length < most) {
      e.preventDefault()
      const a = pts[i]
      const b = pts[(i + 1) % pts.length]
      if (!a || !b) return
      turns.current++
      focusNext.current = i + 1
      change(inserted(pts, i, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]), `insert ${turns.current}`)
    }
  }

  const all = edges(pts, zone)
  const [first, second] = pts
  const way = !zone && first && second ? arrow(px(first), px(second), draft.in, 26) : undefined
  const label = zone ? labelAt(pts) : first
  const title = draft.name.length > longestName ? `${draft.name.slice(0, longestName - 1)}…` : draft.name
  return (
    <svg
      ref={svg}
      class={`scene-layer drawing${fixed ? ' drawing-fixed' : ''}`}
      viewBox={`0 0 ${map.width} ${map.height}`}
      role="group"
      aria-label={`${draft.kind} ${draft.name}, drawing`}
      style={{ '--hue': String(hue(draft.name)) }}
      onMouseDown={(e) => e.preventDefault() /* the press gives the focus itself */}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
    >
      {zone && (
        <polygon
          class="drawing-area drawing-whole"
          points={pts.map((p) => px(p).join(',')).join(' ')}
          {...(!fixed && { tabindex: 0, role: 'button', 'aria-label': `The whole zone ${draft.name}: arrows move it` })}
          onPointerDown={(e) => down(e, { part: 'whole' })}
          onKeyDown={(e) => e.target === e.currentTarget && key(e)}
        />
      )}
      {all.map(([a, b], i) => {
        const [x1, y1] = px(a)
        const [x2, y2] = px(b)
        return (
          <g key={i} class={over === i ? 'drawing-edge drawing-over' : 'drawing-edge'}>
            <line x1={x1} y1={y1} x2={x2} y2={y2} />
            {!fixed && (
              <line
                class={`drawing-grip${zone ? '' : ' drawing-whole'}`}
                x1={x1}
                y1={y1}
                x2={x2}
                y2={y2}
                {...(!zone && { tabindex: 0, role: 'button', 'aria-label': `The whole line ${draft.name}: arrows move it` })}
                onPointerEnter={() => setOver(i)}
                onPointerLeave={() => setOver(undefined)}
                onPointerDown={(e) => down(e, zone ? { part: 'edge', i } : { part: 'whole' })}
                onKeyDown={(e) => !zone && key(e)}
              />
            )}
            {!fixed && zone && Math.hypot(x2 - x1, y2 - y1) > 48 && <circle class="drawing-middle" cx={(x1 + x2) / 2} cy={(y1 + y2) / 2} r={3} />}
          </g>
        )
      })}
      {way && (
        <g class="drawing-way">
          <line x1={way.from[0]} y1={way.from[1]} x2={way.tip[0]} y2={way.tip[1]} />
          <polyline points={`${way.left.join(',')} ${way.tip.join(',')} ${way.right.join(',')}`} />
          <text x={way.tip[0] + 6} y={way.tip[1] + 4}>
            in
          </text>
        </g>
      )}
      {label && (
        <text class="drawing-name" x={Math.min(map.width - title.length * 7.5 - 4, Math.max(4, map.x(label[0]) + (zone ? 10 : 12)))} y={Math.max(16, map.y(label[1]) + (zone ? 22 : -12))}>
          {title}
        </text>
      )}
      {!fixed &&
        pts.map((p, i) => {
          const [x, y] = px(p)
          const name = zone ? `Corner ${i + 1} of ${pts.length}` : i === 0 ? 'From' : 'To'
          return (
            <g
              key={i}
              class="drawing-corner"
              data-corner={i}
              tabindex={0}
              role="button"
              aria-label={`${name}, at ${says(p)}: arrows move it${zone ? ', Delete removes it, plus adds one after it' : ''}`}
              onPointerDown={(e) => down(e, { part: 'corner', i })}
              onKeyDown={(e) => key(e, i)}
            >
              <circle class="drawing-touch" cx={x} cy={y} r={14} />
              <circle class="drawing-handle" cx={x} cy={y} r={6} />
              {!zone && (
                <text class="drawing-end" x={x + 9} y={y + 16}>
                  {i === 0 ? 'from' : 'to'}
                </text>
              )}
            </g>
          )
        })}
      {snapped && <circle class="drawing-snap" cx={map.x(snapped[0])} cy={map.y(snapped[1])} r={11} />}
    </svg>
  )
}
