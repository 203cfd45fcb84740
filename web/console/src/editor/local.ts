// Names that a text itself gives, which the server does not know before it is saved.
import type { Names } from '../api'

/** The names of the site and those that stand in the text under zones, lines, schedules, lists and flags. */
export function withLocal(names: Names | undefined, text: string): Names | undefined {
  if (!names) return undefined
  const own: Record<string, { name: string; camera: string }[]> = {}
  let section = ''
  let indent = 0 // of the section's entries; what stands deeper is theirs
  for (const line of text.split('\n')) {
    const top = /^([a-z]+):\s*(?:#.*)?$/.exec(line)
    if (/^\S/.test(line) && !line.startsWith('#')) {
      section = top?.[1] ?? ''
      indent = 0
    }
    const entry = /^( +)([a-z][a-z0-9-]*):(.*)$/.exec(line)
    if (!section || !entry) continue
    indent ||= entry[1]?.length ?? 0
    if (entry[1]?.length === indent) (own[section] ??= []).push({ name: entry[2] ?? '', camera: /camera:\s*([\w-]+)/.exec(entry[3] ?? '')?.[1] ?? 'this file' })
  }
  const fresh = (section: string, have: (n: string) => boolean) => (own[section] ?? []).filter((e) => !have(e.name))
  const plain = (section: string, all: string[]): string[] => [...all, ...fresh(section, (n) => all.includes(n)).map((e) => e.name)]
  const placed = (section: string, all: Names['zones']): Names['zones'] => [...all, ...fresh(section, (n) => all.some((z) => z.name === n))]
  return {
    ...names,
    zones: placed('zones', names.zones),
    lines: placed('lines', names.lines),
    schedules: plain('schedules', names.schedules),
    lists: plain('lists', names.lists),
    flags: plain('flags', names.flags),
  }
}
