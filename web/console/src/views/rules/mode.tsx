import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Mode, Override, Rule } from '../../api'
import { del, put, seg } from '../../client'
import { mayEdit, serverNow, timezone } from '../../state'
import { Choice, Field, Select } from '../../ui/field'
import { weekday, hourMinute } from '../../ui/format'
import { Ago, Countdown } from '../../ui/time'
import { toast, toastError } from '../../ui/toast'
import { inZone } from './zonetime'
import { modeHelp } from './words'

type End = 'stays' | 'hour' | 'eight' | 'morning' | 'at'

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
      return undefined
  }
}

/** Switches a rule live, shadow or off over what its file says, for a while or until it is changed. */
export function ModeSwitch({ rule, changed }: { rule: Rule; changed: () => void }): JSX.Element {
  const [end, setEnd] = useState<End>('stays')
  const [at, setAt] = useState('07:00')
  const [busy, setBusy] = useState(false)
  const o = rule.override

  const send = async (mode: Mode | undefined, until: string | undefined): Promise<void> => {
    setBusy(true)
    try {
      if (mode === undefined) await del(`rules/${seg(rule.name)}/override`)
      else await put<Override>(`rules/${seg(rule.name)}/override`, { mode, ...(until ? { until } : {}) })
      changed()
    } catch (e) {
      toastError(e)
    } finally {
      setBusy(false)
    }
  }
  const choose = async (mode: Mode): Promise<void> => {
    const before = rule.override
    // What the file says needs no override.
    const wanted = mode === rule.file_mode ? undefined : mode
    await send(wanted, wanted ? moment(end, at) : undefined)
    const back = (): void => void send(before?.mode, before?.until)
    toast(`${rule.name}: ${mode}.`, { action: { label: 'Undo', do: back } })
  }
  const chooseEnd = (e: End, time: string): void => {
    setEnd(e)
    setAt(time)
    if (o && (e !== 'at' || time)) void send(o.mode, moment(e, time))
  }
  return (
    <div class="rule-mode">
      <div class="rule-mode-row">
        <Choice label="Mode" value={rule.mode} onChange={(m) => void choose(m)} options={modes} disabled={busy || !mayEdit.value} />
        {mayEdit.value && (
          <div class="rule-mode-end">
            <Select label="A change made here holds" value={end} onChange={(e) => chooseEnd(e, at)} options={ends} disabled={busy} />
            {end === 'at' && <Field label="Time of day" type="time" value={at} onInput={(t) => chooseEnd('at', t)} />}
          </div>
        )}
      </div>
      <p class="muted small-text">
        {modeHelp[rule.mode]}{' '}
        {o ? (
          <>
            Set by {o.who || 'somebody'}, <Ago at={o.at} />
            {o.until ? (
              <>
                ; until {weekday(o.until)} {hourMinute(o.until)}, <Countdown until={o.until} /> left
              </>
            ) : (
              '; until somebody changes it'
            )}
            . The file says {rule.file_mode}.{' '}
            {mayEdit.value && (
              <button type="button" class="linklike" disabled={busy} onClick={() => void send(undefined, undefined)}>
                As the file says
              </button>
            )}
          </>
        ) : (
          'So says the file.'
        )}
      </p>
    </div>
  )
}
