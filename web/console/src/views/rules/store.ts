// The list of rules, and what came since it was asked for.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Entry, Page, Rule } from '../../api'
import { now, ruleSet } from '../../state'
import { onEntry } from '../../stream'
import { isEnd } from '../../ui/entry'
import { type Loaded, useLoad } from '../../ui/load'

/** Firings of rules since their list was asked for; they are added to what the list says. */
const since = signal<ReadonlyMap<string, { firings: number; suppressed: number; last?: Rule['last_firing'] }>>(new Map())

/** Grows when somebody here switched a rule: the list is asked for again. */
export const switched = signal(0)

/** So often the list is asked for again, so that its hours move on, in milliseconds. */
const again = 300_000

/** All rules with what happened since; kept up to date while a view shows them. */
export function useRules(): Loaded<Page<Rule>> {
  const turn = Math.floor(now.value / again)
  const asked = useLoad<Page<Rule>>('rules', `${ruleSet.value} ${switched.value} ${turn}`)
  useEffect(() => {
    since.value = new Map()
  }, [asked.data])
  useEffect(() => onEntry(take), [])
  const extra = since.value
  if (!asked.data || extra.size === 0) return asked
  return { ...asked, data: { ...asked.data, items: asked.data.items.map((r) => added(r, extra.get(r.name))) } }
}

function take(e: Entry): void {
  if (!e.rule || isEnd(e) || (e.kind !== 'firing' && e.kind !== 'suppressed')) return
  const was = since.peek().get(e.rule) ?? { firings: 0, suppressed: 0 }
  const is =
    e.kind === 'firing'
      ? { ...was, firings: was.firings + 1, last: { id: e.id, at: e.at, ...(e.key ? { key: e.key } : {}) } }
      : { ...was, suppressed: was.suppressed + 1 }
  since.value = new Map(since.peek()).set(e.rule, is)
}

function added(r: Rule, more: { firings: number; suppressed: number; last?: Rule['last_firing'] } | undefined): Rule {
  if (!more) return r
  const end = r.hours.length - 1
  const hours = r.hours.map((h, i) => (i === end ? { firings: h.firings + more.firings, suppressed: h.suppressed + more.suppressed } : h))
  return { ...r, hours, ...(more.last ? { last_firing: more.last } : {}) }
}
