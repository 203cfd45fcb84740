import { useEffect, useRef } from 'preact/hooks'
import type { Zone } from '../api'
import type { Mapping } from './geometry'
import type { Motion } from './motion'
import { canvasOf, paint } from './paint'

export interface MovingLayerProps {
  motion: Motion
  zones: readonly Zone[]
  map: Mapping
  /** The target under the pointer or the keyboard. */
  marked: number | undefined
  /** False off the screen and behind other tabs: then nothing is painted. */
  seen: boolean
}

/** Targets, trails and crossings of a scene on one canvas; a layer of a Picture. Paints only when something looks different. */
export function MovingLayer({ motion, zones, map, marked, seen }: MovingLayerProps) {
  const ref = useRef<HTMLCanvasElement>(null)
  const mark = useRef(marked)
  const wake = useRef<(() => void) | undefined>(undefined)
  useEffect(() => {
    const element = ref.current
    const context = element?.getContext('2d')
    if (!element || !context || !seen) return
    const canvas = canvasOf(context)
    const dense = Math.min(3, devicePixelRatio || 1)
    const width = Math.round(map.width * dense)
    const height = Math.round(map.height * dense)
    // Setting a size, even the same one, empties a canvas.
    if (element.width !== width) element.width = width
    if (element.height !== height) element.height = height
    context.setTransform(dense, 0, 0, dense, 0, 0)
    let frame = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = () => {
      clearTimeout(timer)
      timer = undefined
      if (frame === 0) frame = requestAnimationFrame(draw)
    }
    const draw = () => {
      frame = 0
      const now = performance.now()
      paint(canvas, motion, zones, map, mark.current, now)
      const rest = motion.rests(now)
      if (rest === 0) ask()
      else if (rest !== Infinity) timer = setTimeout(ask, rest)
    }
    ask()
    wake.current = ask
    const stop = motion.listen(ask)
    return () => {
      stop()
      wake.current = undefined
      clearTimeout(timer)
      cancelAnimationFrame(frame)
    }
  }, [motion, zones, map, seen])
  useEffect(() => {
    mark.current = marked
    wake.current?.()
  }, [marked])
  return <canvas ref={ref} class="scene-layer scene-moving" aria-hidden="true" />
}
