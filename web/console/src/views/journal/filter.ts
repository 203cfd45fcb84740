// What the journal is asked for. It stands in the address, so that every view of it can be linked to.
import type { Entry, EntryKind } from '../../api'
import { query } from '../../client'
import { isEnd } from '../../ui/entry'

/** How long back, by the word in the address. */
export const lasts = [
  { value: '1h', label: 'Last hour', ms: 3_600_000 },
  { value: '24h', label: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', label: 'Last 7 days', ms: 7 * 86_400_000 },
  { value: '30d', label: 'Last 30 days', ms: 30 * 86_400_000 },
] as const

/** The ends of firings are asked for by themselves. */
export type AskedKind = EntryKind | 'end'

export const kinds: readonly { kind: AskedKind; word: string; help: string }[] = [
  { kind: 'event', word: 'Events', help: 'What came in: plates, alarms, contacts' },
  { kind: 'firing', word: 'Firings', help: 'Rules that fired' },
  { kind: 'end', word: 'Ends', help: 'When rules that had fired were over' },
  { kind: 'suppressed', word: 'Held back', help: 'Rules and steps that were held back, and why' },
  { kind: 'action', word: 'Steps', help: 'What was done, by rules and by hand' },
  { kind: 'relay', word: 'Relays', help: 'Relays that went on or off' },
  { kind: 'reload', word: 'Rule files', help: 'Rule files that were read' },
  { kind: 'login', word: 'Sign-ins', help: 'Who signed in, and who was refused' },
  { kind: 'error', word: 'Errors', help: 'What went wrong' },
]

export interface Filter {
  kinds: AskedKind[]
  camera: string
  rule: string
  relay: string
  plate: string
  /** 1h, 24h, 7d, 30d; empty when since and until count. */
  last: string
  since: string
  until: string
}

const usual = '24h'

export function readFilter(q: URLSearchParams): Filter {
  const asked = (q.get('kind') ?? '').split(',')
  const since = timeOf(q.get('since'))
  const until = timeOf(q.get('until'))
  const last = q.get('last') ?? ''
  return {
    kinds: kinds.map((k) => k.kind).filter((k) => asked.includes(k)),
    camera: q.get('camera') ?? '',
    rule: q.get('rule') ?? '',
    relay: q.get('relay') ?? '',
    plate: q.get('plate') ?? '',
    last: since || until ? '' : lasts.some((l) => l.value === last) ? last : usual,
    since,
    until,
  }
}

const timeOf = (text: string | null): string => (text && !Number.isNaN(Date.parse(text)) ? text : '')

/** What changes of the address when a filter changes. */
export function toQuery(change: Partial<Filter>): Record<string, string | undefined> {
  const out: Record<string, string | undefined> = {}
  if (change.kinds) out.kind = change.kinds.length ? change.kinds.join(',') : undefined
  for (const k of ['camera', 'rule', 'relay', 'plate', 'since', 'until'] as const) if (change[k] !== undefined) out[k] = change[k] || undefined
  if (change.last !== undefined) {
    out.last = change.last === usual ? undefined : change.last
    out.since = undefined
    out.until = undefined
  } else if (change.since !== undefined || change.until !== undefined) out.last = undefined
  return out
}

/** The question for entries, newest first; without the time when it reaches to now, so that new ones belong to it. */
export function entriesPath(f: Filter, more: Record<string, string | number | undefined> = {}): string {
  return `journal${query({ ...params(f), since: f.since, until: f.until, order: 'newest', ...more })}`
}

/** The table with everything that is asked for. */
export const tablePath = (f: Filter, range: { since: string; until?: string }): string => `journal.csv${query({ ...params(f), ...range })}`

const params = (f: Filter): Record<string, string | undefined> => ({
  kind: f.kinds.join(','),
  camera: f.camera,
  rule: f.rule,
  relay: f.relay,
  plate: f.plate,
})

/** How many things it asks for, besides the time. */
export const narrowed = (f: Filter): number => (f.kinds.length ? 1 : 0) + [f.camera, f.rule, f.relay, f.plate].filter(Boolean).length

/** A plate without what never counts in it. */
const plain = (plate: string): string => plate.toUpperCase().replace(/[\s.\-·‐‑–]/g, '')

/** Whether an entry that just came is asked for. */
export function fits(e: Entry, f: Filter): boolean {
  return (
    f.until === '' &&
    (f.kinds.length === 0 || f.kinds.includes(isEnd(e) ? 'end' : e.kind)) &&
    (!f.camera || e.camera === f.camera) &&
    (!f.rule || e.rule === f.rule) &&
    (!f.relay || e.relay === f.relay) &&
    (!f.plate || (e.plate !== undefined && plain(e.plate) === plain(f.plate))) &&
    (!f.since || Date.parse(e.at) >= Date.parse(f.since))
  )
}
