import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Camera, Zone } from '../../api'
import { path, withQuery } from '../../app/router'
import { useMotion } from '../../scene/feed'
import type { Motion } from '../../scene/motion'
import { Scene } from '../../scene/Scene'
import { link, mayEdit, serverNow } from '../../state'
import { ButtonLink } from '../../ui/button'
import { Icon } from '../../ui/icon'
import { StateDot } from '../../ui/mark'
import { Ago, AgoShort } from '../../ui/time'
import { FreshPicture } from './fresh'
import type { Hover } from './hover'
import type { TargetName } from './names'

/** From this age on a picture is not taken for what the boxes over it show, in milliseconds. */
const oldFrom = 5000
const lookEvery = 1000

export interface TileProps {
  camera: Camera
  zones: readonly Zone[]
  /** The target whose sheet is open. */
  picked: TargetName | undefined
  onHover: (h: Hover | undefined) => void
  onPick: (t: TargetName) => void
  /** The only scene here. */
  large?: boolean
}

/** One camera: its name and how it is, and its scene. */
export function Tile({ camera, zones, picked, onHover, onPick, large }: TileProps): JSX.Element {
  const motion = useMotion(camera.name)
  const old = useOld(camera.snapshot_at, motion)
  return (
    <article class={`live-tile ${link.value.up ? '' : 'live-stale'} ${old ? 'live-old' : ''}`} aria-label={camera.name}>
      <header class="live-caption">
        <StateDot tone={camera.online ? 'ok' : 'bad'} word={camera.online ? 'online' : 'offline'} />
        <h2>{large ? camera.name : <a href={path('live', camera.name)}>{camera.name}</a>}</h2>
        {camera.snapshot_at && (
          <span class={`live-taken ${old ? 'live-old-mark' : 'muted'}`} title={old ? 'The boxes are of now, and the picture is older.' : undefined}>
            {old ? 'old picture' : 'picture'} <AgoShort at={camera.snapshot_at} />
          </span>
        )}
        {large && <FreshPicture camera={camera} />}
        {large && mayEdit.value && (
          <ButtonLink small label="Draw zones" href={path('zones', camera.name)}>
            <Icon name="zones" size={16} /> <span class="live-tool">Draw zones</span>
          </ButtonLink>
        )}
      </header>
      <div class="live-scene">
        <Scene
          camera={camera}
          zones={zones}
          motion={motion}
          contain
          picked={picked?.camera === camera.name ? picked.id : undefined}
          onHover={(id, x, y) => onHover(id === undefined ? undefined : { camera: camera.name, id, x, y, motion, zones })}
          onPick={(id) => onPick({ camera: camera.name, id })}
        >
          {!camera.online && <Veil camera={camera} />}
        </Scene>
      </div>
    </article>
  )
}

/** Whether boxes of now lie over a picture of before. */
function useOld(at: string | undefined, motion: Motion): boolean {
  const [old, set] = useState(false)
  useEffect(() => {
    const look = (): void => set(at !== undefined && motion.all().length > 0 && serverNow() - Date.parse(at) > oldFrom)
    look()
    const timer = setInterval(look, lookEvery)
    return () => clearInterval(timer)
  }, [at, motion])
  return old
}

function Veil({ camera }: { camera: Camera }): JSX.Element {
  const since = camera.problems.find((p) => p.kind === 'offline')?.since ?? camera.last_seen
  return (
    <div class="live-veil">
      <div>
        <strong>{since ? 'Offline' : 'Nothing posted yet'}</strong>
        {since && (
          <span>
            since <Ago at={since} />
          </span>
        )}
        <a href={since ? withQuery({ sheet: 'health' }) : path('system', 'cameras', camera.name)}>{since ? 'What to do' : 'Show me how'}</a>
      </div>
    </div>
  )
}
