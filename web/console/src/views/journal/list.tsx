import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Entry } from '../../api'
import { path, place } from '../../app/router'
import { address, seg } from '../../client'
import { clock, clockMillis, weekday } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { Badge } from '../../ui/mark'
import { arranged, kindIcon, type Shown, toneOf, wordOf } from './words'

/** Entries, the newest first, day by day. */
export function EntryList({ entries, current }: { entries: readonly Entry[]; current: string | undefined }): JSX.Element {
  const days = useMemo(() => byDay(arranged(entries)), [entries])
  return (
    <>
      {days.map((d) => (
        <section key={d.title} class="journal-day">
          <h2 class="journal-date">{d.title}</h2>
          <ul class="entries">
            {d.items.map((s) => (
              <Row key={s.entry.id} shown={s} current={String(s.entry.id) === current} />
            ))}
          </ul>
        </section>
      ))}
    </>
  )
}

function byDay(all: readonly Shown[]): { title: string; items: Shown[] }[] {
  const out: { title: string; items: Shown[] }[] = []
  for (const s of all) {
    const title = weekday(s.entry.at)
    const last = out.at(-1)
    // What stands under a firing stays with it over midnight.
    if (last && (last.title === title || s.under)) last.items.push(s)
    else out.push({ title, items: [s] })
  }
  return out
}

function Row({ shown: { entry: e, under }, current }: { shown: Shown; current: boolean }): JSX.Element {
  const q = place.value.query
  const picture = !under && (e.kind === 'event' || e.kind === 'firing' || e.kind === 'action') ? e.picture : undefined
  const plain = wordOf(e) === 'ended'
  return (
    <li class={`entry entry-${e.kind}${under ? ' entry-under' : ''}${plain ? ' entry-ended' : ''}`}>
      <a href={`${path('journal', e.id)}${q.size ? `?${q.toString()}` : ''}`} aria-current={current ? 'true' : undefined}>
        <time class="entry-time num" dateTime={e.at} title={clockMillis(e.at)}>
          {clock(e.at)}
        </time>
        <span class={`entry-mark tone-${toneOf(e)}`}>
          <Icon name={kindIcon[e.kind]} size={16} />
        </span>
        {picture && !plain ? (
          <img class="entry-thumb" src={address(`journal/${picture.id}/images/${seg(picture.name)}`)} alt="" loading="lazy" decoding="async" width={64} height={40} />
        ) : (
          <span class="entry-thumb entry-nothumb" />
        )}
        <span class="entry-text">{e.text}</span>
        <span class="entry-word">
          <Badge tone={toneOf(e)}>{wordOf(e)}</Badge>
        </span>
      </a>
    </li>
  )
}
