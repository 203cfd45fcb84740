import type { JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Point, Zone } from '../../api'
import type { Mapping } from '../../scene/geometry'
import { edges, most, snap } from './shape'

const snapReach = 9
/** A press this near to the first corner closes the zone, in pixels. */
const closeReach = 14

/** What Enter gives before any corner is set: something in the middle to go on from. */
const middle: Record<'zone' | 'line', Point[]> = {
  zone: [
    [3500, 4000],
    [6500, 4000],
    [6500, 8000],
    [3500, 8000],
  ],
  line: [
    [3000, 6000],
    [7000, 6000],
  ],
}

export interface LayingProps {
  kind: 'zone' | 'line'
  others: readonly Zone[]
  map: Mapping
  snapping: boolean
  points: readonly Point[]
  onPoints: (points: Point[]) => void
  onDone: (points: Point[]) => void
  onCancel: () => void
}

/** Takes the corners of a new zone or line, press by press; a layer of a Picture. */
export function Laying({ kind, others, map, snapping, points, onPoints, onDone, onCancel }: LayingProps): JSX.Element {
  const svg = useRef<SVGSVGElement>(null)
  const [pointer, setPointer] = useState<Point>()
  useLayoutEffect(() => svg.current?.focus(), [])

  const at = (e: MouseEvent): Point => {
    const r = svg.current?.getBoundingClientRect()
    const raw: Point = r ? [((e.clientX - r.left) / map.width) * 10000, ((e.clientY - r.top) / map.height) * 10000] : [0, 0]
    const reach = snapping && !e.altKey ? { x: map.ux(snapReach), y: map.uy(snapReach) } : { x: 0, y: 0 }
    return snap(raw, { corners: others.flatMap((o) => o.points ?? []), edges: others.flatMap((o) => edges(o.points ?? [], o.kind === 'zone')) }, reach).point
  }
  const first = points[0]
  const closes = (p: Point): boolean =>
    kind === 'zone' && points.length >= 3 && first !== undefined && Math.hypot(map.x(p[0]) - map.x(first[0]), map.y(p[1]) - map.y(first[1])) <= closeReach
  const press = (e: MouseEvent): void => {
    const p = at(e)
    if (closes(p)) {
      onDone([...points])
      return
    }
    const last = points[points.length - 1]
    if (last && last[0] === p[0] && last[1] === p[1]) return
    const next = [...points, p]
    if (kind === 'line' ? next.length === 2 : next.length === most) onDone(next)
    else onPoints(next)
  }
  const key = (e: KeyboardEvent): void => {
    if (e.key === 'Escape') {
      e.preventDefault()
      onCancel()
    } else if (e.key === 'Backspace' && points.length > 0) {
      e.preventDefault()
      onPoints(points.slice(0, -1))
    } else if (e.key === 'Enter') {
      e.preventDefault()
      if (points.length === 0) onDone(middle[kind])
      else if (kind === 'zone' && points.length >= 3) onDone([...points])
    }
  }
  const shown = pointer && !closes(pointer) ? [...points, pointer] : [...points, ...(pointer && first ? [first] : [])]
  return (
    <svg
      ref={svg}
      class="scene-layer laying"
      viewBox={`0 0 ${map.width} ${map.height}`}
      tabindex={0}
      role="application"
      aria-label={`Drawing a ${kind}: press where its ${kind === 'zone' ? 'corners are' : 'ends are'}. Enter ${points.length === 0 ? 'puts one in the middle' : 'ends it'}, Backspace takes the last one back, Escape gives up.`}
      onPointerMove={(e) => e.pointerType !== 'touch' && setPointer(at(e))}
      onPointerLeave={() => setPointer(undefined)}
      onClick={press}
      onKeyDown={key}
    >
      {kind === 'zone' && shown.length > 2 && <polygon class="laying-area" points={shown.map((p) => `${map.x(p[0])},${map.y(p[1])}`).join(' ')} />}
      <polyline class="laying-way" points={shown.map((p) => `${map.x(p[0])},${map.y(p[1])}`).join(' ')} />
      {points.map((p, i) => (
        <circle key={i} class={i === 0 && points.length >= 3 && kind === 'zone' ? 'laying-corner laying-first' : 'laying-corner'} cx={map.x(p[0])} cy={map.y(p[1])} r={i === 0 ? 8 : 5} />
      ))}
    </svg>
  )
}
