// The sheets that can lie over every view: ?sheet=health, flags, you.
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Flag, Session, Trouble } from '../api'
import { del, post, put, seg } from '../client'
import { flags, health, loadSession, mayOperate, session } from '../state'
import { Button } from '../ui/button'
import { Choice, Field } from '../ui/field'
import { StateDot } from '../ui/mark'
import { Empty, Failed, Section, Skeleton } from '../ui/parts'
import { Sheet } from '../ui/sheet'
import { Ago } from '../ui/time'
import { toast, toastError } from '../ui/toast'
import { go, path, place, withQuery } from './router'
import { scheme, setScheme } from './scheme'

/** Where one looks when something of that area is wrong. */
function where(t: Trouble): string | undefined {
  switch (t.area) {
    case 'camera':
      return t.name ? path('system', 'cameras', t.name) : '/system'
    case 'relay':
      return t.name ? path('relays', t.name) : '/relays'
    case 'contact':
      return '/relays'
    case 'rules':
      return t.name ? path('rules', t.name) : '/rules'
    default:
      return '/system'
  }
}

function HealthSheet(): JSX.Element {
  const all = health.value
  return (
    <Sheet title="What is wrong" under={withQuery({ sheet: undefined })}>
      {!all ? (
        <Skeleton />
      ) : all.length === 0 ? (
        <Empty>Nothing: cameras, relays, rules, journal and clock are as they should be.</Empty>
      ) : (
        <ul class="troubles">
          {all.map((t, i) => (
            <li key={`${t.area} ${t.name ?? ''} ${i}`}>
              <StateDot tone={t.level === 'fault' ? 'bad' : 'wait'} word={t.level === 'fault' ? 'Fault' : 'Warning'} />
              <div>
                <a class="trouble-name" href={where(t)}>
                  {t.area}
                  {t.name ? ` ${t.name}` : ''}
                </a>
                <p>{t.text}</p>
                {t.since && (
                  <p class="muted small-text">
                    since <Ago at={t.since} />
                  </p>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Sheet>
  )
}

function FlagRow({ flag }: { flag: Flag }): JSX.Element {
  const [text, setText] = useState<string | undefined>(undefined)
  const set = (value: Flag['value']): void => {
    post<Flag>(`flags/${seg(flag.name)}`, { set: value }).then((f) => {
      flags.value = (flags.value ?? []).map((x) => (x.name === f.name ? f : x))
      setText(undefined)
    }, toastError)
  }
  const value = flag.value
  return (
    <li class="flag-row">
      <div class="flag-name">
        <strong>{flag.name}</strong>
        {flag.since && (
          <span class="muted small-text">
            since <Ago at={flag.since} />
          </span>
        )}
      </div>
      {typeof value === 'boolean' ? (
        <Choice
          label={flag.name}
          value={value ? 'on' : 'off'}
          disabled={!mayOperate.value}
          options={[
            { value: 'off', label: 'Off' },
            { value: 'on', label: 'On' },
          ]}
          onChange={(v) => set(v === 'on')}
        />
      ) : mayOperate.value ? (
        <form
          class="inline-form"
          onSubmit={(e) => {
            e.preventDefault()
            const t = text ?? String(value)
            set(typeof value === 'number' ? Number(t) : t)
          }}
        >
          <Field label={`Value of ${flag.name}`} type={typeof value === 'number' ? 'number' : 'text'} step="any" value={text ?? String(value)} onInput={setText} />
          <Button submit disabled={text === undefined || text === String(value)}>
            Set
          </Button>
        </form>
      ) : (
        <span class="num">{String(value)}</span>
      )}
    </li>
  )
}

function FlagsSheet(): JSX.Element {
  return (
    <Sheet title="Flags" under={withQuery({ sheet: undefined })}>
      {!flags.value ? (
        <Skeleton />
      ) : flags.value.length === 0 ? (
        <Empty>No rule file declares a flag.</Empty>
      ) : (
        <ul class="flag-list">
          {flags.value.map((f) => (
            <FlagRow key={f.name} flag={f} />
          ))}
        </ul>
      )}
    </Sheet>
  )
}

function Password(): JSX.Element {
  const [old, setOld] = useState('')
  const [fresh, setFresh] = useState('')
  const [again, setAgain] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const has = session.value?.password_set === true
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await put('password', has ? { old, new: fresh } : { new: fresh })
      await loadSession()
      setOld('')
      setFresh('')
      setAgain('')
      toast('The password is set.')
    } catch (x) {
      setError(x)
    } finally {
      setBusy(false)
    }
  }
  const differs = again !== '' && again !== fresh
  return (
    <form class="stack" onSubmit={(e) => void submit(e)}>
      {has && <Field label="Present password" type="password" autocomplete="current-password" value={old} onInput={setOld} required />}
      <Field label="New password" type="password" autocomplete="new-password" value={fresh} onInput={setFresh} required />
      <Field label="New password once more" type="password" autocomplete="new-password" value={again} onInput={setAgain} required {...(differs && { error: 'It is not the same.' })} />
      {error !== undefined && <Failed error={error} />}
      <div>
        <Button submit busy={busy} disabled={!fresh || fresh !== again}>
          {has ? 'Change the password' : 'Set a password'}
        </Button>
      </div>
    </form>
  )
}

function YouSheet(): JSX.Element {
  const s: Session | undefined = session.value
  return (
    <Sheet title={s?.user ?? 'You and this page'} under={withQuery({ sheet: undefined })}>
      {s && (
        <p class="muted">
          {s.password_set ? `Signed in as ${s.user ?? 'somebody'}, ${s.role ?? 'viewer'}.` : 'No password is set: everybody on this machine is an editor.'}
        </p>
      )}
      <Section title="Appearance">
        <Choice
          label="Appearance"
          value={scheme.value}
          options={[
            { value: 'system', label: 'System' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
          onChange={setScheme}
        />
      </Section>
      <Section title={s?.password_set ? 'Change your password' : 'Set a password'}>
        {!s?.password_set && <p class="muted form-note">It makes the user “admin”, an editor, and everybody has to sign in from then on.</p>}
        <Password />
      </Section>
      {s?.password_set && (
        <Section title="This browser">
          <Button
            onClick={() => {
              del('session')
                .then(() => {
                  go('/live')
                  return loadSession()
                })
                .catch(toastError)
            }}
          >
            Sign out
          </Button>
        </Section>
      )}
    </Sheet>
  )
}

/** The sheet that the address asks for, if one. */
export function GlobalSheet(): JSX.Element | null {
  switch (place.value.query.get('sheet')) {
    case 'health':
      return <HealthSheet />
    case 'flags':
      return <FlagsSheet />
    case 'you':
      return <YouSheet />
    default:
      return null
  }
}
