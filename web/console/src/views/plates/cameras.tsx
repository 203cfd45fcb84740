import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { CameraLists, Job, Page, SyncPlan } from '../../api'
import { del, follow, post, seg } from '../../client'
import { mayEdit } from '../../state'
import { Button } from '../../ui/button'
import { Check } from '../../ui/field'
import { count } from '../../ui/format'
import { HoldButton } from '../../ui/hold'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Empty, Failed, Notice, Section, Skeleton } from '../../ui/parts'
import { Row, Rows } from '../../ui/table'
import { Plan } from './plan'

/** What the cameras have on their own lists, and making those equal to ours. */
export function Cameras(): JSX.Element {
  const [turn, setTurn] = useState(0)
  const loaded = useLoad<Page<CameraLists>>('plates/cameras', turn)
  const items = loaded.data?.items
  return (
    <>
      <h2 class="visually-hidden">Cameras’ lists</h2>
      <div>
        <Section
          title="On the cameras"
          aside={
            <Button small kind="quiet" busy={loaded.loading} onClick={() => setTurn((t) => t + 1)}>
              Ask again
            </Button>
          }
        >
          {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
          {!items && loaded.loading && <Skeleton lines={3} />}
          {items?.length === 0 && <Empty>No camera can be asked for its lists: give one its url, user name and password in the site file.</Empty>}
          {items && items.length > 0 && (
            <Rows label="Cameras">
              {items.map((c) => (
                <Row
                  key={c.camera}
                  title={c.camera}
                  sub={c.error ?? (c.lists.length === 0 ? 'It has no plate lists.' : c.lists.map((l) => `${l.name}: ${count(l.entries, 'plate')}`).join(' · '))}
                  aside={c.error && <Badge tone="bad">no answer</Badge>}
                />
              ))}
            </Rows>
          )}
        </Section>
        {items && items.length > 0 && (mayEdit.value ? <Sync done={() => setTurn((t) => t + 1)} /> : <p class="muted small-text">An editor can make the cameras’ lists equal to ours.</p>)}
      </div>
    </>
  )
}

type Step = 'idle' | 'planning' | 'planned' | 'doing' | 'done'

function Sync({ done }: { done: () => void }): JSX.Element {
  const [prune, setPrune] = useState(false)
  const [step, setStep] = useState<Step>('idle')
  const [job, setJob] = useState<Job<SyncPlan> | undefined>()
  const [error, setError] = useState<unknown>()
  const stop = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => stop.current?.abort(), [])

  const run = async (body: { dry_run: true; prune?: boolean } | { plan: string }, over: Step): Promise<void> => {
    stop.current?.abort()
    const mine = (stop.current = new AbortController())
    setError(undefined)
    setStep('plan' in body ? 'doing' : 'planning')
    try {
      const last = await follow(await post<Job<SyncPlan>>('plates/sync', body, mine.signal), setJob, mine.signal)
      setStep(last.state === 'done' || last.result ? over : 'idle')
      if ('plan' in body) done()
    } catch (e) {
      if (mine.signal.aborted) return
      setError(e)
      setStep('idle')
      setJob(undefined)
    }
  }
  const plan = job?.result
  const steps = plan?.cameras.reduce((n, c) => n + c.steps.length, 0) ?? 0
  const busy = step === 'planning' || step === 'doing'
  const removes = plan?.cameras.reduce((n, c) => n + c.steps.filter((s) => s.op === 'remove').length, 0) ?? 0
  return (
    <Section title="Make them equal to our lists">
      <p class="muted">First it is shown what would change; nothing is done before you say so. Our lists are the truth.</p>
      <div class="sync-begin">
        <Check label="Also take plates off that only a camera has" checked={prune} onChange={setPrune} disabled={busy} />
        {busy && job ? (
          <Button onClick={() => void del(`jobs/${seg(job.id)}`).catch(() => undefined)}>Stop</Button>
        ) : (
          <Button kind={step === 'planned' && steps > 0 ? 'plain' : 'primary'} busy={busy} onClick={() => void run({ dry_run: true, ...(prune && { prune }) }, 'planned')}>
            {step === 'idle' ? 'Compare' : 'Compare again'}
          </Button>
        )}
      </div>
      {error !== undefined && <Failed error={error} />}
      {busy && (
        <div class="verify-progress" role="status">
          <progress aria-label={step === 'doing' ? 'Changing the cameras’ lists' : 'Comparing'} {...(job?.progress !== undefined ? { value: job.progress, max: 1 } : {})} />
          <span class="muted small-text num">{job?.text ?? 'Waiting for other work'}</span>
        </div>
      )}
      {job?.state === 'failed' && <Notice tone="bad">{sentence(job.error ?? 'It failed')}</Notice>}
      {job?.state === 'cancelled' && <Notice tone="wait">Stopped. Compare again to go on from here.</Notice>}
      {plan && <Plan plan={plan} done={step === 'doing' || step === 'done'} />}
      {step === 'planned' && plan && job && steps > 0 && (
        <div class="plates-actions">
          <HoldButton label={`Hold to do ${count(steps, 'step')}`} kind={removes > 0 ? 'danger' : 'primary'} onHeld={() => void run({ plan: job.id }, 'done')}>
            Hold to do {count(steps, 'step')}
          </HoldButton>
        </div>
      )}
    </Section>
  )
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
