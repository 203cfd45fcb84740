import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { EntryDetail, Page, PlateRead } from '../../api'
import { path, withQuery } from '../../app/router'
import { address, query, seg } from '../../client'
import { mayOperate } from '../../state'
import { ButtonLink } from '../../ui/button'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Facts, Failed, Section, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { Row, Rows } from '../../ui/table'
import { Ago } from '../../ui/time'
import { Plate } from './reads'
import { changed } from './store'
import { arrivals, vehicleText, verdict } from './words'

const others = 10

/** One read: its pictures, what is known of the car, and what came of it. */
export function ReadSheet({ id, under }: { id: string; under: string }): JSX.Element {
  const entry = useLoad<EntryDetail>(`journal/${seg(id)}`)
  const number = entry.data?.entry.plate
  const reads = useLoad<Page<PlateRead>>(number ? `plates/reads${query({ q: number, limit: 100 })}` : undefined, changed.value)
  const r = reads.data?.items.find((x) => String(x.id) === id)
  const error = entry.error ?? reads.error
  return (
    <Sheet title={r?.number ?? number ?? `Read ${id}`} under={under}>
      {error !== undefined && <Failed error={error} retry={entry.reload} />}
      {!r && (entry.loading || reads.loading) && <Skeleton lines={6} />}
      {!r && reads.data && <p class="muted">This read is too old to be found among the last hundred of its plate; the journal has it: <a href={path('journal', id)}>entry {id}</a>.</p>}
      {r && <Detail read={r} all={reads.data?.items ?? []} />}
    </Sheet>
  )
}

function Detail({ read: r, all }: { read: PlateRead; all: readonly PlateRead[] }): JSX.Element {
  const came = arrivals(all)
  // What an earlier or later read of the same arrival did counts for this one too.
  const mine = came.find((a) => a.reads.some((x) => x.id === r.id))
  const did = mine?.read ?? r
  const v = verdict(did)
  const same = came.filter((a) => a !== mine && a.read.number === r.number).slice(0, others)
  const first = r.lists[0]
  const alike = [...new Set(all.filter((x) => x.number !== r.number).map((x) => x.number))].slice(0, 6)
  return (
    <>
      <Pictures read={r} />
      <p class="read-verdict">
        <span class={`read-tone tone-${v.tone}`}>{v.text.charAt(0).toUpperCase() + v.text.slice(1)}.</span>{' '}
        {did.id !== r.id && (
          <span class="muted">
            That was <a href={path('plates', 'reads', did.id)}>another read</a> of the same arrival.
          </span>
        )}
      </p>
      {mayOperate.value && (
        <div class="plates-actions">
          {first ? (
            <ButtonLink href={withQuery({ put: r.number, list: first.name })}>Change its entry on {first.name}</ButtonLink>
          ) : (
            <>
              <ButtonLink kind="primary" href={withQuery({ put: r.number, guest: '1' })}>
                Guest until…
              </ButtonLink>
              <ButtonLink href={withQuery({ put: r.number })}>Add to a list</ButtonLink>
            </>
          )}
        </div>
      )}
      <Section title="What is known">
        <Facts
          items={[
            ['Read', <Ago at={r.at} />],
            ['Camera', <a href={path('live', r.camera)}>{r.camera}</a>],
            ['Lists', r.lists.length === 0 ? 'none of ours' : r.lists.map((l) => <a key={l.name} class="read-list" href={path('plates', 'lists', l.name)}>{l.name}{l.owner ? ` (${l.owner})` : ''}</a>)],
            r.list !== undefined && ["Camera's list", r.list],
            r.heading !== undefined && ['Heading', r.heading],
            r.confidence !== undefined && ['Confidence', `${r.confidence} %`],
            vehicleText(r.vehicle) !== '' && ['Car', vehicleText(r.vehicle)],
          ]}
        />
      </Section>
      {(r.fired.length > 0 || r.held.length > 0) && (
        <Section title="Rules" aside={<a class="small-text" href={path('journal', r.id)}>In the journal</a>}>
          <Rows label="Rules">
            {r.fired.map((n) => (
              <Row key={`f ${n}`} href={path('rules', n)} title={n} aside={<Badge tone="live">fired</Badge>} />
            ))}
            {r.held.map((h) => (
              <Row key={`h ${h.rule}`} href={path('rules', h.rule)} title={h.rule} aside={<Badge tone="wait">{h.reason}</Badge>} />
            ))}
          </Rows>
        </Section>
      )}
      {same.length > 0 && (
        <Section title="Read before and after">
          <Rows label="Other reads">
            {same.map(({ read: x }) => (
              <Row key={x.id} href={path('plates', 'reads', x.id)} title={<Ago at={x.at} />} sub={`${x.camera}: ${verdict(x).text}`} />
            ))}
          </Rows>
        </Section>
      )}
      {alike.length > 0 && (
        <Section title="Looks like">
          <p class="plates-alike">
            {alike.map((n) => (
              <a key={n} href={`/plates?q=${encodeURIComponent(n)}`}>
                <Plate number={n} />
              </a>
            ))}
          </p>
        </Section>
      )}
    </>
  )
}

function Pictures({ read: r }: { read: PlateRead }): JSX.Element | null {
  const first = r.images.includes('scene') ? 'scene' : r.images[0]
  const [name, setName] = useState(first)
  if (!name) return null
  const src = (n: string): string => address(`journal/${r.id}/images/${seg(n)}`)
  return (
    <figure class="entry-picture">
      <a href={src(name)} target="_blank" rel="noopener" title="Open the picture by itself">
        <img src={src(name)} alt={`${name} of ${r.number}`} />
      </a>
      {r.images.length > 1 && (
        <div class="entry-pictures">
          {r.images.map((n) => (
            <button key={n} type="button" aria-pressed={n === name} aria-label={`Picture: ${n}`} onClick={() => setName(n)}>
              <img src={src(n)} alt="" loading="lazy" />
            </button>
          ))}
        </div>
      )}
    </figure>
  )
}
