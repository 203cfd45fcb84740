import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Mode, Override, Rule } from '../../api'
import { del, put, seg } from '../../client'
import { mayEdit, serverNow, timezone } from '../../state'
import { Button } from '../../ui/button'
import { Choice, Field, Select } from '../../ui/field'
import { weekday, hourMinute } from '../../ui/format'
import { Ago, Countdown } from '../../ui/time'
import { toast, toastError } from '../../ui/toast'
import { switched } from './store'
import { inZone } from './zonetime'
import { modeHelp } from './words'

type End = 'stays' | 'hour' | 'eight' | 'morning' | 'at' | 'set'

const ends: { value: End; label: string }[] = [
  { value: 'stays', label: 'until I change it' },
  { value: 'hour', label: 'for 1 hour' },
  { value: 'eight', label: 'for 8 hours' },
  { value: 'morning', label: 'until tomorrow 07:00' },
  { value: 'at', label: 'until …' },
]

const modes = [
  { value: 'live', label: 'Live' },
  { value: 'shadow', label: 'Shadow' },
  { value: 'off', label: 'Off' },
] as const

const modeWord: Record<Mode, string> = { live: 'live', shadow: 'in shadow', off: 'off' }

/** When an end is, as the API wants it; undefined for none. */
function moment(end: End, at: string): string | undefined {
  const zone = timezone.peek()
  switch (end) {
    case 'hour':
      return new Date(serverNow() + 3_600_000).toISOString()
    case 'eight':
      return new Date(serverNow() + 8 * 3_600_000).toISOString()
    case 'morning':
      return inZone(serverNow(), zone, { days: 1, hour: 7, minute: 0 }).toISOString()
    case 'at': {
      const m = /^(\d+):(\d+)$/.exec(at)
      if (!m) return undefined
      const wanted = { hour: Number(m[1]), minute: Number(m[2]) }
      const today = inZone(serverNow(), zone, { days: 0, ...wanted })
      return (today.getTime() > serverNow() ? today : inZone(serverNow(), zone, { days: 1, ...wanted })).toISOString()
    }
    case 'stays':
    case 'set':
      return undefined
  }
}

/**
 * Switches a rule live, shadow or off over what its file says. The change holds
 * until somebody changes it, or until an end that is chosen before, or moved after.
 */
export function ModeSwitch({ rule, changed }: { rule: Rule; changed: () => void }): JSX.Element {
  const [asking, setAsking] = useState(false)
  // How long the next change is to hold, while there is none.
  const [next, setNext] = useState<End>('stays')
  const [at, setAt] = useState('07:00')
  const [busy, setBusy] = useState(false)
  // What was pressed stands there at once; the server's answer takes its place.
  const [pressed, setPressed] = useState<Mode | undefined>()
  useEffect(() => setPressed(undefined), [rule])
  const o = rule.override

  const send = async (mode: Mode | undefined, until: string | undefined): Promise<boolean> => {
    setBusy(true)
    try {
      if (mode === undefined) await del(`rules/${seg(rule.name)}/override`)
      else await put<Override>(`rules/${seg(rule.name)}/override`, { mode, ...(until ? { until } : {}) })
      changed()
      switched.value++
      return true
    } catch (e) {
      toastError(e)
      return false
    } finally {
      setBusy(false)
    }
  }
  const choose = async (mode: Mode): Promise<void> => {
    if (mode === rule.mode) return
    const before = rule.override
    const until = before ? before.until : moment(next, at)
    setAsking(false)
    setNext('stays')
    setPressed(mode)
    // What the file says needs no override.
    if (!(await send(mode === rule.file_mode ? undefined : mode, until))) return setPressed(undefined)
    const end = mode !== rule.file_mode && until ? ` until ${weekday(until)} ${hourMinute(until)}` : ''
    toast(`${rule.name} is ${modeWord[mode]}${end}.`, { action: { label: 'Undo', do: () => void send(before?.mode, before?.until) } })
  }
  const chooseEnd = (e: End): void => {
    setAsking(e === 'at')
    if (o && e !== 'at' && e !== 'set') void send(o.mode, moment(e, at))
  }
  const set: { value: End; label: string }[] = o?.until ? [{ value: 'set', label: `until ${weekday(o.until)} ${hourMinute(o.until)}` }] : []
  return (
    <div class="rule-mode">
      <Choice label="Mode" value={pressed ?? rule.mode} onChange={(m) => void choose(m)} options={modes} disabled={busy || !mayEdit.value} />
      {!o && mayEdit.value && (
        <>
          <Select label="A change holds" value={next} onChange={setNext} options={ends} disabled={busy} />
          {next === 'at' && <Field label="Time of day" type="time" value={at} onInput={setAt} required />}
        </>
      )}
      {o && mayEdit.value && (
        <>
          <Select label="Until when" value={asking ? 'at' : o.until ? 'set' : 'stays'} onChange={chooseEnd} options={[...set, ...ends]} disabled={busy} />
          {asking && (
            <form
              class="rule-mode-at"
              onSubmit={(e) => {
                e.preventDefault()
                void send(o.mode, moment('at', at)).then(() => setAsking(false))
              }}
            >
              <Field label="Time of day" type="time" value={at} onInput={setAt} required />
              <Button submit busy={busy}>
                Set
              </Button>
            </form>
          )}
        </>
      )}
      <p class="muted small-text">
        {modeHelp[pressed ?? rule.mode]}{' '}
        {o ? (
          <>
            Set here by {o.who || 'somebody'}, <Ago at={o.at} />
            {o.until && (
              <>
                ; <Countdown until={o.until} /> left
              </>
            )}
            . The file says {rule.file_mode}.{' '}
            {mayEdit.value && (
              <button type="button" class="linklike" disabled={busy} onClick={() => void send(undefined, undefined)}>
                As the file says
              </button>
            )}
          </>
        ) : (
          rule.file_mode === 'live' ? 'Its file says nothing else.' : 'So says its file.'
        )}
        {!mayEdit.value && ' Only editors switch it.'}
      </p>
    </div>
  )
}
