import type { JSX } from 'preact'
import type { Entry, Page, Relay } from '../../api'
import { path } from '../../app/router'
import { query } from '../../client'
import { duration, number } from '../../ui/format'
import { useLoad } from '../../ui/load'
import { Empty, Facts, Failed, Section, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { Row, Rows } from '../../ui/table'
import { Ago } from '../../ui/time'
import { RelayTile } from './tile'
import { causeWords, stateOf } from './words'

const mostEntries = 12

/** All about one relay: its buttons, what limits it, which rules move it, what it did lately. */
export function RelaySheet({ relay, name }: { relay: Relay | undefined; name: string }): JSX.Element {
  return (
    <Sheet title={name} under="/relays">
      {relay ? <Detail relay={relay} /> : <Empty>There is no relay “{name}”.</Empty>}
    </Sheet>
  )
}

function Detail({ relay }: { relay: Relay }): JSX.Element {
  return (
    <>
      <RelayTile relay={relay} named />
      <Facts
        items={[
          ['State', stateOf(relay).word],
          relay.since !== undefined && ['Since', <Ago key="since" at={relay.since} />],
          relay.cause !== undefined && ['Cause', causeWords(relay.cause)],
          relay.who !== undefined && ['By hand', causeWords(relay.who)],
          relay.fault !== undefined && ['Fault', relay.fault],
          ['On for at most', duration(relay.max_on)],
          relay.pulse !== undefined && ['Usual pulse', duration(relay.pulse)],
          ['Turned on', `${number(relay.today)} times in 24 h${relay.daily_cap === undefined ? '' : `, at most ${number(relay.daily_cap)}`}`],
          relay.camera !== undefined && ['Alarm output of', relay.camera],
          ['By hand it is', relay.confirm ? 'held for 0.6 s first' : 'moved at once'],
        ]}
      />
      <Section title="Rules that move it">
        {relay.rules.length === 0 ? (
          <p class="muted">None.</p>
        ) : (
          <Rows label="Rules that move it">
            {relay.rules.map((r) => (
              <Row key={r} href={path('rules', r)} title={r} />
            ))}
          </Rows>
        )}
      </Section>
      <Section title="Lately" aside={<a href={`/journal${query({ relay: relay.name })}`}>All in the journal</a>}>
        <Lately relay={relay} />
      </Section>
    </>
  )
}

function Lately({ relay }: { relay: Relay }): JSX.Element {
  const loaded = useLoad<Page<Entry>>(`journal${query({ relay: relay.name, order: 'newest', limit: mostEntries })}`, relay.since)
  if (!loaded.data) return loaded.error !== undefined ? <Failed error={loaded.error} retry={loaded.reload} /> : <Skeleton />
  if (loaded.data.items.length === 0) return <p class="muted">Nothing is in the journal.</p>
  return (
    <Rows label="Lately">
      {loaded.data.items.map((e) => (
        <Row key={e.id} href={path('journal', e.id)} title={e.text} sub={<Ago at={e.at} />} />
      ))}
    </Rows>
  )
}
