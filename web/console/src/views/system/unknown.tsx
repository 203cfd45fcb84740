import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Adopted, Device, Page } from '../../api'
import { post } from '../../client'
import { cameras, mayEdit } from '../../state'
import { Button } from '../../ui/button'
import { Field } from '../../ui/field'
import { count } from '../../ui/format'
import { useLoad } from '../../ui/load'
import { Failed, Skeleton } from '../../ui/parts'
import { AgoShort } from '../../ui/time'
import { toast } from '../../ui/toast'
import { cameraName, useEvery, wrongName } from './store'

/** The name that the server advises, else one out of what the device calls itself. */
function suggested(d: Device): string {
  const advised = /^\s{2}([a-z][a-z0-9-]*):\s*$/m.exec(d.adopt ?? '')?.[1]
  return advised ?? (cameraName(d.name ?? '') || 'camera')
}

const keyOf = (d: Device): string => [d.remote, d.mac, d.sn, d.name, d.channel].join('|')

/** Devices that post and are no cameras yet, each with what would make it one. */
export function UnknownDevices({ adopted, empty }: { adopted: (a: Adopted) => void; empty?: JSX.Element }): JSX.Element {
  const all = useLoad<Page<Device>>('devices/unknown', useEvery(4))
  if (!all.data) return all.error === undefined ? <Skeleton lines={2} /> : <Failed error={all.error} retry={all.reload} />
  if (all.data.items.length === 0) return empty ?? <p class="muted">Every device that posts here is a camera.</p>
  return (
    <ul class="system-cards">
      {all.data.items.map((d) => (
        <Unknown
          key={keyOf(d)}
          device={d}
          adopted={(a) => {
            all.reload()
            adopted(a)
          }}
        />
      ))}
    </ul>
  )
}

function Unknown({ device: d, adopted }: { device: Device; adopted: (a: Adopted) => void }): JSX.Element {
  const [name, setName] = useState(() => suggested(d))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [done, setDone] = useState<Adopted>()
  const wrong = wrongName(name, (cameras.value ?? []).map((c) => c.name))
  const adopt = async (e: Event): Promise<void> => {
    e.preventDefault()
    if (wrong) return
    setBusy(true)
    setError(undefined)
    try {
      const { remote, mac, sn, name: own, channel } = d
      const a = await post<Adopted>('devices/unknown/adopt', { remote, mac, sn, name: own, channel, as: name })
      setDone(a)
      toast(`${a.camera} is in the site file. It counts after a restart.`)
      adopted(a)
    } catch (x) {
      setError(x)
    } finally {
      setBusy(false)
    }
  }
  return (
    <li class="system-card">
      <div class="system-card-head">
        <strong>{d.name || d.mac || d.remote}</strong>
        <span class="muted small-text">
          {count(d.posts, 'post')}
          {d.last_seen && (
            <>
              , <AgoShort at={d.last_seen} />
            </>
          )}
        </span>
      </div>
      <p class="muted small-text mono">{[d.remote, d.mac, d.sn && `sn ${d.sn}`, d.channel && `channel ${d.channel}`, d.kind].filter(Boolean).join(' · ')}</p>
      {done ? (
        <>
          <pre class="system-lines">{done.lines}</pre>
          <p class="muted small-text">It is known by its posts alone: no picture can be asked for. With url, username and password in the site file it can; the camera’s page in System shows how.</p>
        </>
      ) : d.adopt && mayEdit.value ? (
        <form class="system-inline" onSubmit={(e) => void adopt(e)}>
          <Field label="Name for the camera" value={name} onInput={setName} mono {...(wrong && { error: wrong })} />
          <Button submit kind="primary" busy={busy} disabled={wrong !== undefined}>
            Adopt
          </Button>
        </form>
      ) : (
        <p>{d.reason}</p>
      )}
      {error !== undefined && <Failed error={error} />}
    </li>
  )
}
