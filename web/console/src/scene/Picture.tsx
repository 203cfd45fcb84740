import { useMemo } from 'preact/hooks'
import type { ComponentChildren, HTMLAttributes } from 'preact'
import { fit, mapping } from './geometry'
import type { Mapping } from './geometry'
import { useSeen, useSize } from './measure'
import { useSnapshot } from './snapshot'

/** The shape of a picture while none is known. */
export const usualAspect = 16 / 9

export interface PictureProps extends Omit<HTMLAttributes<HTMLDivElement>, 'children' | 'ref' | 'style'> {
  /** The camera's name. */
  camera: string
  /** Camera.snapshot_at: when it changes the picture is loaded anew; a plain grid while it is not given. */
  snapshotAt: string | undefined
  /**
   * True when the parent has a height of its own: the picture is as large as fits in it.
   * Else it is as wide as its parent and as high as that makes it.
   */
  contain?: boolean
  /** Layers on the picture, each as large as it; called once the size is known. `seen` is false off the screen and behind other tabs. */
  children: (m: Mapping, seen: boolean) => ComponentChildren
}

/**
 * A camera's picture, dimmed, with layers on it in its coordinates. Children get the
 * mapping between units (0..10000) and the CSS pixels of the layers.
 */
export function Picture({ camera, snapshotAt, contain, children, class: name, ...rest }: PictureProps) {
  const [room, size] = useSize<HTMLDivElement>()
  const seen = useSeen(room)
  const snapshot = useSnapshot(camera, snapshotAt, seen)
  const aspect = snapshot && snapshot.height > 0 ? snapshot.width / snapshot.height : usualAspect
  const { width, height } = contain ? fit(size.width, size.height, aspect) : { width: size.width, height: size.width / aspect }
  const m = useMemo(() => mapping(width, height), [width, height])
  return (
    <div ref={room} class={contain ? 'picture-room picture-contain' : 'picture-room'}>
      <div
        {...rest}
        class={`picture ${typeof name === 'string' ? name : ''}`}
        style={contain ? { width: `${width}px`, height: `${height}px` } : { aspectRatio: String(aspect) }}
      >
        {snapshot ? <img class="picture-image" src={snapshot.url} alt="" draggable={false} /> : <div class="picture-grid" />}
        {width > 0 && children(m, seen)}
      </div>
    </div>
  )
}
