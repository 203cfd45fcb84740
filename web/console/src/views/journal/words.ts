import type { Entry, EntryKind } from '../../api'
import type { IconName } from '../../ui/icon'
import { isEnd, isShadow } from '../../ui/entry'
import type { Tone } from '../../ui/mark'

/** What a kind is called, of one entry. */
export const kindWord: Record<EntryKind, string> = {
  event: 'event',
  firing: 'fired',
  suppressed: 'held back',
  action: 'step',
  relay: 'relay',
  reload: 'rule files',
  login: 'sign-in',
  error: 'error',
}

export const kindIcon: Record<EntryKind, IconName> = {
  event: 'live',
  firing: 'rules',
  suppressed: 'rules',
  action: 'play',
  relay: 'relays',
  reload: 'edit',
  login: 'user',
  error: 'close',
}

/** A field of an entry that not every kind has. */
export function field(e: Entry, name: string): string | undefined {
  const v = e[name]
  return typeof v === 'string' && v !== '' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : undefined
}

/** What an entry is, more exactly than its kind. */
export function wordOf(e: Entry): string {
  if (isEnd(e)) return 'ended'
  if (isShadow(e)) return 'shadow'
  if (e.kind === 'action' && field(e, 'type') === 'command') return 'by hand'
  return kindWord[e.kind]
}

/** How well it is. */
export function toneOf(e: Entry): Tone {
  switch (e.kind) {
    case 'firing':
      return isEnd(e) ? 'off' : isShadow(e) ? 'wait' : 'live'
    case 'suppressed':
      return 'wait'
    case 'action':
      return field(e, 'outcome') === 'done' ? 'off' : 'bad'
    case 'relay':
      return field(e, 'fault') ? 'bad' : e.on === true ? 'ok' : 'off'
    case 'reload':
      return e.loaded === false ? 'bad' : 'off'
    case 'login':
      return e.ok === false ? 'bad' : 'off'
    case 'error':
      return 'bad'
    default:
      return 'off'
  }
}

export interface Shown {
  entry: Entry
  /** Its step or relay stands under its firing. */
  under: boolean
}

/**
 * Entries newest first, as they are listed: what a firing led to stands indented right under it, oldest first, when the
 * firing is listed too and they follow each other closely.
 */
export function arranged(entries: readonly Entry[]): Shown[] {
  const firings = new Map(entries.filter((e) => e.kind === 'firing' && e.firing === undefined).map((e) => [e.id, e]))
  const led = new Map<number, Entry[]>()
  for (const e of entries) {
    const f = e.firing === undefined ? undefined : firings.get(e.firing)
    if (f && (e.kind === 'action' || e.kind === 'relay') && Date.parse(e.at) - Date.parse(f.at) < 60_000) led.set(f.id, [e, ...(led.get(f.id) ?? [])])
  }
  const out: Shown[] = []
  for (const e of entries) {
    if (e.firing !== undefined && led.get(e.firing)?.includes(e)) continue
    out.push({ entry: e, under: false })
    for (const l of led.get(e.id) ?? []) out.push({ entry: l, under: true })
  }
  return out
}
