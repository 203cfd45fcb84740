import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Zone } from '../../api'
import type { Motion } from '../../scene/motion'
import { Facts, targetTitle, useTarget } from './facts'

/** A target under the pointer, and where in the window that was. */
export interface Hover {
  camera: string
  id: number
  x: number
  y: number
  motion: Motion
  zones: readonly Zone[]
}

/** A pointer that only passes over asks for nothing. */
const after = 150
/** How far from the pointer, and from the window's edge, in pixels. */
const away = 18
const edge = 8

/** A target's facts beside the pointer. It stays where it came up. A tap or click opens the same as a sheet. */
export function HoverFacts({ hover }: { hover: Hover | undefined }): JSX.Element | null {
  const [shown, setShown] = useState<Hover>()
  const key = hover && `${hover.camera}/${hover.id}`
  useEffect(() => {
    if (!hover) {
      setShown(undefined)
      return
    }
    const timer = setTimeout(() => setShown(hover), after)
    return () => clearTimeout(timer)
  }, [key])
  if (!shown || !hover) return null
  return <Popover key={`${shown.camera}/${shown.id}`} hover={shown} />
}

function Popover({ hover }: { hover: Hover }): JSX.Element {
  const ref = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<{ left: number; top: number }>()
  const { target } = useTarget(hover.motion, hover.id)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const place = () => {
      const { width, height } = element.getBoundingClientRect()
      const right = hover.x + away + width + edge <= innerWidth
      setAt({
        left: Math.max(edge, right ? hover.x + away : hover.x - away - width),
        top: Math.max(edge, Math.min(innerHeight - height - edge, hover.y - away)),
      })
    }
    // What the rules say comes a moment later and makes it higher.
    const watch = new ResizeObserver(place)
    watch.observe(element)
    return () => watch.disconnect()
  }, [hover])
  return (
    <div ref={ref} class="live-hover" aria-hidden="true" style={at ? { left: `${at.left}px`, top: `${at.top}px` } : { visibility: 'hidden' }}>
      <strong>{targetTitle(target, hover.id)}</strong>
      <Facts camera={hover.camera} id={hover.id} motion={hover.motion} zones={hover.zones} brief />
    </div>
  )
}
