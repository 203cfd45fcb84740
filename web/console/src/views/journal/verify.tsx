import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Job, VerifyResult } from '../../api'
import { del, follow, post, seg } from '../../client'
import { loadStatus, status } from '../../state'
import { Button } from '../../ui/button'
import { Check } from '../../ui/field'
import { count, number } from '../../ui/format'
import { Facts, Failed, Notice, Section } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'

/** Whether the journal is as it was written. */
export function VerifySheet({ under }: { under: string }): JSX.Element {
  const [images, setImages] = useState(false)
  const [job, setJob] = useState<Job<VerifyResult> | undefined>()
  const [error, setError] = useState<unknown>()
  const stop = useRef(new AbortController())
  useEffect(() => () => stop.current.abort(), [])
  // Who asked for this sheet asked for that.
  useEffect(() => void run(), [])
  const busy = job?.state === 'waiting' || job?.state === 'running'
  const run = async (): Promise<void> => {
    setError(undefined)
    try {
      await follow(await post<Job<VerifyResult>>('journal/verify', { images }), setJob, stop.current.signal)
      await loadStatus()
    } catch (e) {
      if (!stop.current.signal.aborted) setError(e)
    }
  }
  // Who opens it wants it: it begins by itself.
  useEffect(() => void run(), [])
  const r = job?.result
  // The head that is known may be older than what was just read.
  const known = status.value?.journal?.head
  const head = known && (!r || known.id >= r.last) ? known : undefined
  return (
    <Sheet title="Verify the journal" under={under}>
      <p>Each entry is sealed together with the one before it. Reading all of it shows whether any was altered, taken out or put in.</p>
      <div class="verify-run">
        <Check label="Read every picture, too" checked={images} onChange={setImages} disabled={busy} />
        {busy && job ? (
          <Button onClick={() => void del(`jobs/${seg(job.id)}`).catch(() => undefined)}>Stop</Button>
        ) : (
          <Button kind="primary" onClick={() => void run()}>
            {job || error !== undefined ? 'Verify again' : 'Verify'}
          </Button>
        )}
      </div>
      {error !== undefined && <Failed error={error} retry={() => void run()} />}
      {busy && (
        <div class="verify-progress" role="status">
          <progress aria-label="Verifying" {...(job?.progress !== undefined ? { value: job.progress, max: 1 } : {})} />
          <span class="muted small-text num">{job?.text ?? 'Waiting for other work'}</span>
        </div>
      )}
      {job?.state === 'failed' && <Notice tone="bad">{job.error ?? 'It failed.'}</Notice>}
      {job?.state === 'cancelled' && <p class="muted">Stopped.</p>}
      {job?.state === 'done' && r && (
        <>
          <Notice tone={r.ok ? 'ok' : 'bad'}>
            {r.ok ? 'All is as it was written.' : `Something is wrong: ${r.text}.`} {r.bad !== undefined && <a href={`/journal/${r.bad}`}>Show entry {r.bad}</a>}
          </Notice>
          <Section title="What was read">
            <Facts
              items={[
                ['Entries', count(r.entries, 'entry', 'entries')],
                r.entries > 0 && ['From, to', <span class="num">{`${r.first} to ${r.last}`}</span>],
                images && ['Pictures', number(r.images)],
              ]}
            />
          </Section>
        </>
      )}
      {head && (
        <Section title="The end of it">
          <p class="muted small-text">That the newest entries were cut off, the journal itself cannot show. Note its head somewhere else, and ask for it later with “sallyport journal verify --head”.</p>
          <p class="mono verify-head">
            {head.id}:{head.hash}
          </p>
        </Section>
      )}
    </Sheet>
  )
}
