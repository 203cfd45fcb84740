// Two lists of firings as rows that lie side by side.
import type { ReplayFiring, ReplayResult } from '../../api'

/** moved: both have it, at another time. */
export type Side = 'both' | 'moved' | 'old' | 'new'

export interface CompareRow {
  id: string
  side: Side
  firing: ReplayFiring
  /** Of one that moved: how much later it would have been, in seconds; earlier is below none. */
  later?: number
}

/** What is so far apart, in milliseconds, are two firings and not one that moved. */
const near = 60_000

const idOf = (f: ReplayFiring): string => `${f.at} ${f.type} ${f.rule} ${f.key ?? ''}`
const what = (f: ReplayFiring): string => `${f.type}\n${f.rule}\n${f.key ?? ''}`

/** Every firing once, newest first, with the side it is on. */
export function compare(r: Pick<ReplayResult, 'old' | 'new'>): CompareRow[] {
  const seen = new Map<string, number>()
  const rows: CompareRow[] = []
  const put = (side: Side, f: ReplayFiring, later?: number): void => {
    const id = `${side} ${idOf(f)}`
    const n = seen.get(id) ?? 0
    seen.set(id, n + 1)
    rows.push({ id: n ? `${id} ${n}` : id, side, firing: f, ...(later === undefined ? {} : { later }) })
  }
  // Both lists are in the order of time, and so is what waits for its counterpart.
  const waiting = new Map<string, ReplayFiring[]>()
  for (const f of r.new) {
    if (f.same) continue // it is in the old list, too
    const all = waiting.get(what(f))
    if (all) all.push(f)
    else waiting.set(what(f), [f])
  }
  for (const f of r.old) {
    if (f.same) {
      put('both', f)
      continue
    }
    const at = Date.parse(f.at)
    const all = waiting.get(what(f))
    const i = all?.findIndex((n) => Math.abs(Date.parse(n.at) - at) < near) ?? -1
    const moved = i >= 0 ? all?.splice(i, 1)[0] : undefined
    if (moved) put('moved', f, (Date.parse(moved.at) - at) / 1000)
    else put('old', f)
  }
  for (const all of waiting.values()) for (const f of all) put('new', f)
  return rows.sort((a, b) => (a.firing.at < b.firing.at ? 1 : a.firing.at > b.firing.at ? -1 : a.id < b.id ? -1 : 1))
}

export type Sums = Record<Side, number>

/** How many firings are on which side. */
export function sums(rows: CompareRow[]): Sums {
  const s: Sums = { both: 0, moved: 0, old: 0, new: 0 }
  for (const r of rows) if (r.firing.type === 'firing') s[r.side]++
  return s
}
