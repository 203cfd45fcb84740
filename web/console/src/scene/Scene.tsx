import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import type { Camera, Zone } from '../api'
import { hit } from './geometry'
import type { Mapping } from './geometry'
import { useLessMotion } from './measure'
import type { Motion } from './motion'
import { MovingLayer } from './MovingLayer'
import { Picture } from './Picture'
import { TargetList } from './TargetList'
import { ZoneShapes } from './ZoneShapes'

/** Pixels by which a pointer may miss a box. */
const slack = 10
/** Pixels by which a target may walk away from a pointer that rests before another or none is meant. */
const stay = 40
/** Under this width zones have no names. */
const namesFrom = 280

export interface SceneProps {
  camera: Camera
  /** The camera's zones and lines. The same array as long as they are the same. */
  zones: readonly Zone[]
  motion: Motion
  /** See Picture. */
  contain?: boolean
  /** The target whose facts are open. */
  picked?: number | undefined
  /** A target is under the pointer (at x, y of the window), or none any more. Not for touches. */
  onHover?: (id: number | undefined, x: number, y: number) => void
  /** A target was tapped, clicked or chosen by keyboard. */
  onPick?: (id: number) => void
  /** What lies over everything: a veil, a caption. */
  children?: ComponentChildren
}

/** Where a pointer is: on the picture, in the window. */
interface Pointer {
  x: number
  y: number
  cx: number
  cy: number
  map: Mapping
}

function pointerOf(e: MouseEvent & { currentTarget: HTMLElement }, map: Mapping): Pointer {
  const at = e.currentTarget.getBoundingClientRect()
  return { x: e.clientX - at.left, y: e.clientY - at.top, cx: e.clientX, cy: e.clientY, map }
}

/** What one camera sees: picture, zones, lines and everybody who is there. */
export function Scene({ camera, zones, motion, contain, picked, onHover, onPick, children }: SceneProps) {
  const [hovered, setHovered] = useState<number>()
  const [focused, setFocused] = useState<number>()
  const occupied = useOccupied(motion)
  const pointer = useRef<Pointer | undefined>(undefined)
  const less = useLessMotion()
  motion.still = less

  const under = (p: Pointer | undefined) => {
    if (!p) return undefined
    const now = performance.now()
    const boxes = motion.all().map(({ target }) => ({ id: target.id, box: motion.box(target.id, now) ?? target.box }))
    const near = (of: typeof boxes, px: number) => hit(of, p.map.ux(p.x), p.map.uy(p.y), p.map.ux(px), p.map.uy(px))
    return near(boxes, slack) ?? near(boxes.filter((b) => b.id === hovered), stay)
  }
  const hover = () => {
    const p = pointer.current
    const id = under(p)
    setHovered(id)
    if (id !== hovered || id === undefined) onHover?.(id, p?.cx ?? 0, p?.cy ?? 0)
  }
  const leave = () => {
    pointer.current = undefined
    if (hovered === undefined) return
    setHovered(undefined)
    onHover?.(undefined, 0, 0)
  }
  // Targets move under a pointer that rests.
  useEffect(() => motion.listen(() => pointer.current && hover()))

  return (
    <Picture class="scene" camera={camera.name} snapshotAt={camera.snapshot_at} contain={contain ?? false}>
      {(map, seen) => (
        <>
          <ZoneShapes zones={zones} map={map} occupied={occupied} names={map.width >= namesFrom} />
          <MovingLayer motion={motion} zones={zones} map={map} marked={hovered ?? focused ?? picked} seen={seen} />
          {/* The list below is the way for the keyboard; this is only for pointers. */}
          <div
            class={hovered === undefined ? 'scene-layer scene-pointer' : 'scene-layer scene-pointer scene-over'}
            onPointerMove={(e) => {
              if (e.pointerType === 'touch') return
              pointer.current = pointerOf(e, map)
              hover()
            }}
            onPointerLeave={leave}
            onClick={(e) => {
              const id = under(pointerOf(e, map))
              if (id !== undefined) onPick?.(id)
            }}
          />
          {children}
          <TargetList camera={camera.name} motion={motion} zones={zones} seen={seen} onMark={setFocused} onPick={(id) => onPick?.(id)} />
        </>
      )}
    </Picture>
  )
}

const nobody: ReadonlySet<string> = new Set()

/** The zones somebody is in; the same set until it is another. */
function useOccupied(motion: Motion): ReadonlySet<string> {
  const [zones, setZones] = useState(nobody)
  useEffect(() => {
    const look = () => setZones((was) => same(was, motion.occupied()))
    look()
    return motion.listen(look)
  }, [motion])
  return zones
}

function same(was: ReadonlySet<string>, is: ReadonlySet<string>): ReadonlySet<string> {
  return was.size === is.size && [...is].every((z) => was.has(z)) ? was : is
}
