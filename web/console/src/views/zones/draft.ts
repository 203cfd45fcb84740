// A zone or line as it is being drawn, with the steps back and forth. Drafts
// outlive the view: who looks at something else in between loses nothing.
import { signal } from '@preact/signals'
import type { Point, Zone, ZoneEdit } from '../../api'

export interface Draft {
  kind: 'zone' | 'line'
  name: string
  camera: string
  points: Point[]
  in: 'left' | 'right'
  anchor: NonNullable<Zone['anchor']>
  /** Empty is everything. */
  classes: string[]
  margin: number
  settle: number
  linger: number
  /** The camera's own: its points are not drawn here. */
  import?: string
}

export const defaults = { margin: { zone: 150, line: 100 }, settle: 0.2, linger: 1 }

export function draftOf(z: Zone): Draft {
  return {
    kind: z.kind,
    name: z.name,
    camera: z.camera,
    points: z.points ?? [],
    in: z.in ?? 'right',
    anchor: z.anchor ?? 'bottom',
    classes: z.classes ?? [],
    margin: z.margin ?? defaults.margin[z.kind],
    settle: z.settle ?? defaults.settle,
    linger: z.linger ?? defaults.linger,
    ...(z.import !== undefined && { import: z.import }),
  }
}

export function newDraft(kind: Draft['kind'], camera: string, name: string, points: Point[]): Draft {
  return { kind, name, camera, points, in: 'right', anchor: 'bottom', classes: [], margin: defaults.margin[kind], settle: defaults.settle, linger: defaults.linger }
}

/** A draft with what it was and will be. */
export interface History {
  /** As it is in the file; absent for a new one. */
  saved?: Draft
  steps: readonly Draft[]
  at: number
  /** Changes with the same tag are one step: a drag, a run of nudges. */
  tag?: string
}

/** By key: see keyOf. */
export const histories = signal<ReadonlyMap<string, History>>(new Map())

/** What a draft is called here: by its camera, kind and name in the file, or by its number while it is in none. */
export const keyOf = (camera: string, kind: string, name: string): string => JSON.stringify([camera, kind, name])

const stepsKept = 200

export const current = (h: History): Draft => h.steps[h.at] as Draft

export const dirty = (h: History): boolean => !h.saved || JSON.stringify(current(h)) !== JSON.stringify(h.saved)

function set(key: string, h: History | undefined): void {
  const all = new Map(histories.value)
  if (h) all.set(key, h)
  else all.delete(key)
  histories.value = all
}

/** Takes a change over as a step; with the tag of the step before, into that step. */
export function change(key: string, from: History, d: Draft, tag?: string): void {
  const same = tag !== undefined && from.tag === tag && from.at === from.steps.length - 1 && from.at > 0
  const steps = [...from.steps.slice(0, from.at + (same ? 0 : 1)), d].slice(-stepsKept)
  set(key, { ...(from.saved && { saved: from.saved }), steps, at: steps.length - 1, ...(tag !== undefined && { tag }) })
}

export function undo(key: string): void {
  const h = histories.value.get(key)
  if (h && h.at > 0) set(key, { ...(h.saved && { saved: h.saved }), steps: h.steps, at: h.at - 1 })
}

export function redo(key: string): void {
  const h = histories.value.get(key)
  if (h && h.at < h.steps.length - 1) set(key, { ...(h.saved && { saved: h.saved }), steps: h.steps, at: h.at + 1 })
}

export const drop = (key: string): void => set(key, undefined)

export const begin = (key: string, d: Draft): void => set(key, { steps: [d], at: 0 })

/** A name that none has: zone, zone-2, zone-3, … */
export function freeName(base: string, taken: readonly string[]): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`
    if (!taken.includes(name)) return name
  }
}

/** What the server is asked to write. Only what differs from the file, or for a new one from what holds anyway. */
export function editOf(h: History): ZoneEdit {
  const d = current(h)
  const was = h.saved
  const zone: NonNullable<ZoneEdit['zone']> = { name: d.name.trim(), kind: d.kind, camera: d.camera }
  const other = was ?? newDraft(d.kind, d.camera, d.name, [])
  if (d.import !== undefined) zone.import = d.import
  else if (!was || JSON.stringify(d.points) !== JSON.stringify(was.points)) zone.points = d.points
  if (d.kind === 'line') {
    if (!was || d.in !== was.in) zone.in = d.in
  } else {
    if (d.anchor !== other.anchor) zone.anchor = d.anchor
    if (d.settle !== other.settle) zone.settle = d.settle
    if (d.linger !== other.linger) zone.linger = d.linger
  }
  if (d.margin !== other.margin) zone.margin = d.margin
  if (JSON.stringify(d.classes) !== JSON.stringify(other.classes)) zone.classes = d.classes
  return was ? { was: was.name, kind: was.kind, zone } : { zone }
}
