import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import type { Rule, RuleKey } from '../../api'
import { ruleTicks } from '../../state'
import { count, keyWords } from '../../ui/format'
import { Badge, StateDot } from '../../ui/mark'
import { AgoShort, Countdown } from '../../ui/time'
import { HourBars } from './bars'
import { keyWord, modeHelp, modeTone, ruleAddress, stateTone } from './words'

const shownKeys = 2

/** One rule in the list. It follows its own state; the list need not be drawn anew for that. */
export function RuleRow({ rule, current }: { rule: Rule; current: boolean }): JSX.Element {
  const tick = useComputed(() => ruleTicks.value.get(rule.name)).value
  const state = tick?.state ?? rule.state
  const mode = tick?.mode ?? rule.mode
  const keys = tick?.keys ?? rule.keys
  const more = (tick ? tick.keys_more : rule.keys_more) ?? 0
  const errors = rule.problems.filter((p) => !p.warning).length
  const warnings = rule.problems.length - errors
  return (
    <li class={`rule-row${mode === 'off' ? ' rule-row-off' : ''}`}>
      <a href={ruleAddress(rule.name)} aria-current={current ? 'true' : undefined}>
        <span class="rule-row-state">
          <StateDot tone={mode === 'off' ? 'off' : stateTone[state]} word={mode === 'off' ? 'off' : state} />
        </span>
        <span class="rule-row-name">
          <span class="rule-row-title" title={rule.name}>{rule.name}</span>
          <span class="rule-row-badges">
            {mode !== 'live' && (
              <Badge tone={modeTone[mode]} title={modeHelp[mode]}>
                {mode}
              </Badge>
            )}
            {rule.override && rule.override.mode === mode && <Badge tone="wait">{rule.override.until ? <>set here, <Countdown until={rule.override.until} /> left</> : 'set here'}</Badge>}
            {errors > 0 && <Badge tone="bad">{count(errors, 'problem')}</Badge>}
            {warnings > 0 && <Badge tone="wait">{count(warnings, 'warning')}</Badge>}
          </span>
          <span class="rule-row-keys">
            {state === 'idle' || keys.length === 0 ? (
              <Quiet rule={rule} />
            ) : (
              <>
                {keys.slice(0, shownKeys).map((k) => (
                  <KeyChip key={k.key} k={k} />
                ))}
                {keys.length + more > shownKeys && <span class="muted num">+{keys.length + more - shownKeys}</span>}
              </>
            )}
          </span>
        </span>
        <span class="rule-row-last muted">{rule.last_firing ? <AgoShort at={rule.last_firing.at} /> : 'never'}</span>
        <HourBars hours={rule.hours} />
      </a>
    </li>
  )
}

/** What a rule that does nothing at the moment waits for. */
function Quiet({ rule }: { rule: Rule }): JSX.Element {
  const to = rule.relays.length > 0 ? ` → ${rule.relays.join(', ')}` : ''
  return (
    <span class="muted">
      {rule.on.length > 0 ? rule.on.join(', ') : 'standing'}
      {rule.cameras.length > 0 && ` · ${rule.cameras.join(', ')}`}
      {to}
    </span>
  )
}

/** A key that is not idle, with what is left when it ends by itself. */
export function KeyChip({ k }: { k: RuleKey }): JSX.Element {
  return (
    <span class={`rule-key tone-${stateTone[k.state]}`}>
      {k.key && <span class="rule-key-name">{keyWords(k.key)}</span>} <span class="rule-key-word">{keyWord(k)}</span>
      {k.ends && (
        <>
          {' '}
          <Countdown until={k.ends} />
        </>
      )}
    </span>
  )
}
