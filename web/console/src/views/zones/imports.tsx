import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { DeviceZone, Page, Point, Zone } from '../../api'
import { post, seg } from '../../client'
import { mayEdit } from '../../state'
import { Button } from '../../ui/button'
import type { Loaded } from '../../ui/load'
import { Badge } from '../../ui/mark'
import type { Tone } from '../../ui/mark'
import { Empty, Failed, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { toast, toastError } from '../../ui/toast'

const states: Record<DeviceZone['state'], { tone: Tone; word: string }> = {
  new: { tone: 'live', word: 'no copy yet' },
  accepted: { tone: 'ok', word: 'accepted' },
  changed: { tone: 'wait', word: 'changed on the camera' },
  gone: { tone: 'bad', word: 'gone from the camera' },
}

function Small({ points, kind, words }: { points: readonly Point[] | undefined; kind: 'zone' | 'line'; words: string }): JSX.Element {
  const text = points?.map((p) => `${p[0] / 100},${(p[1] / 100) * 0.5625}`).join(' ')
  return (
    <figure class="import-figure">
      <svg viewBox="-2 -2 104 60.25" role="img" aria-label={words}>
        <rect x="0" y="0" width="100" height="56.25" />
        {text && (kind === 'zone' ? <polygon points={text} /> : <polyline points={text} />)}
      </svg>
      <figcaption class="muted small-text">{words}</figcaption>
    </figure>
  )
}

export interface ImportsProps {
  camera: string
  under: string
  found: Loaded<Page<DeviceZone>>
  /** Ours, of this camera. */
  zones: readonly Zone[]
  /** Begins a zone or line of ours that is that import. */
  onUse: (z: DeviceZone) => void
}

/** The zones that were drawn in the camera's own page, beside the copies that rules go by. */
export function Imports({ camera, under, found, zones, onUse }: ImportsProps): JSX.Element {
  const [busy, setBusy] = useState<string>()
  const accept = (what: 'all' | string[]): void => {
    setBusy(String(what))
    post<Page<DeviceZone>>(`cameras/${seg(camera)}/imports`, { accept: what })
      .then(() => {
        toast('The copy is accepted.')
        found.reload()
      }, toastError)
      .finally(() => setBusy(undefined))
  }
  const items = found.data?.items
  const open = items?.filter((z) => z.state === 'new' || z.state === 'changed') ?? []
  return (
    <Sheet title={`Zones drawn in ${camera}'s own page`} under={under}>
      <div class="stack">
        <p class="muted">Rules never go by what is on the camera at the moment, but by the copy that somebody accepted last.</p>
        {found.error !== undefined && <Failed error={found.error} retry={found.reload} />}
        {!items && found.error === undefined && <Skeleton lines={4} />}
        {items?.length === 0 && <Empty>Nothing is drawn in the camera's page.</Empty>}
        {open.length > 1 && mayEdit.value && (
          <div>
            <Button busy={busy === 'all'} onClick={() => accept('all')}>
              Accept all {open.length}
            </Button>
          </div>
        )}
        {items?.map((z) => {
          const ours = zones.filter((o) => o.import === z.id)
          const s = states[z.state]
          return (
            <section key={z.id} class="import" aria-label={z.id}>
              <div class="import-head">
                <strong class="mono">{z.id}</strong>
                <Badge tone={s.tone}>{s.word}</Badge>
              </div>
              <div class="import-pair">
                <Small points={z.state === 'gone' ? undefined : z.points} kind={z.kind} words="On the camera" />
                <Small points={z.state === 'new' ? undefined : (z.accepted ?? z.points)} kind={z.kind} words="The copy here" />
              </div>
              {z.difference && <p>{z.difference}</p>}
              {z.direction && <p class="muted small-text">Direction: {z.direction}</p>}
              <p class="muted small-text">{ours.length > 0 ? `Here it is ${ours.map((o) => o.name).join(', ')}.` : 'No zone or line here uses it.'}</p>
              {mayEdit.value && (
                <div class="import-do">
                  {(z.state === 'new' || z.state === 'changed') && (
                    <Button kind="primary" busy={busy === z.id} onClick={() => accept([z.id])}>
                      Accept
                    </Button>
                  )}
                  {z.state === 'gone' && (
                    <p class="muted small-text">
                      Rules go on with the copy. To drop it: <code>sallyport camera zones {camera} --forget {z.id}</code>
                    </p>
                  )}
                  {ours.length === 0 && z.state !== 'gone' && <Button onClick={() => onUse(z)}>Use it as a {z.kind}</Button>}
                </div>
              )}
            </section>
          )
        })}
      </div>
    </Sheet>
  )
}
