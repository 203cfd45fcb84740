import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Entry, EntryDetail, Look, Why as WhyData } from '../../api'
import { path, place } from '../../app/router'
import { address, seg } from '../../client'
import { clockMillis, duration, weekday } from '../../ui/format'
import { serverNow } from '../../state'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Facts, Failed, Section, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { Ago } from '../../ui/time'
import { Why } from '../../ui/why'
import { field, toneOf, wordOf } from './words'

/** One entry: its pictures, what led to it and what came of it. */
export function EntrySheet({ id, under }: { id: string; under: string }): JSX.Element {
  const loaded = useLoad<EntryDetail>(`journal/${seg(id)}`)
  const d = loaded.data
  return (
    <Sheet title={d?.entry.text ?? `Entry ${id}`} under={under}>
      {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
      {loaded.loading && !d && <Skeleton lines={6} />}
      {d && <Detail detail={d} />}
    </Sheet>
  )
}

function Detail({ detail: { entry: e, chain } }: { detail: EntryDetail }): JSX.Element {
  return (
    <>
      <Pictures entry={e} chain={chain} />
      {chain.length > 1 && <Chain entry={e} chain={chain} />}
      <WhyThen entry={e} chain={chain} />
      <Section title="This entry">
        <Facts items={facts(e)} />
      </Section>
      <details class="entry-all">
        <summary>All of it</summary>
        <pre class="entry-json">{JSON.stringify(e, undefined, 2)}</pre>
      </details>
    </>
  )
}

interface Picture {
  entry: number
  name: string
  at: string
  /** Of another entry than the one that is shown. */
  other: boolean
}

/** The pictures of what belongs together, the entry's own first; else the one that shows the moment. */
function picturesOf(e: Entry, chain: readonly Entry[]): Picture[] {
  const out: Picture[] = []
  for (const one of [e, ...chain.filter((c) => c.id !== e.id)])
    for (const i of one.images ?? []) if (!i.missing) out.push({ entry: one.id, name: i.name, at: one.at, other: one.id !== e.id })
  if (out.length === 0 && e.picture) out.push({ entry: e.picture.id, name: e.picture.name, at: e.picture.at, other: e.picture.id !== e.id })
  return out.slice(0, 8)
}

function Pictures({ entry: e, chain }: { entry: Entry; chain: readonly Entry[] }): JSX.Element | null {
  const all = picturesOf(e, chain)
  const [at, setAt] = useState(0)
  const p = all[Math.min(at, all.length - 1)]
  const missing = [...new Set((e.images ?? []).map((i) => i.missing).filter((m) => m !== undefined))]
  if (!p) return missing.length > 0 ? <p class="muted small-text entry-missing">There is no picture: {missing.join(', ')}.</p> : null
  const src = (q: Picture): string => address(`journal/${q.entry}/images/${seg(q.name)}`)
  const off = (Date.parse(p.at) - Date.parse(e.at)) / 1000
  return (
    <figure class="entry-picture">
      <a href={src(p)} target="_blank" rel="noopener" title="Open the picture by itself">
        <img src={src(p)} alt={`${p.name} of ${e.text}`} />
      </a>
      <figcaption class="muted small-text">
        {p.name}
        {p.other && Math.abs(off) >= 0.05 && `, ${duration(Math.abs(off))} ${off < 0 ? 'before' : 'after'}`}
      </figcaption>
      {all.length > 1 && (
        <div class="entry-pictures">
          {all.map((q, i) => (
            <button key={`${q.entry} ${q.name}`} type="button" aria-pressed={q === p} aria-label={`Picture ${i + 1}: ${q.name}`} onClick={() => setAt(i)}>
              <img src={src(q)} alt="" loading="lazy" />
            </button>
          ))}
        </div>
      )}
    </figure>
  )
}

const parts: Partial<Record<Entry['kind'], string>> = { event: 'Event', firing: 'Decision', suppressed: 'Decision', action: 'Step', relay: 'Relay' }

/** From the event over the decision to steps and relays, with the time that passed. */
function Chain({ entry: e, chain }: { entry: Entry; chain: readonly Entry[] }): JSX.Element {
  const begun = Date.parse(chain[0]?.at ?? e.at)
  const q = place.value.query
  return (
    <Section title="What led to what">
      <ol class="chain">
        {chain.map((c) => {
          const after = (Date.parse(c.at) - begun) / 1000
          return (
            <li key={c.id} class={`chain-${c.kind}`}>
              <span class={`chain-dot tone-${toneOf(c)}`} />
              <span class="chain-part muted small-text">
                {wordOf(c) === 'ended' ? 'End' : (parts[c.kind] ?? c.kind)}
                <span class="num">{c === chain[0] ? clockMillis(c.at) : after < 60 ? `+${after.toFixed(3)} s` : `+${duration(after)}`}</span>
              </span>
              {c.id === e.id ? <strong>{c.text}</strong> : <a href={`${path('journal', c.id)}${q.size ? `?${q.toString()}` : ''}`}>{c.text}</a>}
            </li>
          )
        })}
      </ol>
    </Section>
  )
}

/** How far the moment of a look may be from the entry's, in milliseconds. */
const sameMoment = 250

/** The rule's look of that moment, for as long as the program remembers it. */
function lookOf(why: WhyData | undefined, e: Entry): Look | undefined {
  const at = Date.parse(e.at)
  return why?.looks.find((l) => l.kind !== undefined && Math.abs(Date.parse(l.at) - at) <= sameMoment && (l.key === e.key || (l.plate !== undefined && l.plate === e.plate)))
}

/** The look that a firing's entry keeps. */
function keptLook(e: Entry | undefined): Look | undefined {
  const look = e?.look
  return typeof look === 'object' && look !== null && 'answer' in look && 'did' in look ? (look as Look) : undefined
}

function WhyThen({ entry: e, chain }: { entry: Entry; chain: readonly Entry[] }): JSX.Element | null {
  const decided = [e, ...chain].find((c) => c.rule && (c.kind === 'firing' || c.kind === 'suppressed') && wordOf(c) !== 'ended')
  // Moments are remembered for a while only; of older ones nothing is asked.
  const kept = keptLook(decided)
  const fresh = decided && !kept && serverNow() - Date.parse(decided.at) < 7 * 86_400_000
  const loaded = useLoad<WhyData>(fresh && decided.rule ? `rules/${seg(decided.rule)}/why` : undefined)
  const look = kept ?? (decided && lookOf(loaded.data, decided))
  if (!decided?.rule) return null
  return (
    <Section title="Why" aside={<a href={path('rules', decided.rule)}>The rule now</a>}>
      {look ? <Why look={look} /> : <p class="muted small-text">{loaded.loading ? 'Looking it up.' : 'What the rule read at that moment was not kept. “sallyport why --replay” finds it in a recording.'}</p>}
    </Section>
  )
}

type Fact = readonly [string, ComponentChildren]

function facts(e: Entry): (Fact | false)[] {
  const text = (name: string, title: string): Fact | false => {
    const v = field(e, name)
    return v !== undefined && [title, v]
  }
  const took = field(e, 'took')
  return [
    ['Kind', <Badge tone={toneOf(e)}>{wordOf(e)}</Badge>],
    ['When', <span class="num">{`${weekday(e.at)} ${clockMillis(e.at)}`}</span>],
    ['', <span class="muted small-text"><Ago at={e.at} /></span>],
    e.camera !== undefined && ['Camera', <a href={path('live', e.camera)}>{e.camera}</a>],
    e.rule !== undefined && ['Rule', <a href={path('rules', e.rule)}>{e.rule}</a>],
    e.key !== undefined && ['For', e.key],
    e.plate !== undefined && ['Plate', <a class="mono" href={`/plates?q=${seg(e.plate)}`}>{e.plate}</a>],
    e.relay !== undefined && ['Relay', <a href={path('relays', e.relay)}>{e.relay}</a>],
    text('step', 'Step'),
    text('outcome', 'Outcome'),
    text('reason', 'Reason'),
    text('cause', 'Cause'),
    text('fault', 'Fault'),
    text('who', 'By'),
    text('from', 'From'),
    took !== undefined && ['Took', duration(Number(took))],
    Number(field(e, 'tries') ?? 1) > 1 && ['Tries', field(e, 'tries')],
    text('status', 'Status'),
    text('exit', 'Exit code'),
    text('error', 'Error'),
    text('detail', 'Detail'),
    Array.isArray(e.problems) && ['Problems', <ul>{e.problems.map((p, i) => <li key={i}>{String(p)}</li>)}</ul>],
    ['Number', <span class="num">{e.id}</span>],
  ]
}
