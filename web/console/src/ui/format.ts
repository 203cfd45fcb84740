// Times, durations and sizes as the console writes them. Times are the site's.
import { timezone } from '../state'

const formats = new Map<string, Intl.DateTimeFormat>()

function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const zone = timezone.value
  const id = `${key} ${zone ?? ''}`
  let f = formats.get(id)
  if (!f) {
    const all: Intl.DateTimeFormatOptions = { hourCycle: 'h23', ...options }
    if (zone) all.timeZone = zone
    try {
      f = new Intl.DateTimeFormat('en-GB', all)
    } catch {
      delete all.timeZone // a zone that the browser does not know
      f = new Intl.DateTimeFormat('en-GB', all)
    }
    formats.set(id, f)
  }
  return f
}

type When = string | number | Date
const ms = (t: When): number => (typeof t === 'string' ? Date.parse(t) : Number(t))

/** 18:42:10 */
export const clock = (t: When): string => format('s', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms(t))
/** 18:42:10.250 */
export const clockMillis = (t: When): string =>
  format('ms', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 }).format(ms(t))
/** 18:42 */
export const hourMinute = (t: When): string => format('m', { hour: '2-digit', minute: '2-digit' }).format(ms(t))
/** 24 Nov 2026 */
export const day = (t: When): string => format('d', { day: 'numeric', month: 'short', year: 'numeric' }).format(ms(t))
/** Tue 24 Nov */
export const weekday = (t: When): string => format('w', { weekday: 'short', day: 'numeric', month: 'short' }).format(ms(t)).replace(',', '')

/** 18:42:10 on the day of `at`, with the date before it on another. */
export function clockOrDate(t: When, at: When): string {
  return day(t) === day(at) ? clock(t) : `${weekday(t)} ${clock(t)}`
}

/** 3 min ago, in 20 s, now */
export function ago(t: When, at: When): string {
  const s = (ms(at) - ms(t)) / 1000
  if (!Number.isFinite(s)) return ''
  if (Math.abs(s) < 1.5) return 'now'
  const text = span(Math.abs(s))
  return s > 0 ? `${text} ago` : `in ${text}`
}

/** The largest whole unit: 20 s, 3 min, 5 h, 12 days */
function span(s: number): string {
  if (s < 59.5) return `${Math.round(s)} s`
  if (s < 59.5 * 60) return `${Math.round(s / 60)} min`
  if (s < 36 * 3600) return `${Math.round(s / 3600)} h`
  return `${Math.round(s / 86400)} days`
}

/** A duration given in seconds: 0.8 s, 12 s, 12 min, 1 h 30 min, 3 days */
export function duration(seconds: number): string {
  const s = Math.abs(seconds)
  const sign = seconds < 0 ? '−' : ''
  if (s < 9.95) return `${sign}${s.toFixed(1)} s`
  if (s < 119.5) return `${sign}${Math.round(s)} s`
  if (s < 5970) {
    const m = Math.floor(s / 60)
    const rest = Math.round(s - 60 * m)
    return s < 600 && rest > 0 && rest < 60 ? `${sign}${m} min ${rest} s` : `${sign}${Math.round(s / 60)} min`
  }
  if (s < 36 * 3600) {
    const minutes = Math.round(s / 60)
    const m = minutes % 60
    return `${sign}${Math.floor(minutes / 60)} h${m ? ` ${m} min` : ''}`
  }
  return `${sign}${Math.round(s / 86400)} days`
}

/** 0:07, 12:40: what is left of something that runs down. */
export function countdown(seconds: number): string {
  const s = Math.max(0, Math.ceil(seconds))
  const two = (n: number): string => String(n).padStart(2, '0')
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
}

/** 340 B, 1.2 MB */
export function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let i = 0
  let v = n
  for (; v >= 1000 && i < units.length - 1; i++) v /= 1000
  return `${i === 0 || v >= 100 ? Math.round(v) : v.toFixed(1)} ${units[i] ?? ''}`
}

/** 12 345 with thin spaces */
export const number = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, '\u202f')

/** 1 camera, 3 cameras */
export const count = (n: number, one: string, many = one + 's'): string => `${number(n)} ${n === 1 ? one : many}`

/** Whom a rule is about, as the journal says it: target 7 at porch, visit 3 at gate. A plate stays as it is. */
export function keyWords(key: string): string {
  const cut = key.indexOf('/')
  if (cut < 1) return key
  const place = key.slice(0, cut)
  const id = key.slice(cut + 1)
  if (/^#[0-9]+$/.test(id)) return `visit ${id.slice(1)} at ${place}`
  if (/^[0-9]+$/.test(id)) return `target ${id} at ${place}`
  return `${id.replaceAll('/', ' ')} at ${place}`
}
