import { useEffect, useMemo } from 'preact/hooks'
import { effect } from '@preact/signals'
import { link, sceneOf, serverNow } from '../state'
import { onCross } from '../stream'
import { Motion } from './motion'

/** Who was not heard of for longer is gone, as tracking.timeout has it, in milliseconds. */
const oldest = 1500

/** Everybody in a camera's picture, fed by the page's stream as long as the component is there. */
export function useMotion(camera: string): Motion {
  const motion = useMemo(() => new Motion(), [camera])
  useEffect(() => {
    let first = true
    const ends = [
      effect(() => {
        const scene = sceneOf(camera).value
        if (!scene) return
        // What was there before the component was is as old as its frame.
        const old = first && scene.at > 0 ? Math.min(oldest, Math.max(0, serverNow() - scene.at)) : 0
        first = false
        motion.update(scene.targets, performance.now(), old)
      }),
      effect(() => {
        if (!link.value.up) motion.freeze(performance.now())
      }),
      onCross((c) => {
        if (c.camera === camera) motion.crossed(c, performance.now())
      }),
    ]
    const hidden = () => {
      if (document.visibilityState === 'hidden') motion.freeze(performance.now())
    }
    document.addEventListener('visibilitychange', hidden)
    return () => {
      document.removeEventListener('visibilitychange', hidden)
      for (const end of ends) end()
    }
  }, [camera, motion])
  return motion
}
