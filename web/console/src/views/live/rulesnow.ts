// Which rules stand in the column of what is going on now, and in which words.

import type { Rule, RuleKey, RuleState, RuleTick } from '../../api'
import type { Tone } from '../../ui/mark'

/** A rule that is doing something, or was a moment ago. */
export interface RuleNow {
  name: string
  state: RuleState
  shadow: boolean
  /** The key that matters most, and how many more there are. */
  key: RuleKey | undefined
  more: number
  /** It became idle a moment ago. */
  over: boolean
}

/** How long a rule stays after it became idle, in milliseconds, so that the list does not flicker. */
export const overTime = 2000

const ranks: Record<RuleState, number> = { active: 0, holding: 1, pending: 2, barred: 3, unknown: 4, idle: 5 }

/** Colours and words for a rule's state. */
export const stateTone: Record<RuleState, Tone> = { active: 'live', holding: 'wait', pending: 'wait', barred: 'wait', unknown: 'off', idle: 'off' }

/**
 * The rules that are not idle, in the order in which they are looked at, as their newest
 * ticks say. `left` remembers when rules became idle; it is brought up to date.
 */
export function rulesNow(rules: readonly Rule[], ticks: ReadonlyMap<string, RuleTick>, left: Map<string, number>, now: number): RuleNow[] {
  const out: RuleNow[] = []
  for (const rule of rules) {
    const tick = ticks.get(rule.name)
    const state = tick?.state ?? rule.state
    const mode = tick?.mode ?? rule.mode
    if (mode === 'off' || state === 'unknown') continue
    const keys = tick?.keys ?? rule.keys
    const more = tick ? tick.keys_more : rule.keys_more
    if (state === 'idle') {
      const at = left.get(rule.name)
      if (at === undefined) continue
      if (at === -1) left.set(rule.name, now)
      else if (now - at > overTime) {
        left.delete(rule.name)
        continue
      }
      out.push({ name: rule.name, state, shadow: mode === 'shadow', key: undefined, more: 0, over: true })
      continue
    }
    left.set(rule.name, -1)
    out.push({ name: rule.name, state, shadow: mode === 'shadow', key: first(keys), more: Math.max(0, keys.length - 1) + (more ?? 0), over: false })
  }
  return out
}

function first(keys: readonly RuleKey[]): RuleKey | undefined {
  let best: RuleKey | undefined
  for (const k of keys) if (!best || ranks[k.state] < ranks[best.state]) best = k
  return best
}

/** The word that stands before a countdown: what runs out. */
export function waitsFor(key: RuleKey): string {
  return key.state === 'holding' ? 'hold' : (key.held ?? '')
}
