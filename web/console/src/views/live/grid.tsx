import type { JSX } from 'preact'
import { columns, fit } from '../../scene/geometry'
import { useSize } from '../../scene/measure'
import { usualAspect } from '../../scene/Picture'
import { Tile } from './tile'
import type { TileProps } from './tile'

/** What stands between and above scenes, in pixels: as in live.css. */
const gap = 12
const caption = 36
/** Scenes do not get narrower than this; then the page scrolls. */
const narrowest = 260

export interface ScenesProps extends Omit<TileProps, 'camera' | 'zones' | 'large'> {
  cameras: readonly TileProps['camera'][]
  zonesOf: (camera: string) => TileProps['zones']
}

/** Cameras side by side, each as large as the window allows; `large` for one alone. */
export function Grid({ cameras, zonesOf, ...rest }: ScenesProps & Pick<TileProps, 'large'>): JSX.Element {
  const [room, size] = useSize<HTMLDivElement>()
  let n = columns(cameras.length, size.width, size.height, usualAspect, gap, caption)
  const rows = Math.ceil(cameras.length / n)
  let width = fit((size.width - gap * (n - 1)) / n, (size.height - gap * (rows - 1)) / rows - caption, usualAspect).width
  if (width < narrowest) {
    n = Math.max(1, Math.floor((size.width + gap) / (narrowest + gap)))
    width = Math.floor((size.width - gap * (n - 1)) / n)
  }
  return (
    <div class="live-room">
      <div ref={room} class="live-measure" />
      {size.width > 0 && (
        <div class="live-grid" style={{ gridTemplateColumns: `repeat(${n}, ${width}px)` }}>
          {cameras.map((c) => (
            <Tile key={c.name} camera={c} zones={zonesOf(c.name)} {...rest} />
          ))}
        </div>
      )}
    </div>
  )
}
