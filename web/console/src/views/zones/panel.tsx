import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Zone } from '../../api'
import { path } from '../../app/router'
import { hue } from '../../scene/geometry'
import { Button, ButtonLink } from '../../ui/button'
import { Check, Choice, Field, Select } from '../../ui/field'
import { Icon } from '../../ui/icon'
import { Badge } from '../../ui/mark'
import { Notice, Section } from '../../ui/parts'
import type { Draft } from './draft'

/** A row of the list of what there is on a camera. */
export interface Item {
  href: string
  kind: 'zone' | 'line'
  name: string
  rules: number
  chosen: boolean
  unsaved: boolean
  imported: boolean
}

export function Items({ items, camera }: { items: readonly Item[]; camera: string }): JSX.Element {
  const list = useRef<HTMLUListElement>(null)
  const chosen = items.find((it) => it.chosen)?.href
  // Only the list is scrolled: the page stays where it is.
  useLayoutEffect(() => {
    const ul = list.current
    const row = ul?.querySelector<HTMLElement>('[aria-current]')
    if (!ul || !row) return
    const top = row.offsetTop - ul.offsetTop
    if (top < ul.scrollTop || top + row.offsetHeight > ul.scrollTop + ul.clientHeight) ul.scrollTop = top - ul.clientHeight / 2
  }, [chosen])
  return (
    <ul ref={list} class="zone-items" aria-label={`Zones and lines of ${camera}`}>
      {items.map((it) => (
        <li key={it.href}>
          <a href={it.href} aria-current={it.chosen ? 'true' : undefined}>
            <svg class="zones-swatch" width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" style={{ '--hue': String(hue(it.name)) }}>
              {it.kind === 'zone' ? <path d="M3 5l7-2 5 5-3 7-8-1z" /> : <path d="M3 14L15 4" />}
            </svg>
            <span class="zone-item-name">{it.name}</span>
            {it.unsaved ? <Badge tone="wait">not saved</Badge> : it.imported ? <Badge>camera's</Badge> : null}
            <span class="muted small-text num">{it.rules === 0 ? 'no rule' : it.rules === 1 ? '1 rule' : `${it.rules} rules`}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

/** A number as it is typed: what is none is not taken. */
function amount(text: string, take: (n: number) => void): void {
  const n = Number(text)
  if (text.trim() !== '' && Number.isFinite(n) && n >= 0) take(n)
}

const classes = ['person', 'car', 'motor'] as const

export interface FieldsProps {
  draft: Draft
  saved: Zone | undefined
  fixed: boolean
  /** What is wrong with its shape. */
  wrong: string | undefined
  /** What is wrong with its name. */
  nameWrong: string | undefined
  onChange: (d: Draft, tag: string) => void
  /** The address that asks to delete it; absent when it cannot be. */
  deletes: string | undefined
  onDrop: (() => void) | undefined
}

/** Everything about the chosen one but its points. */
export function Fields({ draft: d, saved, fixed, wrong, nameWrong, onChange, deletes, onDrop }: FieldsProps): JSX.Element {
  const set = (more: Partial<Draft>, tag: string): void => onChange({ ...d, ...more }, tag)
  return (
    <div class="zone-fields stack">
      <h2 class="visually-hidden">{d.name}</h2>
      {wrong && <Notice tone="bad">{wrong}</Notice>}
      {d.import !== undefined && (
        <Notice>
          It is the camera's own {d.import}: it is drawn in the camera's page, and counts as its copy was accepted.
        </Notice>
      )}
      <Field label="Name" value={d.name} disabled={fixed} onInput={(name) => set({ name }, 'name')} maxLength={64} {...(nameWrong && { error: nameWrong })} />
      {d.kind === 'line' ? (
        <div class="field">
          <span class="field-label">In is</span>
          <div class="zone-side">
            <Choice
              label="The side that is in, looking from the first end to the second"
              value={d.in}
              disabled={fixed}
              options={[
                { value: 'left', label: 'left' },
                { value: 'right', label: 'right' },
              ]}
              onChange={(side) => set({ in: side }, 'side')}
            />
            <Button disabled={fixed} onClick={() => set({ in: d.in === 'left' ? 'right' : 'left' }, `swap ${d.in}`)}>
              <Icon name="swap" /> Swap
            </Button>
          </div>
        </div>
      ) : (
        <Select
          label="What of a target counts"
          value={d.anchor}
          disabled={fixed}
          options={[
            { value: 'bottom', label: 'bottom: its foot' },
            { value: 'center', label: 'center' },
            { value: 'top', label: 'top' },
            { value: 'any', label: 'any part of it' },
          ]}
          onChange={(anchor) => set({ anchor }, 'anchor')}
        />
      )}
      <fieldset class="zone-classes" disabled={fixed}>
        <legend>Who counts</legend>
        <Check label="everything" checked={d.classes.length === 0} onChange={() => set({ classes: [] }, 'classes')} />
        {classes.map((c) => (
          <Check
            key={c}
            label={c}
            checked={d.classes.includes(c)}
            onChange={(on) => set({ classes: on ? classes.filter((x) => x === c || d.classes.includes(x)) : d.classes.filter((x) => x !== c) }, `classes ${c}`)}
          />
        ))}
      </fieldset>
      <details class="zone-fine">
        <summary>Settle, margin, linger</summary>
        <div class="stack">
          <p class="muted small-text">They keep somebody on the edge from entering forty times a minute. Leave them unless you know why not.</p>
          {d.kind === 'zone' && (
            <Field label="settle: in after so many seconds inside" type="number" min="0" step="0.1" value={String(d.settle)} disabled={fixed} onInput={(t) => amount(t, (settle) => set({ settle }, 'settle'))} />
          )}
          <Field
            label={d.kind === 'zone' ? 'margin: out only so many units beyond the edge' : 'margin: crossed only so many units beyond'}
            type="number"
            min="0"
            step="10"
            value={String(d.margin)}
            disabled={fixed}
            onInput={(t) => amount(t, (margin) => set({ margin: Math.round(margin) }, 'margin'))}
          />
          {d.kind === 'zone' && (
            <Field label="linger: out only after so many seconds" type="number" min="0" step="0.1" value={String(d.linger)} disabled={fixed} onInput={(t) => amount(t, (linger) => set({ linger }, 'linger'))} />
          )}
        </div>
      </details>
      {saved && (
        <Section title="Rules that use it">
          {saved.rules.length === 0 ? (
            <p class="muted">None yet.</p>
          ) : (
            <ul class="zone-rules">
              {saved.rules.map((r) => (
                <li key={r}>
                  <a href={path('rules', r)}>{r}</a>
                </li>
              ))}
            </ul>
          )}
          <p class="muted small-text">
            {saved.file}:{saved.line}
          </p>
        </Section>
      )}
      <div class="zone-ends">
        {onDrop && (
          <Button kind="quiet" onClick={onDrop}>
            {saved ? 'Back to what is saved' : 'Discard'}
          </Button>
        )}
        {deletes && (
          <ButtonLink kind="danger" href={deletes}>
            <Icon name="trash" /> Delete
          </ButtonLink>
        )}
      </div>
    </div>
  )
}
