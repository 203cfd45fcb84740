import type { JSX } from 'preact'
import type { Relay } from '../../api'
import { path } from '../../app/router'
import { mayOperate } from '../../state'
import { Button } from '../../ui/button'
import { duration } from '../../ui/format'
import { HoldButton } from '../../ui/hold'
import { Ago } from '../../ui/time'
import { TimeLeft } from './left'
import type { Command } from './press'
import { usePress } from './press'
import { Ring } from './ring'
import { causeWords, pulseText, stateOf } from './words'

/** A relay: how it is and why, what is left, and the buttons that move it. `named` where its name stands above it already. */
export function RelayTile({ relay, named }: { relay: Relay; named?: boolean }): JSX.Element {
  const state = stateOf(relay)
  const { pressed, press } = usePress(relay)
  return (
    <article class={`relay tone-${state.tone}`} aria-label={relay.name}>
      <header class="relay-head">
        <Ring relay={relay} />
        <div class="relay-name">
          {!named && (
            <h2>
              <a href={path('relays', relay.name)}>{relay.name}</a>
            </h2>
          )}
          <p class="relay-state">
            <strong>{state.word}</strong>
            <TimeLeft relay={relay} />
          </p>
        </div>
      </header>
      {/* What came of a press stands in the place of the cause, so that no other relay's buttons move. */}
      <p class={`relay-line ${pressed.text ? (pressed.bad ? 'relay-bad' : '') : 'muted'}`} role={pressed.bad ? 'alert' : 'status'}>
        {pressed.text || <Cause relay={relay} />}
      </p>
      {relay.waits && !relay.on && <p class="relay-note">A rule asks for it, and it may not go on yet.</p>}
      {relay.fault && (
        <div class="relay-fault">
          <p>{relay.fault}</p>
          {mayOperate.value && (
            <Button small busy={pressed.busy} onClick={() => press({ clear: true }, 'The fault is cleared.')}>
              Clear
            </Button>
          )}
        </div>
      )}
      {mayOperate.value && <Buttons relay={relay} busy={pressed.busy} press={press} />}
    </article>
  )
}

function Cause({ relay }: { relay: Relay }): JSX.Element {
  if (!relay.since) return <>Not moved since the start.</>
  return (
    <>
      <Ago at={relay.since} />
      {relay.cause && ` · ${causeWords(relay.cause)}`}
    </>
  )
}

// Off is never held back: not by a confirmation, and not by what is shown, which may be old.
function Buttons({ relay, busy, press }: { relay: Relay; busy: boolean; press: (c: Command, done: string) => void }): JSX.Element {
  const pulse = relay.pulse
  const blocked = relay.fault !== undefined
  return (
    <div class="relay-buttons">
      {pulse !== undefined && (
        <Move
          confirm={relay.confirm}
          kind="primary"
          disabled={blocked}
          busy={busy}
          label={`Pulse ${relay.name} for ${duration(pulse)}`}
          text={`pulse ${duration(pulse)}`}
          wide
          go={() => press({ pulse: pulseText(pulse) }, `Pulsed for ${duration(pulse)}.`)}
        />
      )}
      <Move
        confirm={relay.confirm}
        kind={pulse === undefined ? 'primary' : 'plain'}
        disabled={blocked}
        busy={busy}
        label={`Turn ${relay.name} on`}
        text="turn on"
        go={() => press({ set: 'on' }, 'Turned on.')}
      />
      <Button label={`Turn ${relay.name} off`} onClick={() => press({ set: 'off' }, 'Turned off.')}>
        Turn off
      </Button>
      <p class="relay-wide relay-limit muted">“{relay.confirm ? 'Hold to turn on' : 'Turn on'}”: on for at most {duration(relay.max_on)}, or until it is turned off.</p>
    </div>
  )
}

function Move(p: { confirm: boolean; kind: 'primary' | 'plain'; disabled: boolean; busy: boolean; label: string; text: string; wide?: boolean; go: () => void }): JSX.Element {
  const wide = p.wide ? 'relay-wide' : ''
  if (p.confirm)
    return (
      <HoldButton class={wide} kind={p.kind} disabled={p.disabled} busy={p.busy} label={p.label} onHeld={p.go}>
        Hold to {p.text}
      </HoldButton>
    )
  return (
    <Button class={wide} kind={p.kind} disabled={p.disabled} busy={p.busy} label={p.label} onClick={p.go}>
      {p.text.charAt(0).toUpperCase() + p.text.slice(1)}
    </Button>
  )
}
