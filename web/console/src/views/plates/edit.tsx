import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Names, Page, PlateEntry, PlateList } from '../../api'
import { leave, withQuery } from '../../app/router'
import { query, seg } from '../../client'
import { serverNow, timezone } from '../../state'
import { Button } from '../../ui/button'
import { Choice, Field, Select } from '../../ui/field'
import { useLoad } from '../../ui/load'
import { Empty, Failed, Notice, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { offsetOf, wallText } from '../../ui/timeline'
import { toast, toastError } from '../../ui/toast'
import { putPlate, removePlate, type Written, written } from './store'
import { presets, validity } from './words'

type When = 'always' | 'until' | 'between'

/** Puts a plate on a list, or changes its entry there. */
export function EditSheet({ plate, list, guest }: { plate: string; list: string; guest: boolean }): JSX.Element {
  const under = withQuery({ put: undefined, list: undefined, guest: undefined })
  const lists = useLoad<Page<PlateList>>('plates/lists')
  const can = lists.data?.items.filter((l) => !l.fixed)
  // A guest goes to a list that is called so, when there is one.
  const usual = (guest ? can?.find((l) => /guest|visitor|temporary/i.test(l.name)) : undefined) ?? can?.find((l) => !/block|ban|guest|visitor/i.test(l.name)) ?? can?.[0]
  const chosen = list || usual?.name
  return (
    <Sheet title={guest ? `Guest ${plate}` : plate ? plate : 'Add a plate'} under={under}>
      {lists.error !== undefined && <Failed error={lists.error} retry={lists.reload} />}
      {!lists.data && lists.loading && <Skeleton lines={5} />}
      {can?.length === 0 && <Empty>There is no list to put a plate on. An editor writes one in a rule file, for example lists: {'{'}residents: []{'}'}.</Empty>}
      {can && can.length > 0 && chosen && <Form lists={can} list={chosen} plate={plate} guest={guest} under={under} />}
    </Sheet>
  )
}

function Form({ lists, list: first, plate: given, guest, under }: { lists: readonly PlateList[]; list: string; plate: string; guest: boolean; under: string }): JSX.Element {
  const [list, setList] = useState(first)
  const [plate, setPlate] = useState(given)
  const there = useLoad<Page<PlateEntry>>(given ? `plates/lists/${seg(list)}${query({ q: given })}` : undefined)
  const names = useLoad<Names>('names')
  const known = there.data?.items.find((e) => same(e.plate, given))
  const offset = useMemo(() => offsetOf(timezone.value), [timezone.value])
  const ends = useMemo(() => presets(serverNow(), offset), [offset])
  const [when, setWhen] = useState<When>(guest ? 'until' : 'always')
  const [e, setE] = useState<Written>(guest ? { until: ends[1]?.until ?? '' } : {})
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  // What is on the list already is what is changed.
  useEffect(() => {
    if (!known) return
    setE(guest ? { ...written(known), until: ends[1]?.until ?? '' } : written(known))
    setWhen(known.from ? 'between' : known.until || guest ? 'until' : 'always')
  }, [known?.plate, list])
  const set = (c: Partial<Written>): void => setE((v) => ({ ...v, ...c }))
  const schedules = names.data?.schedules ?? []

  const submit = async (ev: Event): Promise<void> => {
    ev.preventDefault()
    const out: Written = {}
    if (e.owner?.trim()) out.owner = e.owner.trim()
    if (when === 'between' && e.from) out.from = e.from
    if (when !== 'always' && e.until) out.until = e.until
    if (e.schedule) out.schedule = e.schedule
    if (e.note?.trim()) out.note = e.note.trim()
    setBusy(true)
    setError(undefined)
    try {
      const got = await putPlate(list, known?.plate ?? plate.trim(), out)
      const undo = known ? () => void putPlate(list, known.plate, written(known)).catch(toastError) : () => void removePlate(list, got.plate).catch(toastError)
      toast(`${got.plate} is on ${list}${validity(got) === 'always' ? '' : `, ${validity(got)}`}.`, { action: { label: 'Undo', do: undo } })
      leave(under)
    } catch (err) {
      setError(err)
      setBusy(false)
    }
  }
  const needsEnd = when !== 'always' && !e.until
  return (
    <form class="stack" onSubmit={(ev) => void submit(ev)}>
      {known && <Notice>It is on {list} already: this changes its entry.</Notice>}
      {!known && <Field label="Plate" value={plate} onInput={setPlate} mono required maxLength={40} autofocus={given === ''} placeholder="ABC1234" hint="As the camera reads it. Case, blanks, dots and dashes do not count." />}
      {lists.length > 1 && <Select label="List" value={list} onChange={setList} options={lists.map((l) => l.name)} />}
      <Field label="Owner" value={e.owner ?? ''} onInput={(owner) => set({ owner })} maxLength={200} />
      <Choice
        label="How long"
        value={when}
        onChange={setWhen}
        options={[
          { value: 'always', label: 'Always' },
          { value: 'until', label: 'Until…' },
          { value: 'between', label: 'From… to…' },
        ]}
      />
      {when === 'until' && (
        <div class="plates-presets" role="group" aria-label="Usual ends">
          {ends.map((p) => (
            <Button key={p.id} small pressed={e.until === p.until} onClick={() => set({ until: p.until })}>
              {p.label}
            </Button>
          ))}
        </div>
      )}
      {when === 'between' && <Moment label="From" value={e.from ?? ''} set={(from) => set({ from })} now={wallText(serverNow(), offset)} />}
      {when !== 'always' && <Moment label="Until" value={e.until ?? ''} set={(until) => set({ until })} now={wallText(serverNow(), offset)} />}
      {(schedules.length > 0 || e.schedule) && (
        <Select
          label="Only at times"
          value={e.schedule ?? ''}
          onChange={(schedule) => set({ schedule })}
          options={[{ value: '', label: 'At all times' }, ...[...new Set([...schedules, ...(e.schedule ? [e.schedule] : [])])].map((s) => ({ value: s, label: s }))]}
        />
      )}
      <Field label="Note" value={e.note ?? ''} onInput={(note) => set({ note })} maxLength={256} />
      {error !== undefined && <Failed error={error} />}
      <div class="plates-actions">
        <Button kind="primary" submit busy={busy} disabled={plate.trim() === '' || needsEnd}>
          {known ? 'Change it' : when === 'until' ? `Let in until ${e.until ?? ''}` : `Put on ${list}`}
        </Button>
      </div>
    </form>
  )
}

const plain = (p: string): string => p.toUpperCase().replace(/[\s.\-·‐‑–]/g, '')
const same = (a: string, b: string): boolean => plain(a) === plain(b)

/** A day or a time as lists write it. */
function Moment({ label, value, set, now }: { label: string; value: string; set: (v: string) => void; now: string }): JSX.Element {
  // A day alone is the whole of it.
  const shown = /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T${label === 'Until' ? '23:59' : '00:00'}` : value.replace(' ', 'T').slice(0, 16)
  return <Field label={label} type="datetime-local" value={shown} required onInput={(v) => set(v.replace('T', ' ').slice(0, 16))} hint={`On the site's clock, where it is ${now} now.`} />
}
