import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Entry, Job, Page, ReplayFiring, ReplayResult } from '../../api'
import { address, del, follow, post, query, seg } from '../../client'
import { serverNow } from '../../state'
import { Button } from '../../ui/button'
import { Check, Select } from '../../ui/field'
import { clockOrDate, duration, hourMinute, number, weekday } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { errorText, Failed, Notice, Skeleton } from '../../ui/parts'
import { Ago, Clock } from '../../ui/time'
import { compare, type CompareRow, type Side, sums } from './compare'
import { pictureOf } from './firings'
import { Progress } from './progress'

const spans = [
  { value: '3600', label: 'the last hour' },
  { value: '86400', label: 'the last 24 hours' },
  { value: '259200', label: 'the last 3 days' },
  { value: '604800', label: 'the last 7 days' },
] as const

const sides: Record<Side, { sign: string; word: string; help: string }> = {
  both: { sign: '=', word: 'the same', help: 'The rules in force and your text do the same.' },
  moved: { sign: '≈', word: 'at another time', help: 'Both do it, with your text earlier or later.' },
  old: { sign: '−', word: 'only in force now', help: 'The rules in force did it; with your text it would not have been.' },
  new: { sign: '+', word: 'only with your text', help: 'Your text would have done it; the rules in force did not.' },
}

/** So many rows are drawn; the rest on request. */
const step = 200

/** The recording through the rules in force and through the text in the editor, side by side. */
export function WhatIf({ path, text, dirty, close }: { path: string; text: () => string; dirty: boolean; close: () => void }): JSX.Element {
  const [span, setSpan] = useState<(typeof spans)[number]['value']>('86400')
  const [job, setJob] = useState<Job<ReplayResult> | undefined>()
  const [tried, setTried] = useState<string | undefined>()
  const [error, setError] = useState<unknown>()
  const stop = useRef<AbortController | undefined>(undefined)
  const running = useRef<string | undefined>(undefined)
  const cancel = (): void => {
    const id = running.current
    running.current = undefined
    if (id) void del(`jobs/${seg(id)}`).catch(() => undefined)
  }
  // Who leaves does not wait for the answer any more.
  useEffect(
    () => () => {
      stop.current?.abort()
      cancel()
    },
    [],
  )
  // Who opens it wants to know: it begins by itself.
  useEffect(() => void run(), [])
  const run = async (): Promise<void> => {
    stop.current?.abort()
    cancel()
    const mine = (stop.current = new AbortController())
    const mytext = text()
    setError(undefined)
    setTried(mytext)
    try {
      const until = serverNow()
      const j = await post<Job<ReplayResult>>(
        'replay',
        { since: new Date(until - Number(span) * 1000).toISOString(), until: new Date(until).toISOString(), files: { [path]: mytext } },
        mine.signal,
      )
      running.current = j.id
      await follow(j, setJob, mine.signal)
      if (!mine.signal.aborted) running.current = undefined
    } catch (e) {
      if (!mine.signal.aborted) {
        setError(e)
        setJob(undefined)
      }
    }
  }
  const busy = job?.state === 'running' || job?.state === 'waiting'
  const stale = tried !== undefined && tried !== text()
  return (
    <section class="whatif" aria-label="What would have happened">
      <div class="whatif-head">
        <h2>What would have happened</h2>
        <Button kind="quiet" label="Close" onClick={close}>
          <Icon name="close" />
        </Button>
      </div>
      <p class="muted small-text">The recording goes through the rules in force and through your text. No relay moves and nobody is told.</p>
      <div class="rule-job">
        <Select label="Recording of" value={span} onChange={setSpan} options={spans} disabled={busy} />
        {busy ? (
          <Button
            onClick={() => {
              if (job) void del(`jobs/${seg(job.id)}`).catch(() => undefined)
            }}
          >
            Stop
          </Button>
        ) : (
          <Button kind={job ? 'plain' : 'primary'} onClick={() => void run()}>
            {job || error !== undefined ? 'Try again' : 'Try it'}
          </Button>
        )}
      </div>
      {error !== undefined && <Failed error={error} retry={() => void run()} />}
      {job && <Progress job={job} />}
      {stale && job && <Notice tone="wait">The text was changed since. This is what the one before would have done.</Notice>}
      {!dirty && !job && <p class="muted small-text">The text is the one in force: both sides will be the same.</p>}
      {job?.result && <Compared result={job.result} done={job.state === 'done'} />}
    </section>
  )
}

function Compared({ result, done }: { result: ReplayResult; done: boolean }): JSX.Element {
  const [only, setOnly] = useState<Side | undefined>()
  const [held, setHeld] = useState(false)
  const [shown, setShown] = useState(step)
  // What differs comes first, each part newest first.
  const rows = useMemo(() => {
    const all = compare(result)
    return [...all.filter((r) => r.side !== 'both'), ...all.filter((r) => r.side === 'both')]
  }, [result])
  const sum = useMemo(() => sums(rows), [rows])
  const wanted = useMemo(() => rows.filter((r) => (!only || r.side === only) && (held || r.firing.type === 'firing')), [rows, only, held])
  const anyHeld = rows.some((r) => r.firing.type === 'suppressed')
  const differ = sum.old + sum.new + sum.moved
  return (
    <>
      <p class="whatif-verdict">
        {done && differ === 0 ? (
          <>
            <b>Nothing would have been otherwise</b> since <Ago at={result.from} />.
          </>
        ) : (
          <>
            Back to <span class="num">{weekday(result.from)} {hourMinute(result.from)}</span>: <b>{number(sum.new)}</b> more, <b>{number(sum.old)}</b> fewer
            {sum.moved > 0 && (
              <>
                , <b>{number(sum.moved)}</b> at another time
              </>
            )}
            .
          </>
        )}
      </p>
      {result.note && <Notice>{errorText(result.note)}</Notice>}
      <div class="whatif-sums" role="group" aria-label="Show">
        {(['new', 'old', 'moved', 'both'] as const).filter((s) => s !== 'moved' || sum.moved > 0).map((s) => (
          <button key={s} type="button" class={`whatif-sum whatif-${s}`} aria-pressed={only === s} title={sides[s].help} onClick={() => setOnly(only === s ? undefined : s)}>
            <span class="whatif-sign" aria-hidden="true">
              {sides[s].sign}
            </span>
            <b class="num">{number(sum[s])}</b> {sides[s].word}
          </button>
        ))}
        {anyHeld && <Check label="held back, too" checked={held} onChange={setHeld} />}
      </div>
      <div class="whatif-columns muted small-text" aria-hidden="true">
        <span>In force now</span>
        <span>With your text</span>
      </div>
      <ul class="whatif-rows">
        {wanted.slice(0, shown).map((r) => (
          <RowOf key={r.id} row={r} />
        ))}
      </ul>
      {wanted.length === 0 && <p class="rule-nobody muted">{rows.length > 0 ? 'None of these.' : done ? 'No rule fired in that time, on either side.' : 'Nothing yet.'}</p>}
      {wanted.length > shown && <Button onClick={() => setShown(shown + step)}>Show {number(Math.min(step, wanted.length - shown))} more</Button>}
      {result.more ? <p class="muted small-text num">{number(result.more)} more are not shown: choose a shorter time.</p> : null}
    </>
  )
}

function RowOf({ row }: { row: CompareRow }): JSX.Element {
  const [open, setOpen] = useState(false)
  const { firing: f, side } = row
  return (
    <li class={`whatif-row whatif-${side}${f.type === 'suppressed' ? ' whatif-held' : ''}`}>
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <span class="num whatif-at">{clockOrDate(f.at, serverNow())}</span>
          <span class="whatif-cells">
            <Cell f={f} side={side} />
            {row.later !== undefined && (
              <span class="num whatif-later">
                {duration(Math.abs(row.later))} {row.later < 0 ? 'earlier' : 'later'}
              </span>
            )}
          </span>
        </summary>
        {open && <LedToIt f={f} />}
      </details>
    </li>
  )
}

function Cell({ f, side }: { f: ReplayFiring; side: Side }): JSX.Element {
  return (
    <span class="whatif-cell">
      <span class="whatif-sign" role="img" aria-label={sides[side].word}>
        {sides[side].sign}
      </span>
      <span>
        {f.rule}
        {f.key && <span class="muted"> {f.key}</span>}
        {f.type === 'suppressed' && <span class="muted"> held back{f.reason ? `: ${f.reason}` : ''}</span>}
      </span>
    </span>
  )
}

const before = 10_000
const after = 2_000

/** The pictures of some entries, each once. */
function pictures(all: Entry[]): { id: number; name: string; text: string }[] {
  const found = new Map<string, { id: number; name: string; text: string }>()
  for (const e of all) {
    const p = pictureOf(e)
    if (p && !found.has(`${p.id} ${p.name}`)) found.set(`${p.id} ${p.name}`, { ...p, text: e.text })
  }
  return [...found.values()].slice(0, 4)
}

/** What the journal has around a moment: the events and pictures that led to a firing. */
function LedToIt({ f }: { f: ReplayFiring }): JSX.Element {
  const at = Date.parse(f.at)
  const span = { since: new Date(at - before).toISOString(), until: new Date(at + after).toISOString() }
  const asked = useLoad<Page<Entry>>(`journal${query({ ...span, camera: f.camera, limit: 30 })}`)
  const items = asked.data?.items ?? []
  const images = pictures(items)
  return (
    <div class="led">
      {asked.error !== undefined && <Failed error={asked.error} />}
      {asked.loading && <Skeleton lines={2} />}
      {images.length > 0 && (
        <div class="led-images">
          {images.map((i) => (
            <a key={`${i.id} ${i.name}`} href={`/journal/${i.id}`}>
              <img loading="lazy" src={address(`journal/${i.id}/images/${seg(i.name)}`)} alt={i.text} />
            </a>
          ))}
        </div>
      )}
      <ul>
        {items.map((e) => (
          <li key={e.id}>
            <Clock at={e.at} />
            <a href={`/journal/${e.id}`}>{e.text}</a>
          </li>
        ))}
      </ul>
      {asked.data && items.length === 0 && <p class="muted small-text">The journal has nothing around that moment{f.camera ? ` at ${f.camera}` : ''}.</p>}
      <a class="small-text" href={`/journal${query({ since: span.since, until: span.until })}`}>
        This moment in the journal
      </a>
    </div>
  )
}
