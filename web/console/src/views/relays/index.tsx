import type { JSX } from 'preact'
import { withQuery } from '../../app/router'
import type { ViewProps } from '../../app/views'
import { contacts, flags, link, mayOperate, relays } from '../../state'
import { ButtonLink } from '../../ui/button'
import { Badge } from '../../ui/mark'
import { Empty, Notice, Skeleton, ViewHead } from '../../ui/parts'
import { Ago } from '../../ui/time'
import { RelaySheet } from './detail'
import { RelayTile } from './tile'

/** Relays to be moved by hand, with contacts and flags beside them: /relays, and /relays/{name} for all about one. */
export default function View({ rest }: ViewProps): JSX.Element {
  const all = relays.value
  const name = rest[0]
  return (
    <>
      <ViewHead title="Relays" />
      {!link.value.up && link.value.since !== undefined && <Notice tone="wait">Not connected: this is how things were, and they may have changed.</Notice>}
      <div class="relays">
        <section aria-label="Relays">
          {!all ? (
            <Skeleton lines={6} />
          ) : all.length === 0 ? (
            <Empty action={<ButtonLink href="/system">Show the site file</ButtonLink>}>No relay is set up. Relays are described in the site file.</Empty>
          ) : (
            <div class="relay-tiles">
              {all.map((r) => (
                <RelayTile key={r.name} relay={r} />
              ))}
            </div>
          )}
        </section>
        <aside class="relay-beside">
          <Contacts />
          <Flags />
        </aside>
      </div>
      {name !== undefined && all && <RelaySheet key={name} name={name} relay={all.find((r) => r.name === name)} />}
    </>
  )
}

function Contacts(): JSX.Element {
  const all = contacts.value
  return (
    <section>
      <h2>Contacts</h2>
      {!all ? (
        <Skeleton lines={2} />
      ) : all.length === 0 ? (
        <p class="muted">None is set up.</p>
      ) : (
        <ul class="relay-list">
          {all.map((c) => (
            <li key={c.name}>
              <span class="relay-list-name">{c.name}</span>
              {c.on === undefined ? <Badge tone="wait">unknown</Badge> : <Badge tone={c.on ? 'ok' : 'off'}>{c.on ? 'on' : 'off'}</Badge>}
              <span class="relay-list-sub muted">{c.on === undefined ? 'its line cannot be read' : c.since ? <Ago at={c.since} /> : 'since the start'}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Flags(): JSX.Element {
  const all = flags.value
  return (
    <section>
      <div class="relay-beside-head">
        <h2>Flags</h2>
        {mayOperate.value && all !== undefined && all.length > 0 && <a href={withQuery({ sheet: 'flags' })}>Change</a>}
      </div>
      {!all ? (
        <Skeleton lines={2} />
      ) : all.length === 0 ? (
        <p class="muted">No rule file declares one.</p>
      ) : (
        <ul class="relay-list">
          {all.map((f) => (
            <li key={f.name}>
              <span class="relay-list-name">{f.name}</span>
              <Badge tone={f.value === true ? 'live' : 'off'}>{String(f.value)}</Badge>
              {f.since && (
                <span class="relay-list-sub muted">
                  <Ago at={f.since} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
