import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Page, Rule } from '../../api'
import { cameras, relays, ruleSet, timezone } from '../../state'
import { Button } from '../../ui/button'
import { Field, Select } from '../../ui/field'
import { useLoad } from '../../ui/load'
import { momentOf, offsetOf, type Range, wallText } from '../../ui/timeline'
import { type Filter, kinds, lasts, narrowed } from './filter'

/** Whole words of a name from the address stay, also of what is not there any more. */
function names(all: readonly { name: string }[] | undefined, chosen: string, every: string): { value: string; label: string }[] {
  const list = (all ?? []).map((x) => ({ value: x.name, label: x.name }))
  if (chosen && !list.some((o) => o.value === chosen)) list.push({ value: chosen, label: chosen })
  return [{ value: '', label: every }, ...list]
}

export function Filters({ filter: f, range, set }: { filter: Filter; range: Range; set: (c: Partial<Filter>) => void }): JSX.Element {
  const [open, setOpen] = useState(narrowed(f) > 0)
  const rules = useLoad<Page<Rule>>('rules', ruleSet.value)
  const n = narrowed(f)
  return (
    <section class="journal-filters" aria-label="Filters">
      <div class="journal-times">
        <Select
          label="Time"
          value={f.last || 'own'}
          onChange={(v) => (v === 'own' ? set({ since: new Date(range.since).toISOString() }) : set({ last: v }))}
          options={[...lasts.map((l) => ({ value: l.value as string, label: l.label as string })), { value: 'own', label: 'From … to …' }]}
        />
        <Button expanded={open} onClick={() => setOpen(!open)}>
          Filters{n > 0 ? ` (${n})` : ''}
        </Button>
      </div>
      {!f.last && (
        <div class="journal-times">
          <TimeField label="From" value={f.since} set={(since) => set({ since, until: f.until })} />
          <TimeField label="To" value={f.until} set={(until) => set({ since: f.since, until })} />
        </div>
      )}
      {open && (
        <div class="journal-narrow">
          <fieldset class="journal-kinds">
            <legend class="visually-hidden">Kinds</legend>
            {kinds.map((k) => {
              const on = f.kinds.includes(k.kind)
              return (
                <Button key={k.kind} small pressed={on} title={k.help} onClick={() => set({ kinds: on ? f.kinds.filter((x) => x !== k.kind) : [...f.kinds, k.kind] })}>
                  {k.word}
                </Button>
              )
            })}
          </fieldset>
          <div class="journal-names">
            <Select label="Camera" value={f.camera} onChange={(camera) => set({ camera })} options={names(cameras.value, f.camera, 'All')} />
            <Select label="Rule" value={f.rule} onChange={(rule) => set({ rule })} options={names(rules.data?.items, f.rule, 'All')} />
            <Select label="Relay" value={f.relay} onChange={(relay) => set({ relay })} options={names(relays.value, f.relay, 'All')} />
            <Typed label="Plate" value={f.plate} set={(plate) => set({ plate })} />
          </div>
          {n > 0 && (
            <Button kind="quiet" small onClick={() => set({ kinds: [], camera: '', rule: '', relay: '', plate: '' })}>
              Show everything
            </Button>
          )}
        </div>
      )}
    </section>
  )
}

/** A field that is asked for when nothing was typed for a moment. */
function Typed({ label, value, set }: { label: string; value: string; set: (v: string) => void }): JSX.Element {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => set(text.trim()), 400)
    return () => clearTimeout(timer)
  }, [text])
  return <Field label={label} type="search" value={text} onInput={setText} mono placeholder="ABC 1234" maxLength={32} />
}

/** A moment on the site's clock. */
function TimeField({ label, value, set }: { label: string; value: string; set: (v: string) => void }): JSX.Element {
  const zone = timezone.value
  const offset = useMemo(() => offsetOf(zone), [zone])
  const shown = value ? wallText(Date.parse(value), offset).replace(' ', 'T') : ''
  return (
    <Field
      label={label}
      type="datetime-local"
      value={shown}
      onInput={(v) => {
        const wall = Date.parse(`${v}Z`)
        if (v === '') set('')
        else if (!Number.isNaN(wall)) set(new Date(momentOf(wall, offset)).toISOString())
      }}
    />
  )
}
