import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Mapping } from '../../scene/geometry'
import type { Walk } from './visits'

/** Where people walked: a dot for each foot point, brighter of those who would have entered. A layer of a Picture. */
export function Heat({ walks, who, map }: { walks: readonly Walk[]; who: ReadonlySet<number>; map: Mapping }): JSX.Element {
  const ref = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const c = ref.current
    const g = c?.getContext('2d')
    if (!c || !g) return
    const dense = Math.min(2, devicePixelRatio || 1)
    c.width = Math.round(map.width * dense)
    c.height = Math.round(map.height * dense)
    g.setTransform(dense, 0, 0, dense, 0, 0)
    const dots = (chosen: boolean, color: string, size: number): void => {
      g.fillStyle = color
      walks.forEach((w, i) => {
        if (who.has(i) !== chosen) return
        for (const [, x, y] of w.track.points) g.fillRect(map.x(x) - size / 2, map.y(y) - size / 2, size, size)
      })
    }
    dots(false, 'rgb(255 255 255 / 0.22)', 2)
    dots(true, 'rgb(94 234 212 / 0.6)', 2.5)
  }, [walks, who, map])
  return <canvas ref={ref} class="scene-layer zones-heat" aria-hidden="true" />
}
