import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Entry, Page, Timeline as TimelineData } from '../../api'
import { go, path, place, withQuery } from '../../app/router'
import type { ViewProps } from '../../app/views'
import { address, query } from '../../client'
import { now, ruleSet, serverNow } from '../../state'
import { onEntry } from '../../stream'
import { Button, ButtonLink } from '../../ui/button'
import { useLoad } from '../../ui/load'
import { Empty, Failed, Notice, Skeleton, ViewHead } from '../../ui/parts'
import { type Range, Timeline } from '../../ui/timeline'
import { EntrySheet } from './entry'
import { useEntries } from './entries'
import { entriesPath, type Filter, lasts, narrowed, readFilter, tablePath, toQuery } from './filter'
import { Filters } from './filters'
import { EntryList } from './list'
import { VerifySheet } from './verify'

/** How often the timeline moves on when nothing happens, in milliseconds, and how soon after something did. */
const moveOn = 30_000
const soon = 1500

export default function View({ rest }: ViewProps): JSX.Element {
  const q = place.value.query
  const f = useMemo(() => readFilter(q), [q])
  const under = `/journal${place.value.query.size ? `?${place.value.query.toString()}` : ''}`
  const set = (change: Partial<Filter>): void => go(withQuery(toQuery(change)), { replace: true })
  const first = useLoad<Page<Entry>>('journal?limit=1').data?.items[0]?.at
  const range = useRange(f, first)
  const id = entriesPath(f)
  const listed = useEntries(f, id, atTop)
  return (
    <>
      <ViewHead title="Journal">
        <ButtonLink href={address(tablePath(f, { since: new Date(range.since).toISOString(), ...(f.until && { until: f.until }) }))} download>
          Export CSV
        </ButtonLink>
        <ButtonLink href={`/journal/verify${place.value.query.size ? `?${place.value.query.toString()}` : ''}`}>Verify</ButtonLink>
      </ViewHead>
      <Filters filter={f} range={range} set={set} />
      <Overview filter={f} range={range} set={set} />
      {listed.waiting > 0 && (
        <div class="journal-new">
          <Button
            kind="primary"
            small
            onClick={() => {
              listed.show()
              window.scrollTo({ top: 0 })
            }}
          >
            {listed.waiting} new
          </Button>
        </div>
      )}
      {listed.entries && listed.entries.length === 0 && listed.end && <Nothing filter={f} set={set} />}
      {listed.entries && listed.entries.length > 0 && <EntryList entries={listed.entries} current={rest[0]} />}
      {listed.loading && <Skeleton lines={listed.entries ? 2 : 6} />}
      {listed.error !== undefined && <Failed error={listed.error} retry={listed.retry} />}
      {!listed.end && listed.entries && listed.error === undefined && <Sentinel key={listed.entries.length} more={listed.more} />}
      {listed.end && listed.entries && listed.entries.length > 0 && <p class="journal-end muted small-text">That is the beginning of what is kept{f.since ? ' in this time' : ''}.</p>}
      {rest[0] === 'verify' ? <VerifySheet under={under} /> : rest[0] && <EntrySheet key={rest[0]} id={rest[0]} under={under} />}
    </>
  )
}

const atTop = (): boolean => window.scrollY < 120

/** What the timeline shows. It moves on with the clock when it reaches to now; first is when the journal begins. */
function useRange(f: Filter, first: string | undefined): Range {
  const [tick, setTick] = useState(0)
  const follows = f.until === ''
  useEffect(() => {
    if (!follows) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const step = (): void => {
      clearTimeout(timer)
      timer = undefined
      setTick((t) => t + 1)
    }
    const every = setInterval(step, moveOn)
    const off = onEntry((e) => {
      if (e.kind === 'firing' || e.kind === 'suppressed' || e.kind === 'relay') timer ??= setTimeout(step, soon)
    })
    return () => {
      clearInterval(every)
      clearTimeout(timer)
      off()
    }
  }, [follows])
  return useMemo(() => {
    const until = f.until ? Date.parse(f.until) : serverNow()
    const length = lasts.find((l) => l.value === f.last)?.ms ?? 86_400_000
    let since = f.since ? Date.parse(f.since) : until - length
    // A young journal has nothing before its first entry to show.
    const begun = first === undefined ? since : Date.parse(first)
    if (!f.since && begun > since) since = begun - Math.max(10_000, (until - begun) / 50)
    return { since: Math.min(since, until - 1000), until }
  }, [f.since, f.until, f.last, first, tick])
}

/** So many rows are drawn at first: the list below is to stay in sight. */
const mostRows = 12

/** The rows with most going on, in their order. */
function busiestOf(data: TimelineData, most: number): TimelineData {
  if (data.rows.length <= most) return data
  const marks = (r: TimelineData['rows'][number]): number => r.ticks.length + r.spans.length
  const least = [...data.rows].sort((a, b) => marks(b) - marks(a)).slice(0, most)
  return { ...data, rows: data.rows.filter((r) => least.includes(r)) }
}

function Overview({ filter: f, range, set }: { filter: Filter; range: Range; set: (c: Partial<Filter>) => void }): JSX.Element | null {
  const ask = { since: new Date(range.since).toISOString(), until: new Date(range.until).toISOString(), camera: f.camera, rule: f.rule, relay: f.relay }
  // The old one stays while the next is asked for.
  const kept = useRef<{ data: TimelineData; range: Range } | undefined>(undefined)
  const loaded = useLoad<TimelineData>(`timeline${query(ask)}`, ruleSet.value)
  const q = place.value.query
  if (loaded.data) kept.current = { data: loaded.data, range }
  const shown = kept.current
  const choose = (r: Range): void => {
    const since = new Date(Math.round(r.since)).toISOString()
    // What reaches to now goes on doing so.
    const ends = r.until >= now.peek() - 2000 || (f.until === '' && shown !== undefined && Math.abs(r.until - shown.range.until) < 1)
    set({ since, until: ends ? '' : new Date(Math.round(r.until)).toISOString() })
  }
  const [whole, setWhole] = useState(false)
  const busiest = useMemo(() => shown && busiestOf(shown.data, mostRows), [shown])
  if (!shown || !busiest) return loaded.error !== undefined ? <Failed error={loaded.error} retry={loaded.reload} /> : <Skeleton lines={2} />
  if (shown.data.rows.length === 0)
    return (
      <div class="journal-overview">
        <p class="journal-quiet muted">No rule fired and no relay moved in this time.</p>
      </div>
    )
  return (
    <div class="journal-overview">
      <Timeline data={whole ? shown.data : busiest} range={shown.range} onRange={choose} hrefOf={(id) => `${path('journal', id)}${q.size ? `?${q.toString()}` : ''}`} label="Rules and relays over time" />
      {shown.data.rows.length > mostRows && (
        <Button kind="quiet" small expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? `Only the ${mostRows} with most going on` : `All ${shown.data.rows.length} rules and relays`}
        </Button>
      )}
      {shown.data.more && <Notice>More happened than is drawn: each part of the time shows some of it. Choose a shorter time to see all.</Notice>}
    </div>
  )
}

function Nothing({ filter: f, set }: { filter: Filter; set: (c: Partial<Filter>) => void }): JSX.Element {
  if (narrowed(f) > 0)
    return (
      <Empty action={<Button onClick={() => set({ kinds: [], camera: '', rule: '', relay: '', plate: '' })}>Show everything</Button>}>
        Nothing in the journal fits all of these filters.
      </Empty>
    )
  if (f.since || f.until) return <Empty action={<Button onClick={() => set({ last: '24h' })}>Show the last 24 hours</Button>}>Nothing is in the journal for this time.</Empty>
  return <Empty>Nothing has happened yet. As soon as a camera posts or a rule fires, it stands here.</Empty>
}

/** Asks for more as soon as it is nearly in sight. */
function Sentinel({ more }: { more: () => void }): JSX.Element {
  const me = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const el = me.current
    if (!el) return
    const seen = new IntersectionObserver((all) => all.some((e) => e.isIntersecting) && more(), { rootMargin: '600px' })
    seen.observe(el)
    return () => seen.disconnect()
  }, [more])
  return <div ref={me} class="journal-sentinel" />
}
