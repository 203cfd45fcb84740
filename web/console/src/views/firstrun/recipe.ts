// Fits a shipped rule file to a site: its names become the site's, and its rules
// only say what they would do. What comes out is checked by the server before it is saved.

/** What each name of a recipe becomes. A name that is not there stays as it is. */
export interface Mapping {
  cameras: Record<string, string>
  zones: Record<string, string>
  lines: Record<string, string>
  relays: Record<string, string>
  contacts: Record<string, string>
  lists: Record<string, string>
}

/** The names that the site's rule files have already. */
export interface Taken {
  zones: readonly string[]
  lines: readonly string[]
  lists: readonly string[]
  schedules: readonly string[]
  flags: readonly string[]
  rules: readonly string[]
}

type Renames = Record<string, string>

const zoneWords = 'inside|entered|left|dwell|dwell_total|overlap|toward|came_from|occupancy|seen'
const lineWords = 'crossed|crossings|balance'
const name = '([a-z][a-z0-9-]*)'

/** A name that is not taken: itself, or with a number. */
export function free(wanted: string, taken: readonly string[], dash = '-'): string {
  let it = wanted
  for (let n = 2; taken.includes(it); n++) it = `${wanted}${dash}${n}`
  return it
}

/** The top-level sections of a file: key and lines, with the comments before the key. */
function sections(text: string): { key: string; lines: string[] }[] {
  const out: { key: string; lines: string[] }[] = []
  let waiting: string[] = []
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    const key = /^([a-z_]+):/.exec(line)?.[1]
    if (key !== undefined) {
      out.push({ key, lines: [...waiting, line] })
      waiting = []
    } else if (/^(#|\s*$)/.test(line)) waiting.push(line)
    else {
      const last = out[out.length - 1]
      if (last) last.lines.push(...waiting, line)
      waiting = []
    }
  }
  const last = out[out.length - 1]
  if (last) last.lines.push(...waiting)
  return out
}

/** The names that a section defines. */
export function defined(text: string, key: string): string[] {
  const found: string[] = []
  for (const s of sections(text)) {
    if (s.key !== key) continue
    for (const line of s.lines) {
      const n = key === 'rules' ? /^ {2}- name: (.+?)\s*$/.exec(line)?.[1] : new RegExp(`^ {2}${name}:`).exec(line)?.[1]
      if (n !== undefined) found.push(n)
    }
  }
  return found
}

/** A zone or line as a recipe has it. */
export interface Place {
  camera?: string
  /** Corners of a zone, ends of a line. */
  points?: [number, number][]
  /** Who counts; absent is everything. */
  classes?: string[]
}

/** What a recipe says of a zone or line of its own. */
export function placeOf(text: string, key: 'zones' | 'lines', wanted: string): Place | undefined {
  const lines = sections(text).find((s) => s.key === key)?.lines ?? []
  const at = lines.findIndex((l) => l.startsWith(`  ${wanted}:`))
  if (at < 0) return undefined
  const own: Record<string, string> = {}
  for (const line of lines.slice(at + 1)) {
    if (/^ {0,2}[^ #]/.test(line)) break
    const m = /^ {4}([a-z]+): (.*?)\s*$/.exec(line)
    if (m?.[1] !== undefined && m[2] !== undefined) own[m[1]] = m[2].replace(/\s+#.*$/, '')
  }
  const numbers = [...`${own.polygon ?? ''}${own.from ?? ''}${own.to ?? ''}`.matchAll(/\[(\d+), *(\d+)\]/g)].map((m): [number, number] => [Number(m[1]), Number(m[2])])
  const classes = /^\[(.*)\]$/.exec(own.classes ?? '')?.[1]
  return {
    ...(own.camera !== undefined && { camera: own.camera }),
    ...(numbers.length > 0 && { points: numbers }),
    ...(classes !== undefined && { classes: classes.split(',').map((c) => c.trim()) }),
  }
}

/** Classes that count in a zone of the site and not in the recipe's; empty when it fits. Absent or empty is everything. */
export function tooMany(recipe: readonly string[] | undefined, site: readonly string[] | undefined): string[] {
  if (!recipe || recipe.length === 0) return []
  const here = site && site.length > 0 ? site : ['person', 'car', 'motor']
  return here.filter((c) => !recipe.includes(c))
}

/** Takes entries out of a section, and the section when none is left; renames the others. */
function entries(lines: string[], gone: (n: string) => boolean, to: (n: string) => string): string[] {
  const head = lines.findIndex((l) => /^[a-z_]+:/.test(l))
  const out = lines.slice(0, head + 1)
  let left = 0
  let dropping = false
  let remarks: string[] = []
  for (const line of lines.slice(head + 1)) {
    if (/^ {0,2}#|^\s*$/.test(line)) {
      // A remark belongs to what follows it.
      remarks.push(line)
      continue
    }
    const n = new RegExp(`^ {2}${name}:`).exec(line)?.[1]
    if (n !== undefined) dropping = gone(n)
    if (!dropping) {
      if (n !== undefined) left++
      out.push(...remarks, n === undefined ? line : line.replace(`  ${n}:`, `  ${to(n)}:`))
    }
    remarks = []
  }
  return left > 0 ? [...out, ...remarks] : []
}

const swap = (text: string, pattern: RegExp, to: Renames): string =>
  text.replace(pattern, (whole: string, before: string, n: string, after: string) => (Object.hasOwn(to, n) ? before + (to[n] ?? n) + after : whole))

/** The file for this site. With shadow its rules only say what they would do. */
export function fit(text: string, map: Mapping, taken: Taken, shadow = true): string {
  const all: Renames[] = []
  const plan = (key: string, chosen: Renames, theirs: readonly string[]): { gone: (n: string) => boolean; to: Renames } => {
    const to: Renames = { ...chosen }
    const drop = new Set<string>()
    for (const n of defined(text, key)) {
      const wish = to[n]
      if (wish !== undefined && theirs.includes(wish)) drop.add(n)
      else to[n] = free(wish ?? n, theirs)
    }
    all.push(to)
    return { gone: (n) => drop.has(n), to }
  }
  const zones = plan('zones', map.zones, taken.zones)
  const lines = plan('lines', map.lines, taken.lines)
  const lists = plan('lists', map.lists, taken.lists)
  const schedules = plan('schedules', {}, taken.schedules)
  const flags = plan('flags', {}, taken.flags)
  const rules: Renames = {}
  for (const n of defined(text, 'rules')) rules[n] = free(n, taken.rules, ' ')

  const parts: Record<string, { gone: (n: string) => boolean; to: Renames }> = { zones, lines, lists, schedules, flags }
  const out: string[] = []
  for (const s of sections(text)) {
    const p = parts[s.key]
    let body = p ? entries(s.lines, p.gone, (n) => p.to[n] ?? n).join('\n') : s.lines.join('\n')
    if (body === '') continue
    body = swap(body, new RegExp(`(\\bcamera: )${name}()`, 'g'), map.cameras)
    if (s.key === 'rules') {
      const quoted = `(\\\\?")${name}(\\\\?")`
      const call = (words: string): RegExp => new RegExp(`(\\b(?:${words})\\(\\\\?")${name}(\\\\?")`, 'g')
      body = swap(body, call(zoneWords), zones.to)
      body = swap(body, call(lineWords), lines.to)
      body = swap(body, call('plate\\.on'), lists.to)
      body = swap(body, call('during'), schedules.to)
      body = swap(body, call('flag'), flags.to)
      body = swap(body, call('relay'), map.relays)
      body = swap(body, call('contact'), map.contacts)
      body = swap(body, new RegExp(`(\\brelay: )${name}()`, 'g'), map.relays)
      body = swap(body, new RegExp(`(\\bflag: )${name}()`, 'g'), flags.to)
      body = swap(body, new RegExp(`(camera\\.name == ")${name}(")`, 'g'), map.cameras)
      body = body.replace(/camera\.name in \[[^\]]*\]/g, (list) => unique(swap(list, new RegExp(quoted, 'g'), map.cameras)))
      body = body.replace(/(\bsince\(\\?")([^"\\]+)(\\?")/g, (whole, before: string, n: string, after: string) => (rules[n] === undefined ? whole : before + rules[n] + after))
      body = body.replace(/^( {2}- name: )(.+?)\s*$/gm, (_, before: string, n: string) => before + (rules[n] ?? n) + (shadow ? '\n    mode: shadow' : ''))
    }
    out.push(body)
  }
  return out.join('\n').replace(/^\n+/, '') + '\n'
}

/** A list of names in quotes, each once. */
function unique(list: string): string {
  const names = [...new Set(list.match(/"[^"]*"/g) ?? [])]
  return `camera.name in [${names.join(', ')}]`
}

/** A rule file in which that rule acts: its `mode: shadow` is taken out. Undefined when it has none. */
export function live(text: string, rule: string): string | undefined {
  const lines = text.split('\n')
  const at = lines.findIndex((l) => new RegExp(`^\\s*- name: ["']?`).test(l) && l.replace(/^\s*- name:\s*/, '').replace(/\s+#.*$/, '').replace(/^(["'])(.*)\1\s*$/, '$2').trim() === rule)
  if (at < 0) return undefined
  const indent = /^\s*/.exec(lines[at] ?? '')?.[0].length ?? 0
  for (let i = at + 1; i < lines.length; i++) {
    const line = lines[i] ?? ''
    if (/^\s*(#.*)?$/.test(line)) continue
    if ((/^\s*/.exec(line)?.[0].length ?? 0) <= indent) return undefined
    if (/^\s*mode:\s*shadow\s*(#.*)?$/.test(line)) {
      lines.splice(i, 1)
      return lines.join('\n')
    }
  }
  return undefined
}
