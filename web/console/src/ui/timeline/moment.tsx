import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { EntryDetail } from '../../api'
import { address, get, seg } from '../../client'
import { now } from '../../state'
import { ago, clock, clockMillis, duration, weekday } from '../format'
import type { Stop, TimelineRow } from './rows'

/** How long the cursor rests before a picture is asked for, in milliseconds. */
const rest = 120
const most = 300

/** Pictures of entries that were asked for: the address, or nothing when there is none. */
const known = new Map<number, string | undefined>()

/** The picture that shows an entry. */
function usePicture(id: number | undefined): string | undefined {
  const [, redraw] = useState(0)
  useEffect(() => {
    if (id === undefined || known.has(id)) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      get<EntryDetail>(`journal/${id}`, stop.signal).then(
        ({ entry }) => {
          if (known.size > most) known.clear()
          known.set(id, entry.picture && address(`journal/${entry.picture.id}/images/${seg(entry.picture.name)}`))
          redraw((n) => n + 1)
        },
        () => undefined, // it is shown without
      )
    }, rest)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [id])
  return id === undefined ? undefined : known.get(id)
}

/** What is under the cursor: when, what, and the picture of the moment. */
export function Moment(p: { row: TimelineRow; stop: Stop | undefined; at: number; x: number; width: number; top: number; hrefOf: (id: number) => string }): JSX.Element {
  const { row, stop } = p
  const picture = usePicture(stop?.id)
  // It never covers the cursor's own row, and stays in the frame.
  const side = p.x > p.width / 2 ? 'left' : 'right'
  const body = (
    <>
      {picture && <img src={picture} alt="" width={160} height={90} />}
      <span class="moment-text">
        <strong>{row.name}</strong>
        {stop && <span>{stop.text}</span>}
        <span class="num muted">
          {weekday(p.at)} {stop ? clockMillis(stop.at) : clock(p.at)}
          {stop ? `, ${ago(stop.at, now.value)}` : ''}
        </span>
        {stop && (stop.to !== undefined || stop.kind === 'span') && <span class="num muted">{stop.to === undefined ? 'lasts' : `for ${duration((stop.to - stop.at) / 1000)}`}</span>}
      </span>
    </>
  )
  return (
    <div class={`moment moment-${side}`} style={{ left: `calc(var(--names) + ${p.x}px)`, top: `${p.top}px` }}>
      {stop?.id ? (
        <a class="moment-card" href={p.hrefOf(stop.id)} tabIndex={-1}>
          {body}
        </a>
      ) : (
        <div class="moment-card">{body}</div>
      )}
    </div>
  )
}
