import { useMemo } from 'preact/hooks'
import type { Point, Zone } from '../api'
import { arrow, hue, placeNames } from './geometry'
import type { Mapping, NamePlace } from './geometry'

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
  const places = useMemo(() => (names ? placeNames(zones, map) : []), [zones, map, names])
  return (
    <svg class="scene-layer scene-zones" viewBox={`0 0 ${map.width} ${map.height}`} aria-hidden="true">
      {zones.map((z, i) =>
        z.kind === 'line' ? (
          <LineShape key={`line ${z.name}`} zone={z} map={map} name={places[i]} />
        ) : (
          <ZoneShape key={`zone ${z.name}`} zone={z} map={map} name={places[i]} busy={occupied.has(z.name)} />
        ),
      )}
    </svg>
  )
}

function ZoneShape({ zone, map, name, busy }: { zone: Zone; map: Mapping; name: NamePlace | undefined; busy: boolean }) {
  if (!zone.points || zone.points.length < 3) return null
  return (
    <g class={busy ? 'zone-shape zone-busy' : 'zone-shape'} style={{ '--hue': String(hue(zone.name)) }}>
      <polygon points={zone.points.map((p) => `${map.x(p[0])},${map.y(p[1])}`).join(' ')} />
      {name && <Name place={name} />}
    </g>
  )
}

function LineShape({ zone, map, name }: { zone: Zone; map: Mapping; name: NamePlace | undefined }) {
  const a = pixels(zone.points?.[0], map)
  const b = pixels(zone.points?.[1], map)
  if (!a || !b) return null
  const way = zone.in && arrow(a, b, zone.in, Math.min(22, map.width / 20))
  return (
    <g class="line-shape" style={{ '--hue': String(hue(zone.name)) }}>
      <line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} />
      {way && (
        <polyline points={`${way.left.join(',')} ${way.tip.join(',')} ${way.right.join(',')} ${way.tip.join(',')} ${way.from.join(',')}`} />
      )}
      {name && <Name place={name} />}
    </g>
  )
}

function Name({ place }: { place: NamePlace }) {
  return (
    <text x={place.x} y={place.y}>
      {place.text}
    </text>
  )
}

function pixels(p: Point | undefined, map: Mapping): Point | undefined {
  return p && [map.x(p[0]), map.y(p[1])]
}
