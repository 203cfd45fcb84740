// Which rules stand in the column of what is going on now, and in which words.

import type { Rule, RuleKey, RuleState, RuleTick } from '../../api'

export { stateTone } from '../rules/words'

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

/** What rules did lately, from one look at them to the next. */
export class Lately {
  /** When each rule became idle; -1 while it is not. */
  readonly left = new Map<string, number>()
  /** The key that each rule was last at work for. */
  readonly keys = new Map<string, RuleKey | undefined>()
  /** Ticks that were looked at. */
  readonly seen = new WeakSet<RuleTick>()
}

/** How long a rule stays after it became idle, in milliseconds, so that the list does not flicker. */
export const overTime = 2000

const ranks: Record<RuleState, number> = { active: 0, holding: 1, pending: 2, barred: 3, unknown: 4, idle: 5 }

/**
 * The rules that are not idle, as their newest ticks say, in the order in which they are
 * looked at, those that are only held back after the others, and those that fired or ended a moment ago. `lately` is brought up to date.
 */
export function rulesNow(rules: readonly Rule[], ticks: ReadonlyMap<string, RuleTick>, lately: Lately, now: number): RuleNow[] {
  const out: RuleNow[] = []
  const left = lately.left
  for (const rule of rules) {
    const tick = ticks.get(rule.name)
    const state = tick?.state ?? rule.state
    const mode = tick?.mode ?? rule.mode
    if (mode === 'off' || state === 'unknown') continue
    const keys = tick?.keys ?? rule.keys
    const more = tick ? tick.keys_more : rule.keys_more
    const fresh = tick !== undefined && !lately.seen.has(tick)
    if (tick) lately.seen.add(tick)
    if (state === 'idle') {
      // A rule on moments fires and is idle again at once.
      if (fresh && tick.fired) left.set(rule.name, -1)
      const at = left.get(rule.name)
      if (at === undefined) continue
      if (at === -1) left.set(rule.name, now)
      else if (now - at > overTime) {
        left.delete(rule.name)
        lately.keys.delete(rule.name)
        continue
      }
      out.push({ name: rule.name, state, shadow: mode === 'shadow', key: over(lately.keys.get(rule.name)), more: 0, over: true })
      continue
    }
    const key = first(keys)
    left.set(rule.name, -1)
    lately.keys.set(rule.name, key)
    out.push({ name: rule.name, state, shadow: mode === 'shadow', key, more: Math.max(0, keys.length - 1) + (more ?? 0), over: false })
  }
  return [...out.filter((r) => r.state !== 'barred'), ...out.filter((r) => r.state === 'barred')]
}

/** A key for which nothing runs any more. */
function over(key: RuleKey | undefined): RuleKey | undefined {
  return key && { key: key.key, state: 'idle' }
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
