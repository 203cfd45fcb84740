import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Adopted, Job, Probe } from '../../api'
import { follow, post } from '../../client'
import { cameras } from '../../state'
import { Button } from '../../ui/button'
import { Field } from '../../ui/field'
import { Facts, Failed, Notice } from '../../ui/parts'
import { cameraName, wrongName } from './store'

/** Asks a device at its address who it is, and writes it into the site file. */
export function AddCamera({ added }: { added: (a: Adopted) => void }): JSX.Element {
  const [url, setUrl] = useState('')
  const [user, setUser] = useState('admin')
  const [password, setPassword] = useState('')
  const [name, setName] = useState('')
  const [job, setJob] = useState<Job<Probe>>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const stop = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => stop.current?.abort(), [])

  const probe = async (e: Event): Promise<void> => {
    e.preventDefault()
    stop.current = new AbortController()
    setBusy(true)
    setError(undefined)
    setJob(undefined)
    try {
      const begun = await post<Job<Probe>>('cameras/probe', { url: url.trim(), username: password ? user : '', password }, stop.current.signal)
      const ended = await follow(begun, setJob, stop.current.signal)
      if (ended.state !== 'done' || !ended.result) throw new Error(ended.error ?? 'The device was not asked.')
      setName(cameraName(ended.result.suggested_name) || 'camera')
    } catch (x) {
      if (!(x instanceof DOMException)) setError(x)
    } finally {
      setBusy(false)
    }
  }
  const add = async (e: Event): Promise<void> => {
    e.preventDefault()
    if (!job) return
    setBusy(true)
    setError(undefined)
    try {
      const a = await post<Adopted>('cameras', { probe: job.id, as: name })
      // It is done: nothing is left that could be pressed again.
      setJob(undefined)
      setUrl('')
      setPassword('')
      added(a)
    } catch (x) {
      setError(x)
    } finally {
      setBusy(false)
    }
  }
  const found = job?.state === 'done' ? job.result : undefined
  const wrong = wrongName(name, (cameras.value ?? []).map((c) => c.name))
  return (
    <div class="stack">
      <form class="stack" onSubmit={(e) => void probe(e)}>
        <Field label="Its address" value={url} onInput={setUrl} placeholder="192.168.0.52" mono hint="Without http:// or https:// both are tried." />
        <div class="system-two">
          <Field label="Account on the camera" value={user} onInput={setUser} autocomplete="off" />
          <Field label="Its password" type="password" value={password} onInput={setPassword} autocomplete="off" />
        </div>
        <div>
          <Button submit kind={found ? 'plain' : 'primary'} busy={busy && !found} disabled={!url.trim()}>
            {busy && !found ? 'Asking…' : found ? 'Ask again' : 'Ask it who it is'}
          </Button>
        </div>
      </form>
      {found && (
        <form class="stack system-found" onSubmit={(e) => void add(e)}>
          <Facts
            items={[
              ['Address', <span class="mono">{found.url}</span>],
              !!found.name && ['Calls itself', found.name],
              !!found.model && ['Model', found.model],
              !!found.mac && ['MAC', <span class="mono">{found.mac}</span>],
              !!found.sn && ['Serial number', <span class="mono">{found.sn}</span>],
              !!found.firmware && ['Firmware', found.firmware],
              !!found.channels && ['Channels', found.channels],
            ]}
          />
          {found.certificate && (
            <Notice tone="wait">
              Its certificate is its own, and is trusted from now on. Compare its SHA-256 with what the camera’s page shows:
              <br />
              <span class="mono">{found.certificate}</span>
            </Notice>
          )}
          <ul class="system-notes muted">
            {found.notes.map((n) => (
              <li key={n}>{n}</li>
            ))}
          </ul>
          <Field label={found.channels ? 'Name; each channel gets its number' : 'Name for the camera'} value={name} onInput={setName} mono {...(wrong && { error: wrong })} />
          <div>
            <Button submit kind="primary" busy={busy} disabled={wrong !== undefined}>
              Add it
            </Button>
          </div>
        </form>
      )}
      {error !== undefined && <Failed error={error} />}
    </div>
  )
}
