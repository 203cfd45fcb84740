import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Page, Role, Scope, Token, User } from '../../api'
import { del, post, put, seg } from '../../client'
import { mayEdit, serverNow, session } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { Field, Select } from '../../ui/field'
import { day } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Empty, Failed, Notice, Skeleton } from '../../ui/parts'
import { AgoShort } from '../../ui/time'
import { toast, toastError } from '../../ui/toast'
import { Part } from './part'

const roles: { value: Role; label: string }[] = [
  { value: 'viewer', label: 'Viewer: looks' },
  { value: 'operator', label: 'Operator: moves relays, adds plates' },
  { value: 'editor', label: 'Editor: changes everything' },
]
const scopes: { value: Scope; label: string }[] = [
  { value: 'read', label: 'Read' },
  { value: 'operate', label: 'Operate: relays, plates, messages' },
  { value: 'edit', label: 'Edit: everything' },
]

/** Who may use the console, and which scripts. */
export function People(): JSX.Element {
  if (!session.value?.password_set)
    return (
      <Empty
        action={
          <ButtonLink kind="primary" href="?sheet=you">
            Set a password
          </ButtonLink>
        }
      >
        No password is set: whoever uses this machine is an editor, and other machines cannot reach the console. Set a password to add people and to open it to others.
      </Empty>
    )
  if (!mayEdit.value) return <Empty>Only editors see who else may use the console.</Empty>
  return (
    <>
      <Users />
      <Tokens />
    </>
  )
}

function Users(): JSX.Element {
  const all = useLoad<Page<User>>('users')
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<readonly string[]>([])
  return (
    <Part title="People" aside={!adding && <Button small onClick={() => setAdding(true)}>Add somebody</Button>}>
      {adding && (
        <NewUser
          taken={(all.data?.items ?? []).map((u) => u.name)}
          done={(name) => {
            setMade([...made, name])
            setAdding(false)
            all.reload()
          }}
          cancel={() => setAdding(false)}
        />
      )}
      {all.error !== undefined && <Failed error={all.error} retry={all.reload} />}
      {!all.data ? all.error === undefined && <Skeleton /> : <ul class="system-cards">{all.data.items.map((u) => <OneUser key={u.name} user={u} fresh={made.includes(u.name)} reload={all.reload} />)}</ul>}
    </Part>
  )
}

function OneUser({ user: u, fresh, reload }: { user: User; fresh: boolean; reload: () => void }): JSX.Element {
  const [password, setPassword] = useState<string>()
  const [sure, setSure] = useState(false)
  // Shown until the server says what holds; a refused one goes back.
  const [role, setRole] = useState<Role>()
  useEffect(() => setRole(undefined), [u])
  const change = (body: { role?: Role; password?: string }, said: string): void => {
    setRole(body.role)
    put(`users/${seg(u.name)}`, body).then(
      () => {
        toast(said)
        setPassword(undefined)
        reload()
      },
      (e: unknown) => {
        setRole(undefined)
        toastError(e)
      },
    )
  }
  const me = session.value?.user === u.name
  return (
    <li class="system-card">
      <div class="system-card-head">
        <strong>
          {u.name} {me && <Badge tone="live">you</Badge>}
        </strong>
        <span class="muted small-text">{u.last_seen ? <AgoShort at={u.last_seen} /> : fresh ? 'just added' : 'not here since the program’s start'}</span>
      </div>
      <div class="system-inline">
        <Select label="May" value={role ?? u.role} options={roles} onChange={(to) => change({ role: to }, `${u.name} is ${to} now.`)} />
        {password === undefined && <Button onClick={() => setPassword('')}>New password</Button>}
        {!me &&
          (sure ? (
            <Button
              kind="danger"
              onClick={() =>
                void del(`users/${seg(u.name)}`).then(() => {
                  toast(`${u.name} is removed, and signed out everywhere.`)
                  reload()
                }, toastError)
              }
            >
              Remove {u.name}
            </Button>
          ) : (
            <Button kind="quiet" label={`Remove ${u.name}`} onClick={() => setSure(true)}>
              <Icon name="trash" />
            </Button>
          ))}
      </div>
      {password !== undefined && (
        <form
          class="system-inline"
          onSubmit={(e) => {
            e.preventDefault()
            change({ password }, `${u.name} has a new password.`)
          }}
        >
          <Field label={`New password of ${u.name}`} type="password" autocomplete="new-password" value={password} onInput={setPassword} />
          <Button submit kind="primary" disabled={!password}>
            Set it
          </Button>
          <Button kind="quiet" onClick={() => setPassword(undefined)}>
            Cancel
          </Button>
        </form>
      )}
    </li>
  )
}

function NewUser({ taken, done, cancel }: { taken: string[]; done: (name: string) => void; cancel: () => void }): JSX.Element {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('operator')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<unknown>()
  const wrong = taken.includes(name) ? 'There is somebody of this name.' : undefined
  return (
    <form
      class="stack system-card"
      onSubmit={(e) => {
        e.preventDefault()
        put(`users/${seg(name)}`, { role, password }).then(() => done(name), setError)
      }}
    >
      <div class="system-two">
        <Field label="Name" value={name} onInput={setName} autocomplete="off" {...(wrong && { error: wrong })} />
        <Field label="Password" type="password" autocomplete="new-password" value={password} onInput={setPassword} hint="At least 8 characters." />
      </div>
      <Select label="May" value={role} options={roles} onChange={setRole} />
      {error !== undefined && <Failed error={error} />}
      <div class="system-buttons">
        <Button submit kind="primary" disabled={!name || !password || wrong !== undefined}>
          Add
        </Button>
        <Button kind="quiet" onClick={cancel}>
          Cancel
        </Button>
      </div>
    </form>
  )
}

function Tokens(): JSX.Element {
  const all = useLoad<Page<Token>>('tokens')
  const [adding, setAdding] = useState(false)
  const [fresh, setFresh] = useState<Token>()
  return (
    <Part title="Tokens for scripts" aside={!adding && <Button small onClick={() => setAdding(true)}>Make a token</Button>}>
      {adding && (
        <NewToken
          done={(t) => {
            setFresh(t)
            setAdding(false)
            all.reload()
          }}
          cancel={() => setAdding(false)}
        />
      )}
      {fresh?.secret && (
        <Notice tone="ok">
          The secret of {fresh.name}. It is not shown again:
          <pre class="system-lines">{fresh.secret}</pre>
          <Button small onClick={() => void navigator.clipboard.writeText(fresh.secret ?? '').then(() => toast('It is copied.'), toastError)}>
            Copy
          </Button>
        </Notice>
      )}
      {all.error !== undefined && <Failed error={all.error} retry={all.reload} />}
      {!all.data ? (
        all.error === undefined && <Skeleton />
      ) : all.data.items.length === 0 ? (
        <p class="muted">None. A script sends one as “Authorization: Bearer …”.</p>
      ) : (
        <ul class="system-cards">
          {all.data.items.map((t) => (
            <li key={t.id} class="system-card">
              <div class="system-card-head">
                <strong>
                  {t.name} <Badge tone={t.scope === 'read' ? 'off' : 'wait'}>{t.scope}</Badge>
                </strong>
                <Button
                  kind="quiet"
                  label={`Remove ${t.name}`}
                  onClick={() =>
                    void del(`tokens/${seg(t.id)}`).then(() => {
                      toast(`${t.name} counts no more.`)
                      all.reload()
                    }, toastError)
                  }
                >
                  <Icon name="trash" />
                </Button>
              </div>
              <p class="muted small-text">
                made {day(t.created)}
                {t.expires ? `, until ${day(t.expires)}` : ', without an end'}, {t.last_used ? <>last used <AgoShort at={t.last_used} /></> : 'not used yet'}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Part>
  )
}

function NewToken({ done, cancel }: { done: (t: Token) => void; cancel: () => void }): JSX.Element {
  const [name, setName] = useState('')
  const [scope, setScope] = useState<Scope>('read')
  const [days, setDays] = useState('365')
  const [error, setError] = useState<unknown>()
  const make = (e: Event): void => {
    e.preventDefault()
    const n = Number(days)
    const body = { name, scope, ...(n > 0 && { expires: new Date(serverNow() + n * 86_400_000).toISOString() }) }
    post<Token>('tokens', body).then(done, setError)
  }
  return (
    <form class="stack system-card" onSubmit={make}>
      <div class="system-two">
        <Field label="What it is for" value={name} onInput={setName} placeholder="door bell script" />
        <Select
          label="Counts for"
          value={days}
          onChange={setDays}
          options={[
            { value: '30', label: '30 days' },
            { value: '365', label: 'a year' },
            { value: '0', label: 'ever' },
          ]}
        />
      </div>
      <Select label="May" value={scope} options={scopes} onChange={setScope} />
      {error !== undefined && <Failed error={error} />}
      <div class="system-buttons">
        <Button submit kind="primary" disabled={!name}>
          Make it
        </Button>
        <Button kind="quiet" onClick={cancel}>
          Cancel
        </Button>
      </div>
    </form>
  )
}
