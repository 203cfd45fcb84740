// Says in a few words why a rule did not do anything for a target yet.

import type { Look, Part, RuleState } from '../../api'
import { seconds } from '../../scene/look'
import { missing, valuesOf } from '../../ui/why/words'

/** Why a rule has not fired, in words of the rule language; what it waits for when that is a time. */
export function whyNot(state: RuleState, look: Look | undefined): string {
  const left = look?.left !== undefined && look.left > 0 ? look.left : undefined
  switch (look?.held) {
    case 'for':
      return left === undefined ? 'true, not as long as “for” asks yet' : `true, for ${seconds(left)} more`
    case 'cooldown':
      return left === undefined ? 'held back by its cooldown' : `cooldown, ${seconds(left)} left`
    case 'limit':
      return left === undefined ? 'held back by its limit' : `limit reached, ${seconds(left)} left`
    case 'while':
      return `“while” is ${look.while?.answer ?? 'not true'}${lacking(look.while)}`
    case 'unknown':
      return `unknown, and unknown is not true${lacking(look.when)}`
    case 'visit':
      return 'fired in this visit already'
    case 'active':
      return 'active already'
    case 'shadow':
      return 'fired in the shadow: nothing was done'
    case 'mode':
      return 'the rule is off'
    case 'first look':
      return 'was true at the first look: only what follows was done'
    case 'late':
      return 'the post came too late'
    case 'loop':
      return 'a chain of rules was cut'
  }
  if (state === 'active') return 'active'
  if (state === 'holding') return left === undefined ? 'not true any more, held' : `not true any more, held for ${seconds(left)}`
  if (look && look.answer !== 'true') return `${look.answer}${lacking(look.when)}`
  if (look?.held) return `held back: ${look.held}`
  return state
}

/** The first part that would have to be otherwise, with what it read. */
function lacking(part: Part | undefined): string {
  const parts = missing(part)
  const first = parts[0]
  if (!first) return ''
  const read = valuesOf(first)
  const more = parts.length > 1 ? `, and ${parts.length - 1} more` : ''
  return `: ${first.text}${read ? ` (${read})` : ''}${more}`
}
