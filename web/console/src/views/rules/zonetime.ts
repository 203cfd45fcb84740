// A time of day in the site's zone, as a moment.

export interface TimeOfDay {
  /** Days after the one that it is now. */
  days: number
  hour: number
  minute: number
}

/** How far the zone's clock is from UTC at a moment, in milliseconds. */
function offset(at: number, zone: string | undefined): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...(zone ? { timeZone: zone } : {}),
    hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(at)
  const n = (type: string): number => Number(parts.find((p) => p.type === type)?.value ?? 0)
  return Date.UTC(n('year'), n('month') - 1, n('day'), n('hour'), n('minute'), n('second')) - Math.floor(at / 1000) * 1000
}

/** The moment at which a zone's clock shows a time of day, counted from the day that `from` is on there. */
export function inZone(from: number, zone: string | undefined, t: TimeOfDay): Date {
  const there = new Date(from + offset(from, zone))
  const wall = Date.UTC(there.getUTCFullYear(), there.getUTCMonth(), there.getUTCDate() + t.days, t.hour, t.minute)
  // The offset is that of the moment itself: a change of the clock may lie between.
  const guess = wall - offset(wall, zone)
  return new Date(wall - offset(guess, zone))
}
