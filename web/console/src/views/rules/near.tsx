import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Entry, Job, NearMiss, Page } from '../../api'
import { del, follow, get, post, query, seg } from '../../client'
import { serverNow } from '../../state'
import { Button } from '../../ui/button'
import { Select } from '../../ui/field'
import { Badge } from '../../ui/mark'
import { Failed, Section } from '../../ui/parts'
import { Ago } from '../../ui/time'
import { about, Why } from '../../ui/why'
import { Progress } from './progress'

const spans = [
  { value: '3600', label: 'the last hour' },
  { value: '86400', label: 'the last 24 hours' },
  { value: '604800', label: 'the last 7 days' },
] as const

const none: Entry[] = []

/** So long after a near miss a firing for the same key still belongs to it, and so long before, in milliseconds. */
const sameVisit = 10_000

/** Whether the rule, as it was then, fired around the moment for the same key. */
function firedThen(n: NearMiss, fired: Entry[]): boolean {
  const at = Date.parse(n.at)
  return fired.some((e) => e.kind === 'firing' && e.key === n.look.key && Math.abs(Date.parse(e.at) - at) < sameVisit)
}

/** Looks in the recording of which all but one part held: where a number is a little too strict. */
export function NearMisses({ rule }: { rule: string }): JSX.Element {
  const [span, setSpan] = useState<(typeof spans)[number]['value']>('86400')
  const [job, setJob] = useState<Job<Page<NearMiss>> | undefined>()
  const [error, setError] = useState<unknown>()
  const [past, setPast] = useState<Entry[]>(none)
  const stop = useRef<AbortController | undefined>(undefined)
  useEffect(() => {
    setJob(undefined)
    setError(undefined)
    return () => stop.current?.abort()
  }, [rule])
  const search = async (): Promise<void> => {
    stop.current?.abort()
    const mine = (stop.current = new AbortController())
    setError(undefined)
    try {
      const since = new Date(serverNow() - Number(span) * 1000).toISOString()
      const j = await post<Job<Page<NearMiss>>>(`rules/${seg(rule)}/near`, { since, limit: 100 }, mine.signal)
      await follow(j, setJob, mine.signal)
      // The journal tells what fired then; without one nothing is marked.
      const had = await get<Page<Entry>>(`journal${query({ rule, kind: 'firing', since, order: 'newest', limit: 500 })}`, mine.signal).catch(() => undefined)
      if (!mine.signal.aborted) setPast(had?.items.filter((e) => e.type !== 'end') ?? none)
    } catch (e) {
      if (!mine.signal.aborted) setError(e)
    }
  }
  const busy = job?.state === 'running' || job?.state === 'waiting'
  const items = job?.result?.items
  return (
    <Section title="Near misses">
      <p class="muted small-text">The rule as it is now is tried on the recording: when all but one part held, and that one was off by less than a fifth (9 s of 10 s is near, 7 s is not). Of a moment at which it fired then, perhaps with another text, that is said.</p>
      <div class="rule-job">
        <Select label="Recording of" value={span} onChange={setSpan} options={spans} disabled={busy} />
        {busy ? (
          <Button onClick={() => job && void del(`jobs/${seg(job.id)}`).catch(() => undefined)}>Stop</Button>
        ) : (
          <Button onClick={() => void search()}>Look for them</Button>
        )}
      </div>
      {error !== undefined && <Failed error={error} retry={() => void search()} />}
      {job && <Progress job={job} />}
      {items && items.length > 0 && (
        <ul class="near">
          {items.map((n) => (
            <li key={`${n.at} ${n.look.key ?? ''}`}>
              <details>
                <summary>
                  <Ago at={n.at} />
                  <span class="near-about">{about(n.look)}</span>
                  <span class="near-missing">{n.missing}</span>
                  {firedThen(n, past) && <Badge tone="live">fired then</Badge>}
                </summary>
                <Why look={n.look} />
              </details>
            </li>
          ))}
        </ul>
      )}
      {job?.state === 'done' && items?.length === 0 && <p class="rule-nobody muted">None: whenever it did not fire, more than one part was missing, or one by more than a fifth. Why, above, keeps the look at whoever was here last.</p>}
    </Section>
  )
}
