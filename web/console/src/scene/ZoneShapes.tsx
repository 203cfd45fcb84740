import type { Point, Zone } from '../api'
import { arrow, hue, labelAt } from './geometry'
import type { Mapping } from './geometry'

export interface ZoneShapesProps {
  /** Of one camera, in their order. */
  zones: readonly Zone[]
  map: Mapping
  /** Names of the zones somebody is in. */
  occupied: ReadonlySet<string>
  /** Names are left out on small pictures. */
  names: boolean
}

/** Zones and lines as vector shapes; a layer of a Picture. */
export function ZoneShapes({ zones, map, occupied, names }: ZoneShapesProps) {
  return (
    <svg class="scene-layer scene-zones" viewBox={`0 0 ${map.width} ${map.height}`} aria-hidden="true">
      {zones.map((z) => (z.kind === 'line' ? <LineShape key={`line ${z.name}`} zone={z} map={map} names={names} /> : <ZoneShape key={`zone ${z.name}`} zone={z} map={map} names={names} busy={occupied.has(z.name)} />))}
    </svg>
  )
}

function ZoneShape({ zone, map, names, busy }: { zone: Zone; map: Mapping; names: boolean; busy: boolean }) {
  if (!zone.points || zone.points.length < 3) return null
  const [x, y] = labelAt(zone.points)
  const xs = zone.points.map((p) => p[0])
  return (
    <g class={busy ? 'zone-shape zone-busy' : 'zone-shape'} style={{ '--hue': String(hue(zone.name)) }}>
      <polygon points={zone.points.map((p) => `${map.x(p[0])},${map.y(p[1])}`).join(' ')} />
      {names && <Name at={[map.x(x) + 8, map.y(y) + 17]} text={zone.name} room={map.x(Math.max(...xs) - Math.min(...xs))} map={map} />}
    </g>
  )
}

function LineShape({ zone, map, names }: { zone: Zone; map: Mapping; names: boolean }) {
  const a = pixels(zone.points?.[0], map)
  const b = pixels(zone.points?.[1], map)
  if (!a || !b) return null
  const way = zone.in && arrow(a, b, zone.in, Math.min(22, map.width / 20))
  const [x, y]: Point = a[0] < b[0] ? a : b
  return (
    <g class="line-shape" style={{ '--hue': String(hue(zone.name)) }}>
      <line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} />
      {way && (
        <polyline points={`${way.left.join(',')} ${way.tip.join(',')} ${way.right.join(',')} ${way.tip.join(',')} ${way.from.join(',')}`} />
      )}
      {names && <Name at={[x + 8, y - 8]} text={zone.name} room={Math.abs(b[0] - a[0])} map={map} />}
    </g>
  )
}

/** About what a letter of a name takes, in pixels. */
const letter = 7
const fewestLetters = 10

// A long name is cut, so that it does not lie over its neighbours.
function Name({ at, text, room, map }: { at: Point; text: string; room: number; map: Mapping }) {
  const most = Math.max(fewestLetters, Math.floor(room / letter))
  const short = text.length > most ? `${text.slice(0, most - 1)}…` : text
  return (
    <text x={Math.max(6, Math.min(map.width - short.length * letter, at[0]))} y={Math.max(16, Math.min(map.height - 6, at[1]))}>
      {short}
    </text>
  )
}

function pixels(p: Point | undefined, map: Mapping): Point | undefined {
  return p && [map.x(p[0]), map.y(p[1])]
}
