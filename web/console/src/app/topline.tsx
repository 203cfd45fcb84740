import type { JSX } from 'preact'
import type { Flag, Trouble } from '../api'
import { clockOffset, flags, health, link, now, outdated, session, siteName, status } from '../state'
import { count, clock, hourMinute } from '../ui/format'
import { Icon } from '../ui/icon'
import { Hidden } from '../ui/parts'
import { StateDot, type Tone } from '../ui/mark'
import { withQuery } from './router'

/** What the one dot says. */
export function healthState(t: Trouble[] | undefined): { tone: Tone; word: string } {
  if (!t) return { tone: 'off', word: 'Health is not known yet' }
  const faults = t.filter((x) => x.level === 'fault').length
  if (faults) return { tone: 'bad', word: count(t.length, 'problem') }
  if (t.length) return { tone: 'wait', word: count(t.length, 'warning') }
  return { tone: 'ok', word: 'All is well' }
}

/** A flag in few words: its name when it is a switch that is on. */
export const flagWords = (f: Flag): string => (typeof f.value === 'boolean' ? (f.value ? f.name : `not ${f.name}`) : `${f.name}: ${f.value}`)

const shownFlags = 3

/** The slim line above everything: where, when, in which mode, and whether all is well. */
export function TopLine(): JSX.Element {
  const l = link.value
  const offline = !l.up && l.since !== undefined
  const h = offline ? { tone: 'off' as const, word: 'Not connected: what is known may be old' } : healthState(health.value)
  const all = flags.value ?? []
  const shadow = status.value?.rules.shadow ?? 0
  const user = session.value?.user
  return (
    <header class={`topline${offline ? ' is-offline' : ''}`}>
      <a class="site" href="/live" title={siteName.value}>
        {siteName.value}
      </a>
      {status.value?.demo && <span class="chip tone-live">Demonstration</span>}
      <time class="num top-clock" dateTime={new Date(now.value).toISOString()}>
        {hourMinute(now.value)}
        <span class="top-seconds">{clock(now.value).slice(5)}</span>
      </time>
      {offline && (
        <span class="chip tone-bad offline" role="alert">
          Not connected since {hourMinute((l.since ?? 0) + clockOffset.value)}
        </span>
      )}
      {outdated.value && (
        <button type="button" class="linklike" onClick={() => location.reload()}>
          The program was updated: reload
        </button>
      )}
      <span class="top-space" />
      {all.length > 0 && (
        <a class="top-flags" href={withQuery({ sheet: 'flags' })} title="Flags">
          <Hidden>Flags:</Hidden>
          {all.slice(0, shownFlags).map((f) => (
            <span key={f.name} class={`chip ${f.value === true ? 'tone-live' : ''}`}>
              {flagWords(f)}
            </span>
          ))}
          {all.length > shownFlags && <span class="chip num">+{all.length - shownFlags}</span>}
        </a>
      )}
      {shadow > 0 && (
        <a class="chip top-shadow" href="/rules?mode=shadow" title="Rules that decide and do nothing">
          {shadow} <span class="top-in">in</span> shadow
        </a>
      )}
      <a class={`top-health tone-${h.tone}`} href={withQuery({ sheet: 'health' })} title={h.word}>
        <StateDot tone={h.tone} word={h.word} />
        <span class="top-health-word" aria-hidden="true">
          {h.tone === 'ok' || h.tone === 'off' ? '' : h.word}
        </span>
      </a>
      <a class="top-you" href={withQuery({ sheet: 'you' })} aria-label={user ? `You: ${user}` : 'You and this page'} title={user ?? 'You and this page'}>
        <Icon name="user" size={18} />
      </a>
    </header>
  )
}
