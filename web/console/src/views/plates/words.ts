import type { PlateEntry, PlateRead } from '../../api'
import { momentOf, wallText } from '../../ui/timeline/zone'

/** What came of a read, in words. */
export function verdict(r: PlateRead): { text: string; tone: 'live' | 'wait' | 'off' } {
  const undone = r.undone?.[0]
  if (undone) {
    const rest = r.fired.filter((f) => !r.undone?.some((u) => u.rule === f))
    return { text: `${undone.rule} refused: ${undone.reason}${rest.length > 0 ? `; ${rest.join(', ')} fired` : ''}`, tone: 'wait' }
  }
  if (r.fired.length > 0) return { text: `${r.fired.join(', ')} fired`, tone: 'live' }
  if (r.shadow && r.shadow.length > 0) return { text: `${r.shadow.join(', ')} fired in shadow: nothing moved`, tone: 'off' }
  const held = r.held[0]
  if (held) return { text: `${held.rule} held back: ${held.reason}${r.held.length > 1 ? ` (and ${r.held.length - 1} more)` : ''}`, tone: 'wait' }
  return { text: r.lists.length > 0 ? 'nothing fired' : 'on no list, nothing fired', tone: 'off' }
}

/** The lists that a plate is on, with its owner there. */
export const onLists = (r: PlateRead): string => r.lists.map((l) => (l.owner ? `${l.name} (${l.owner})` : l.name)).join(', ')

/** The car in words: grey Tesla, saloon car. */
export function vehicleText(v: PlateRead['vehicle']): string {
  if (!v) return ''
  const name = [v.color, v.brand, v.model].filter(Boolean).join(' ')
  return [name, v.type].filter(Boolean).join(', ')
}

/** Reads of one plate at one camera, close to each other: one arrival. The newest first, as they came. */
export interface Arrival {
  /** The read that had the most to say: one that acted, else one that fired, else the newest. */
  read: PlateRead
  reads: PlateRead[]
}

/** How long after a read the same plate there is the same arrival, in milliseconds. */
const together = 30_000

/** How much a read has to say. */
function weight(r: PlateRead): number {
  if (r.fired.length > 0) return r.undone?.length ? 3 : 4
  return r.shadow?.length ? 2 : r.held.length > 0 ? 1 : 0
}

/** Reads put together to arrivals; the newest first. */
export function arrivals(reads: readonly PlateRead[]): Arrival[] {
  const out: Arrival[] = []
  for (const r of reads) {
    const same = out.find((a) => {
      const last = a.reads.at(-1)
      return last && last.number === r.number && last.camera === r.camera && Math.abs(Date.parse(last.at) - Date.parse(r.at)) <= together
    })
    if (!same) {
      out.push({ read: r, reads: [r] })
      continue
    }
    same.reads.push(r)
    if (weight(r) > weight(same.read)) same.read = r
  }
  return out
}

/** The crop of the plate, or the picture that there is. */
export const cropOf = (r: PlateRead): string | undefined => (r.images.includes('target') ? 'target' : r.images[0])

/** When an entry counts, in words. */
export function validity(e: PlateEntry): string {
  const parts: string[] = []
  if (e.from && e.until) parts.push(`${e.from} to ${e.until}`)
  else if (e.from) parts.push(`from ${e.from}`)
  else if (e.until) parts.push(`until ${e.until}`)
  if (e.schedule) parts.push(e.schedule)
  return parts.join(', ') || 'always'
}

export interface Preset {
  id: string
  label: string
  /** The end, as a list writes it. */
  until: string
}

/** Ends that guests usually have, on the site's clock. */
export function presets(now: number, offset: (at: number) => number): Preset[] {
  const wall = now + offset(now)
  const midnight = Math.floor(wall / 86_400_000) * 86_400_000
  const text = (w: number): string => wallText(momentOf(w, offset), offset)
  const hour = 3_600_000
  const day = 24 * hour
  return [
    { id: '2h', label: 'for 2 hours', until: wallText(now + 2 * hour, offset) },
    { id: 'tonight', label: 'until midnight', until: text(midnight + day) },
    { id: 'tomorrow', label: 'until tomorrow evening', until: text(midnight + day + 20 * hour) },
    { id: 'week', label: 'for a week', until: wallText(now + 7 * day, offset) },
  ]
}
