// Two lists of firings as rows that lie side by side.
import type { ReplayFiring, ReplayResult } from '../../api'

export type Side = 'both' | 'old' | 'new'

export interface CompareRow {
  id: string
  side: Side
  firing: ReplayFiring
}

const idOf = (f: ReplayFiring): string => `${f.at} ${f.type} ${f.rule} ${f.key ?? ''}`

/** Every firing once, newest first, with the side it is on. */
export function compare(r: Pick<ReplayResult, 'old' | 'new'>): CompareRow[] {
  const seen = new Map<string, number>()
  const rows: CompareRow[] = []
  const put = (side: Side, f: ReplayFiring): void => {
    const id = `${side} ${idOf(f)}`
    const n = seen.get(id) ?? 0
    seen.set(id, n + 1)
    rows.push({ id: n ? `${id} ${n}` : id, side, firing: f })
  }
  for (const f of r.old) put(f.same ? 'both' : 'old', f)
  // What is in both is in both lists: once is enough.
  for (const f of r.new) if (!f.same) put('new', f)
  return rows.sort((a, b) => (a.firing.at < b.firing.at ? 1 : a.firing.at > b.firing.at ? -1 : a.id < b.id ? -1 : 1))
}

export interface Sums {
  both: number
  old: number
  new: number
}

/** How many firings are on which side. */
export function sums(rows: CompareRow[]): Sums {
  const s: Sums = { both: 0, old: 0, new: 0 }
  for (const r of rows) if (r.firing.type === 'firing') s[r.side]++
  return s
}
