// The clock of a time zone.

/** How far the zone's clock is from UTC at a moment, in milliseconds. Answers are kept: a timeline asks for the same hours again and again. */
export function offsetOf(zone: string | undefined): (at: number) => number {
  const known = new Map<number, number>()
  let format: Intl.DateTimeFormat
  const options: Intl.DateTimeFormatOptions = { hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }
  try {
    format = new Intl.DateTimeFormat('en-GB', zone ? { ...options, timeZone: zone } : options)
  } catch {
    format = new Intl.DateTimeFormat('en-GB', options) // a zone that the browser does not know
  }
  return (at) => {
    const quarter = Math.floor(at / 900_000) * 900_000
    const was = known.get(quarter)
    if (was !== undefined) return was
    const parts = format.formatToParts(quarter)
    const n = (type: string): number => Number(parts.find((p) => p.type === type)?.value ?? 0)
    const off = Date.UTC(n('year'), n('month') - 1, n('day'), n('hour'), n('minute'), n('second')) - quarter
    if (known.size > 2000) known.clear()
    known.set(quarter, off)
    return off
  }
}

/** The moment at which a zone's clock shows a wall time, given as if it were UTC. */
export function momentOf(wall: number, offset: (at: number) => number): number {
  // The offset is that of the moment itself: a change of the clock may lie between.
  const guess = wall - offset(wall)
  return wall - offset(guess)
}

const two = (n: number): string => String(n).padStart(2, '0')

/** A moment as lists of plates write it: 2027-01-31 18:00. */
export function wallText(at: number, offset: (at: number) => number): string {
  const d = new Date(at + offset(at))
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`
}
