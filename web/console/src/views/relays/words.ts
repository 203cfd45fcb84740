// What a relay's state and its refusals are called.

import type { Relay } from '../../api'
import { keyWords } from '../../ui/format'
import type { Tone } from '../../ui/mark'

/** A relay's state as a word, and the colour that goes with it. */
export function stateOf(r: Relay): { word: string; tone: Tone } {
  if (r.fault) return { word: r.on ? 'fault, on' : 'fault', tone: 'bad' }
  if (r.on) return { word: 'on', tone: 'ok' }
  if (r.waits) return { word: 'waits', tone: 'wait' }
  return { word: 'off', tone: 'off' }
}

const refusals: Record<string, (r: Relay) => string> = {
  min_off: () => 'It went off a moment ago and may not go on again yet (min_off).',
  interlock: () => 'A relay that must not be on together with it is on, or went off just now (interlock).',
  daily_cap: (r) => `It was turned on ${r.today} times in the last 24 hours, as often as it may be (daily_cap).`,
  fault: () => 'It has a fault. Clear the fault first.',
  on: () => 'It is on already, and not by a pulse.',
  overtaken: () => 'It was turned off before it went on (overtaken).',
  expired: () => 'The press came too late (expired).',
  closed: () => 'The program is ending.',
}

/** Why a relay did not do what was asked, from the detail of the server's problem: a sentence for the words of the rule language, else the detail itself. */
export function refusal(detail: string, r: Relay): string {
  const word = /refuses: ([a-z_]+)\.?$/.exec(detail)?.[1]
  const say = word === undefined || !Object.hasOwn(refusals, word) ? undefined : refusals[word]
  return say ? say(r) : detail
}

/** A cause or a name of who did something, for people: whom a rule was about is said in words, and the page on the machine itself has no user. */
export const causeWords = (text: string): string =>
  text.replace(/" ([^\s"()]+\/[^\s"()]+)(\)?)$/, (_, key: string, end: string | undefined) => `" for ${keyWords(key)}${end ?? ''}`).replace(/by hand: console at (?:127\.[0-9.]+|::1)$/, 'by hand at this machine').replace(/^console at (?:127\.[0-9.]+|::1)$/, 'at this machine')

/** How much of a relay's time is left, 1 to 0; undefined while it does not run down. */
export function share(r: Relay, now: number): number | undefined {
  if (!r.on || !r.off_at || !r.since) return undefined
  const since = Date.parse(r.since)
  const end = Date.parse(r.off_at)
  if (!(end > since)) return undefined
  return Math.min(1, Math.max(0, (end - now) / (end - since)))
}

/** Whether a relay that is on goes off only because it may not be on for longer: nobody has said when before. */
export function atMost(r: Relay): boolean {
  if (!r.on || !r.off_at || !r.since) return false
  return Math.abs(Date.parse(r.off_at) - Date.parse(r.since) - r.max_on * 1000) < 500
}

/** A duration in seconds as a rule file writes it: 800ms, 1.5s. */
export function pulseText(seconds: number): string {
  const ms = Math.round(seconds * 1000)
  return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`
}
