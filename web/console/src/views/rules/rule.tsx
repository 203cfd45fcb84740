import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import type { Page, RuleDetail, Zone } from '../../api'
import { path } from '../../app/router'
import { ApiError, seg } from '../../client'
import { mayEdit, ruleSet, ruleTicks } from '../../state'
import { ButtonLink } from '../../ui/button'
import { count } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Badge, StateDot } from '../../ui/mark'
import { Empty, Facts, Failed, Hidden, Section, Skeleton } from '../../ui/parts'
import { DayOf } from './day'
import { Firings } from './firings'
import { ModeSwitch } from './mode'
import { NearMisses } from './near'
import { ProblemList } from './problems'
import { KeyChip } from './row'
import { Source } from './source'
import { WhyNow } from './whynow'
import { fileAddress, fileOf, modeHelp, modeTone, onWords, stateTone } from './words'

/** One rule: whether and why, its mode, its day, its text. */
export function RulePage({ name }: { name: string }): JSX.Element {
  const mode = useComputed(() => ruleTicks.value.get(name)?.mode).value
  const asked = useLoad<RuleDetail>(`rules/${seg(name)}`, `${ruleSet.value} ${mode ?? ''}`)
  const rule = asked.data
  if (asked.error instanceof ApiError && asked.error.status === 404 && !rule)
    return (
      <section class="rule-page">
        <Empty
          action={
            <ButtonLink kind="primary" href="/rules">
              All rules
            </ButtonLink>
          }
        >
          No rule in force is called “{name}”. It may have been renamed, or its file does not load.
        </Empty>
      </section>
    )
  return (
    <article class="rule-page" aria-labelledby="rule-name">
      <header class="rule-head">
        <ButtonLink kind="quiet" href="/rules" label="All rules" class="rule-back">
          <Icon name="back" />
        </ButtonLink>
        <h1 id="rule-name">{name}</h1>
        {rule && <NowState rule={rule} />}
        {rule && (
          <ButtonLink href={fileAddress(fileOf(rule.file), rule.line)}>
            {mayEdit.value && <Icon name="edit" size={18} />} {mayEdit.value ? 'Edit' : 'Open'}
          </ButtonLink>
        )}
      </header>
      {asked.error !== undefined && <Failed error={asked.error} retry={asked.reload} />}
      {!rule && asked.loading && <Skeleton lines={8} />}
      {rule && (
        <>
          {rule.problems.length > 0 && <ProblemList problems={rule.problems} rule={name} />}
          <ModeSwitch rule={rule} changed={asked.reload} />
          <Hidden>
            <h2>As it stands</h2>
          </Hidden>
          <div class="rule-columns">
            <div class="rule-column">
              <WhyNow key={name} rule={rule} />
              <Section
                title="Text"
                aside={
                  <a class="small-text" href={fileAddress(fileOf(rule.file), rule.line)}>
                    {fileOf(rule.file)}:{rule.line}
                  </a>
                }
              >
                <Source text={rule.text} line={rule.line} />
                <About rule={rule} />
              </Section>
            </div>
            <div class="rule-column">
              <DayOf rule={rule} />
              <Firings rule={name} first={rule.entries} fired={rule.last_firing !== undefined} />
              <NearMisses rule={name} />
            </div>
          </div>
        </>
      )}
    </article>
  )
}

/** State and mode as they are this moment, with the keys that are not idle. */
function NowState({ rule }: { rule: RuleDetail }): JSX.Element {
  const tick = ruleTicks.value.get(rule.name)
  const state = tick?.state ?? rule.state
  const mode = tick?.mode ?? rule.mode
  const keys = tick?.keys ?? rule.keys
  const more = (tick ? tick.keys_more : rule.keys_more) ?? 0
  return (
    <div class="rule-now">
      {mode !== 'off' && (
        <span class={`rule-state tone-${stateTone[state]}`}>
          <span aria-hidden="true">
            <StateDot tone={stateTone[state]} word={state} />
          </span>{' '}
          {state}
        </span>
      )}
      {mode !== 'live' && (
        <Badge tone={modeTone[mode]} title={modeHelp[mode]}>
          {mode}
        </Badge>
      )}
      {state !== 'idle' && keys.slice(0, 3).map((k) => <KeyChip key={k.key} k={k} />)}
      {keys.length + more > 3 && <span class="muted small-text">and {keys.length + more - 3} more</span>}
    </div>
  )
}

function About({ rule }: { rule: RuleDetail }): JSX.Element {
  const drawn = useLoad<Page<Zone>>(rule.zones.length > 0 ? 'zones' : undefined, ruleSet.value)
  const zoneAddress = (name: string): string => {
    const z = drawn.data?.items.find((x) => x.name === name)
    return z ? path('zones', z.camera, z.kind, z.name) : '/zones'
  }
  const links = (names: string[], to: (n: string) => string) =>
    names.map((n, i) => (
      <span key={n}>
        {i > 0 && ', '}
        <a href={to(n)}>{n}</a>
      </span>
    ))
  return (
    <Facts
      items={[
        ['Looked at', `${onWords(rule)}, one state per ${rule.per}`],
        rule.cameras.length > 0 && [rule.cameras.length > 1 ? 'Cameras' : 'Camera', links(rule.cameras, (n) => `/live/${encodeURIComponent(n)}`)],
        rule.zones.length > 0 && ['Zones and lines', links(rule.zones, zoneAddress)],
        rule.relays.length > 0 && [rule.relays.length > 1 ? 'Relays' : 'Relay', links(rule.relays, (n) => `/relays/${encodeURIComponent(n)}`)],
        rule.lists.length > 0 && ['Lists', links(rule.lists, (n) => `/plates/lists/${encodeURIComponent(n)}`)],
        ['In 24 hours', count(rule.hours.reduce((n, h) => n + h.firings, 0), 'firing')],
      ]}
    />
  )
}
