import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Mapping } from '../../scene/geometry'
import type { Walk } from './visits'

/** Where people walked: a dot for each foot point, brighter of those who would have entered. A layer of a Picture. */
export function Heat({ walks, who: asked, map }: { walks: readonly Walk[]; who: ReadonlySet<number>; map: Mapping }): JSX.Element {
  const ref = useRef<HTMLCanvasElement>(null)
  // While something is dragged, most moves change nobody's part.
  const kept = useRef(asked)
  if (kept.current !== asked && (kept.current.size !== asked.size || [...asked].some((i) => !kept.current.has(i)))) kept.current = asked
  const who = kept.current
  useEffect(() => {
    const c = ref.current
    const g = c?.getContext('2d')
    if (!c || !g) return
    const frame = requestAnimationFrame(() => draw(c, g))
    return () => cancelAnimationFrame(frame)
  }, [walks, who, map])

  const draw = (c: HTMLCanvasElement, g: CanvasRenderingContext2D): void => {
    const dense = Math.min(2, devicePixelRatio || 1)
    c.width = Math.round(map.width * dense)
    c.height = Math.round(map.height * dense)
    g.setTransform(dense, 0, 0, dense, 0, 0)
    // A full day of a busy camera shall not hide the picture.
    const all = walks.reduce((n, w) => n + w.track.points.length, 0)
    const strength = Math.min(1, Math.max(0.25, Math.sqrt((map.width * map.height) / 100 / Math.max(1, all))))
    const dots = (chosen: boolean, color: string, size: number): void => {
      g.globalAlpha = strength
      g.fillStyle = color
      walks.forEach((w, i) => {
        if (who.has(i) !== chosen) return
        for (const [, x, y] of w.track.points) g.fillRect(map.x(x) - size / 2, map.y(y) - size / 2, size, size)
      })
    }
    dots(false, 'rgb(255 255 255 / 0.22)', 2)
    dots(true, 'rgb(94 234 212 / 0.6)', 2.5)
  }
  return <canvas ref={ref} class="scene-layer zones-heat" aria-hidden="true" />
}
