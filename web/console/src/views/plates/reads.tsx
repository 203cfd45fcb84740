import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Page, PlateRead } from '../../api'
import { go, path, place, withQuery } from '../../app/router'
import { address, get, query, seg } from '../../client'
import { cameras, mayOperate, ruleSet } from '../../state'
import { onEntry } from '../../stream'
import { Button, ButtonLink } from '../../ui/button'
import { Field, Select } from '../../ui/field'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Empty, Failed, Skeleton } from '../../ui/parts'
import { Ago } from '../../ui/time'
import { toastError } from '../../ui/toast'
import { changed } from './store'
import { type Arrival, arrivals, cropOf, onLists, vehicleText, verdict } from './words'

const pageSize = 50
/** How long after a plate was read it is asked for, with its picture and what came of it, in milliseconds. */
const settle = 1000

/** The plates that were read, the newest first. */
export function Reads(): JSX.Element {
  const q = place.value.query
  const search = q.get('q') ?? ''
  const camera = q.get('camera') ?? ''
  const came = useCame()
  const base = query({ q: search, camera, limit: pageSize })
  const loaded = useLoad<Page<PlateRead>>(`plates/reads${base}`, `${came} ${changed.value} ${ruleSet.value}`)
  const [older, setOlder] = useState<{ base: string; items: PlateRead[]; next: string | undefined; busy: boolean } | undefined>()
  const mine = older?.base === base ? older : undefined
  const next = mine ? mine.next : loaded.data?.next
  const all = useMemo(() => {
    const seen = new Map<number, PlateRead>()
    for (const r of [...(loaded.data?.items ?? []), ...(mine?.items ?? [])]) seen.set(r.id, r)
    return arrivals([...seen.values()].sort((a, b) => b.id - a.id))
  }, [loaded.data, mine?.items])
  const more = (): void => {
    const items = mine?.items ?? []
    setOlder({ base, items, next, busy: true })
    get<Page<PlateRead>>(`plates/reads${query({ q: search, camera, limit: pageSize, cursor: next })}`).then(
      (p) => setOlder({ base, items: [...items, ...p.items], next: p.next, busy: false }),
      (e: unknown) => {
        setOlder({ base, items, next, busy: false })
        toastError(e)
      },
    )
  }
  return (
    <>
      <div class="plates-search">
        <Search value={search} set={(v) => go(withQuery({ q: v }), { replace: true })} />
        {(cameras.value?.length ?? 0) > 1 && (
          <Select
            label="Camera"
            value={camera}
            onChange={(v) => go(withQuery({ camera: v }), { replace: true })}
            options={[{ value: '', label: 'All' }, ...(cameras.value ?? []).map((c) => ({ value: c.name, label: c.name }))]}
          />
        )}
      </div>
      {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
      {!loaded.data && loaded.loading && <Skeleton lines={6} />}
      {loaded.data && all.length === 0 && !next && <Empty>{search ? `No plate like ${search} was read.` : 'No plate has been read yet. A camera that reads plates posts them by itself once its push set-up names this machine.'}</Empty>}
      <ul class="reads">
        {all.map((a) => (
          <Read key={a.reads.at(-1)?.id ?? a.read.id} arrival={a} />
        ))}
      </ul>
      {next && (
        <div class="plates-more">
          <Button busy={mine?.busy ?? false} onClick={more}>
            Older reads
          </Button>
        </div>
      )}
    </>
  )
}

/** Grows a moment after a plate was read. */
function useCame(): number {
  const [n, set] = useState(0)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const off = onEntry((e) => {
      if (e.kind !== 'event' || !e.plate) return
      clearTimeout(timer)
      timer = setTimeout(() => set((v) => v + 1), settle)
    })
    return () => {
      off()
      clearTimeout(timer)
    }
  }, [])
  return n
}

/** A field that is asked for when nothing was typed for a moment. */
export function Search({ value, set, label = 'Search', hint = 'Look-alikes (0 O, 1 I, 8 B, 5 S) and one wrong character are forgiven.' }: { value: string; set: (v: string) => void; label?: string; hint?: string }): JSX.Element {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text.trim() === value) return
    const timer = setTimeout(() => set(text.trim()), 350)
    return () => clearTimeout(timer)
  }, [text])
  return <Field label={label} type="search" value={text} onInput={setText} placeholder="ABC 1234" maxLength={64} hint={hint} />
}

/** A plate as it is written on a car. */
export const Plate = ({ number }: { number: string }): JSX.Element => <span class="plate mono">{number}</span>

function Read({ arrival: { read: r, reads } }: { arrival: Arrival }): JSX.Element {
  const v = verdict(r)
  const crop = cropOf(r)
  const q = place.value.query.get('q')
  const car = vehicleText(r.vehicle)
  const on = onLists(r)
  return (
    <li class="read">
      <a class="read-main" href={`${path('plates', 'reads', r.id)}${query({ q: q ?? undefined })}`}>
        {crop ? (
          <img class="read-crop" src={address(`journal/${r.id}/images/${seg(crop)}`)} alt="" loading="lazy" decoding="async" width={96} height={54} />
        ) : (
          <span class="read-crop read-blank">
            <Icon name="plates" size={16} />
          </span>
        )}
        <span class="read-what">
          <span class="read-number">
            <Plate number={r.number} />
            {r.list && <Badge title="The camera's own verdict">camera: {r.list}</Badge>}
            {reads.length > 1 && <span class="muted small-text num">read {reads.length} times</span>}
          </span>
          <span class="read-verdict">
            {on ? <>now on {on}: </> : null}
            <span class={`read-tone tone-${v.tone}`}>{v.text}</span>
          </span>
          <span class="muted small-text">
            {r.camera}
            {r.heading && `, ${r.heading === 'away' ? 'leaving' : 'coming'}`}
            {car && ` · ${car}`}
            {' · '}
            <Ago at={r.at} />
          </span>
        </span>
      </a>
      {mayOperate.value && r.lists.length === 0 && (
        <span class="read-actions">
          <ButtonLink small href={withQuery({ put: r.number, guest: '1' })}>
            Guest until…
          </ButtonLink>
          <ButtonLink small href={withQuery({ put: r.number })}>
            Add to a list
          </ButtonLink>
        </span>
      )}
    </li>
  )
}
