import type { Answer, Look, Part, Reading, Seconds } from '../../api'
import { duration, keyWords } from '../format'
import type { Tone } from '../mark'

const plain = /^-?(?:\d+(?:\.\d+)?(?:h|ms|m|s|d))+$/
const units: Record<string, string> = { d: 'd', h: 'h', m: 'min', s: 's', ms: 'ms' }

/**
 * A value as the engine writes it, with a blank before its unit: 1.7s becomes 1.7 s,
 * 1m30s becomes 1 min 30 s. Seconds are cut to `digits` decimals, never rounded up.
 */
export function spaced(value: string, digits = 2): string {
  if (!plain.test(value)) return value
  const out: string[] = []
  const decimals = new RegExp(`(\\.\\d{${digits}})\\d+`)
  for (const m of value.matchAll(/(-?\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    // 1h0m0s is an hour.
    if (Number(m[1]) !== 0 || value.length < 4) out.push(`${(m[1] ?? '').replace(decimals, '$1')} ${units[m[2] ?? ''] ?? ''}`)
  }
  return out.join(' ') || value
}

/** What stands between a reading and its bound in the part's source: > in dwell("porch") > "2s". */
function operator(text: string, name: string): string {
  const rest = text.startsWith(name) ? text.slice(name.length).trim() : ''
  return /^(<=|>=|==|!=|<|>)/.exec(rest)?.[0] ?? ''
}

/** A reading for the right side of a part's line. */
export function valueOf(part: Part, r: Reading): string {
  // A value that counts up need not flicker in its hundredths, unless its bound has them.
  const value = spaced(r.value, /\.\d\d/.test(r.bound?.value ?? '') ? 2 : 1)
  if (r.bound) {
    const bound = spaced(r.bound.value)
    const op = operator(part.text, r.name)
    if (op) return `${value} ${op} ${bound}`
    return `${r.name} ${value} of ${bound}`
  }
  return part.text.startsWith(r.name) ? value : `${r.name} = ${value}`
}

/** Every value of a part, in words. */
export function valuesOf(part: Part): string {
  return (part.values ?? []).map((r) => valueOf(part, r)).join(', ')
}

/** How much of a constant that was not reached is there, 0..1; undefined when there is nothing to measure. */
export function share(part: Part): number | undefined {
  if (part.answer !== 'false' || !part.missing) return undefined
  for (const r of part.values ?? []) {
    if (!r.bound || r.bound.off >= 1000 || !/^>/.test(operator(part.text, r.name))) continue
    return Math.max(0, 1 - r.bound.off / 1000)
  }
  return undefined
}

/** Whether a part is among those that give the whole its answer. */
export function decides(whole: Part, part: Part): boolean {
  if (whole.op === 'not' || !whole.op) return true
  const all = whole.op === 'and' ? 'true' : 'false'
  return whole.answer === all || part.answer === whole.answer
}

/** The parts that would have to be otherwise, in order. */
export function missing(part: Part | undefined): Part[] {
  if (!part) return []
  const found = part.missing ? [part] : []
  for (const p of part.parts ?? []) found.push(...missing(p))
  return found
}

/** Whether a part, or one below it, would have to be otherwise. */
export const lacks = (part: Part): boolean => part.missing === true || (part.parts ?? []).some(lacks)

export const marks: Record<Answer, { sign: string; word: string }> = {
  true: { sign: '✓', word: 'true' },
  false: { sign: '✕', word: 'false' },
  unknown: { sign: '?', word: 'unknown' },
}

/** A line for an operator, as a rule writes it and as people read it. */
export const operators: Record<'and' | 'or' | 'not', { sign: string; word: string }> = {
  and: { sign: '&&', word: 'all of these' },
  or: { sign: '||', word: 'one of these' },
  not: { sign: '!', word: 'not this' },
}

/** What a look was about: its key, and the target and the plate when the key does not name them. */
export function about(look: Look): string {
  const parts: string[] = []
  if (look.key) parts.push(keyWords(look.key))
  if (look.target !== undefined && look.camera) {
    const t = `${look.camera}/${look.target}`
    if (t !== look.key) parts.push(keyWords(t))
  }
  if (look.plate && look.plate !== look.key) parts.push(`plate ${look.plate}`)
  return parts.join(', ') || 'the rule as a whole'
}

/** What holds a look back, or what came of it. `left` counts down when it is there. */
export interface Verdict {
  tone: Tone
  /** The word of the rule language, when there is one. */
  word: string
  text: string
  left?: Seconds
  /** All of what `left` is the rest of, when that is known. */
  whole?: Seconds
  /** The end is a moment to be said by the clock: a cooldown, a limit. */
  clock?: boolean
}

/** Says of a look what holds it back, in the words of docs/rules.md, Why. */
export function verdict(look: Look): Verdict {
  const left = look.left && look.left > 0 ? { left: look.left } : {}
  const fired = look.did.some((h) => h.type === 'firing')
  switch (look.held) {
    case 'mode':
      return { tone: 'off', word: 'off', text: 'The rule is off: nothing is decided.' }
    case 'while':
      return { tone: look.while?.answer === 'unknown' ? 'wait' : 'off', word: 'while', text: `while is ${look.while?.answer ?? 'not true'}.` }
    case 'unknown':
      return { tone: 'wait', word: 'unknown', text: 'The condition is unknown, and unknown is not true.' }
    case 'for':
      return { tone: 'wait', word: 'for', text: 'True, but not yet long enough', ...left, ...(look.left ? { whole: look.left + (look.for ?? 0) } : {}) }
    case 'cooldown':
      return { tone: 'wait', word: 'cooldown', text: 'It fired a short time ago', ...left, clock: true }
    case 'limit':
      return { tone: 'wait', word: 'limit', text: 'It fired as often as it may', ...left, clock: true }
    case 'shadow':
      return { tone: 'wait', word: 'shadow', text: 'It fires in the shadow: nothing is done.' }
    case 'late':
      return { tone: 'bad', word: 'late', text: 'The post came too late to act on.' }
    case 'loop':
      return { tone: 'bad', word: 'loop', text: 'A chain of rules that set one another off was cut.' }
    case 'visit':
      return { tone: 'wait', word: 'visit', text: 'It fired in this visit already.' }
    case 'first look':
      return { tone: 'wait', word: 'first look', text: 'It was true already when the program first looked: only what follows was done.' }
    case 'active':
      return { tone: 'live', word: 'active', text: 'It is active already: a match makes that longer and does nothing again.', ...left }
    case undefined:
    case '':
      break
    default:
      return { tone: 'wait', word: look.held, text: `Held back: ${look.held}.` }
  }
  if (fired) return { tone: 'live', word: 'fired', text: 'It fired.' }
  if (look.state === 'holding') return { tone: 'wait', word: 'hold', text: 'Not true any more; the rule stays active', ...left }
  if (look.answer !== 'true') {
    const n = missing(look.when).length
    const text = n > 1 ? `${n} parts are missing.` : 'One part is missing.'
    return look.answer === 'unknown'
      ? { tone: 'wait', word: 'unknown', text: 'The condition is unknown, and unknown is not true.' }
      : { tone: 'off', word: 'false', text: n ? text : 'The condition is false.' }
  }
  if (look.state === 'active') return { tone: 'live', word: 'active', text: look.for ? `Active for ${duration(look.for)}.` : 'Active.', ...left }
  if (look.kind === 'target' && look.state === 'idle') return { tone: 'wait', word: 'next', text: "It came true since the target's last update; the next one decides." }
  return { tone: 'live', word: 'true', text: 'Nothing holds it back.' }
}
