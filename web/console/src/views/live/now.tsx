import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Entry, Page, Rule, RuleTick } from '../../api'
import { path } from '../../app/router'
import { address, seg } from '../../client'
import { entries, now, relays, ruleSet, ruleTicks } from '../../state'
import { isFiring, isShadow } from '../../ui/entry'
import { keyWords } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Failed, Skeleton } from '../../ui/parts'
import { AgoShort, Countdown } from '../../ui/time'
import { TimeLeft } from '../relays/left'
import { causeWords, stateOf } from '../relays/words'
import { Lately, overTime, rulesNow, stateTone, waitsFor } from './rulesnow'
import type { RuleNow } from './rulesnow'

/** So many of each are shown; the rest is counted. */
const mostRules = 8
const mostOff = 12
const mostFirings = 10
/** How long after the last firing the list is asked for with its pictures, in milliseconds. */
const settle = 1500

/** What is going on: relays, rules that do or wait for something, the last firings. */
export function Now(): JSX.Element {
  return (
    <aside class="live-now" aria-label="Now">
      <Block title="Relays" href="/relays">
        <RelaysOn />
      </Block>
      <Block title="Rules" href="/rules">
        <RulesAtWork />
      </Block>
      <Block title="Last firings" href="/journal?kind=firing">
        <LastFirings />
      </Block>
    </aside>
  )
}

function Block({ title, href, children }: { title: string; href: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="now-block">
      <h2>
        <a href={href}>{title}</a>
      </h2>
      {children}
    </section>
  )
}

function RelaysOn(): JSX.Element {
  const all = relays.value
  if (!all) return <Skeleton lines={1} />
  if (all.length === 0) return <p class="now-none">None is set up.</p>
  const on = all.filter((r) => r.on || r.fault)
  const off = all.filter((r) => !r.on && !r.fault)
  const rest = off.length - mostOff
  return (
    <>
      {on.length > 0 && (
        <ul class="now-list">
          {on.map((r) => (
            <li key={r.name}>
              <a class="now-row" href={path('relays', r.name)}>
                <span class="now-title">{r.name}</span>
                <span class="now-aside">{r.fault ? <Badge tone="bad">fault</Badge> : <Badge tone="ok">on</Badge>}</span>
                <span class="now-sub now-cause">{r.fault ?? causeWords(r.cause ?? 'on')}</span>
                {!r.fault && (
                  <span class="now-wait">
                    <TimeLeft relay={r} />
                  </span>
                )}
              </a>
            </li>
          ))}
        </ul>
      )}
      {off.length > 0 && (
        <ul class="now-off">
          {off.slice(0, mostOff).map((r) => (
            <li key={r.name}>
              <a href={path('relays', r.name)}>
                <span class="now-off-name">{r.name}</span> <span class={`now-off-state tone-${stateOf(r).tone}`}>{stateOf(r).word}</span>
              </a>
            </li>
          ))}
          {rest > 0 && (
            <li>
              <a href="/relays">and {rest} more</a>
            </li>
          )}
        </ul>
      )}
    </>
  )
}

function RulesAtWork(): JSX.Element {
  const loaded = useLoad<Page<Rule>>('rules', ruleSet.value)
  const [lately] = useState(() => new Lately())
  // The clock makes rules go that have been over for a while.
  const all = rulesNow(loaded.data?.items ?? [], ruleTicks.value, lately, now.value)
  if (!loaded.data) return loaded.error !== undefined ? <Failed error={loaded.error} retry={loaded.reload} /> : <Skeleton lines={2} />
  if (all.length === 0) return <p class="now-none">No rule is active or waits for anything.</p>
  const rest = all.length - mostRules
  return (
    <>
      <ul class="now-list">
        {all.slice(0, mostRules).map((r) => (
          <li key={r.name}>
            <RuleRow rule={r} />
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <a class="now-more" href="/rules">
          and {rest} more
        </a>
      )}
    </>
  )
}

function RuleRow({ rule }: { rule: RuleNow }): JSX.Element {
  const lit = useLit(ruleTicks.value.get(rule.name))
  const key = rule.key
  return (
    <a class={`now-row ${rule.over ? 'now-over' : ''} ${lit ? 'now-fired' : ''}`} href={path('rules', rule.name)}>
      <span class="now-title">{rule.name}</span>
      <span class="now-aside">
        {rule.shadow && <Badge tone="wait">shadow</Badge>} <Badge tone={stateTone[rule.state]}>{rule.over ? 'over' : rule.state}</Badge>
      </span>
      <span class="now-sub">
        {key && keyWords(key.key)}
        {rule.more > 0 && ` and ${rule.more} more`}
      </span>
      {key?.ends && (
        <span class="now-wait">
          {waitsFor(key)} <Countdown until={key.ends} />
        </span>
      )}
    </a>
  )
}

/** True for a moment after a rule fired. */
function useLit(tick: RuleTick | undefined): boolean {
  const [lit, setLit] = useState(false)
  useEffect(() => {
    if (!tick?.fired) return
    setLit(true)
    const timer = setTimeout(() => setLit(false), overTime)
    return () => {
      clearTimeout(timer)
      setLit(false)
    }
  }, [tick])
  return lit
}

function LastFirings(): JSX.Element {
  const came = entries.value
  const loaded = useLoad<Page<Entry>>(`journal?kind=firing&order=newest&limit=${mostFirings}`, useSettled(came.find(isFiring)?.id))
  const all = useMemo(() => newest(came, loaded.data?.items ?? []), [came, loaded.data])
  if (!loaded.data && all.length === 0) return loaded.error !== undefined ? <p class="now-none">Nothing since this page was opened.</p> : <Skeleton lines={4} />
  if (all.length === 0) return <p class="now-none">No rule has fired yet.</p>
  return (
    <ul class="now-list">
      {all.map((e) => (
        <li key={e.id}>
          <Firing entry={e} />
        </li>
      ))}
    </ul>
  )
}

/** A value as it was when it had not changed for a moment: pictures come a little after the firing that they show. */
function useSettled<T>(value: T): T {
  const [settled, set] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => set(value), settle)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

/** The newest firings. Those that have just come are without a picture until they are asked for with it. */
function newest(came: readonly Entry[], before: readonly Entry[]): Entry[] {
  const byID = new Map<number, Entry>()
  for (const { picture: _, ...e } of came) if (isFiring(e)) byID.set(e.id, e)
  for (const e of before) byID.set(e.id, e)
  return [...byID.values()].sort((a, b) => b.id - a.id).slice(0, mostFirings)
}

function Firing({ entry }: { entry: Entry }): JSX.Element {
  const picture = entry.picture
  const [broken, setBroken] = useState<number>()
  return (
    <a class="now-row now-firing" href={path('journal', entry.id)}>
      {picture && picture.id !== broken ? (
        <img class="now-thumb" src={address(`journal/${picture.id}/images/${seg(picture.name)}`)} alt="" loading="lazy" decoding="async" width={64} height={40} onError={() => setBroken(picture.id)} />
      ) : (
        <span class="now-thumb now-noimage">
          <Icon name="picture" size={16} />
        </span>
      )}
      <span class="now-title">{entry.rule ?? entry.text}</span>
      <span class="now-sub">
        <AgoShort at={entry.at} />
        {isShadow(entry) && ' · in shadow: nothing moved'}
        {entry.camera && ` · ${entry.camera}`}
        {entry.plate && ` · ${entry.plate}`}
      </span>
    </a>
  )
}
