import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { Rule, Timeline as TimelineData } from '../../api'
import { query } from '../../client'
import { entries, now, ruleSet } from '../../state'
import { Button } from '../../ui/button'
import { useLoad } from '../../ui/load'
import { Failed, Section } from '../../ui/parts'
import { type Range, Timeline } from '../../ui/timeline'

const dayLong = 86_400_000
/** So often the day moves on, in milliseconds. */
const again = 60_000

/** The rule's last 24 hours, and its relays': when they were on or active, what fired, what was held back. Drawn over, it shows less time. */
export function DayOf({ rule }: { rule: Rule }): JSX.Element {
  const [chosen, setChosen] = useState<Range | undefined>()
  const until = (Math.floor(now.value / again) + 1) * again
  const range = chosen ?? { since: until - dayLong, until }
  const newest = entries.value.find((e) => e.rule === rule.name)?.id
  const asked = useLoad<TimelineData>(
    `timeline${query({ since: new Date(range.since).toISOString(), until: new Date(range.until).toISOString(), rule: rule.name })}`,
    `${ruleSet.value} ${newest ?? ''}`,
  )
  // While another range is asked for, the one before stays in sight.
  const shown = useRef<{ data: TimelineData; range: Range } | undefined>(undefined)
  if (asked.data) shown.current = { data: withRule(asked.data, rule.name), range }
  const { data } = shown.current ?? {}
  return (
    <Section
      title={chosen ? 'Over time' : 'Last 24 hours'}
      aside={
        chosen && (
          <Button small kind="quiet" onClick={() => setChosen(undefined)}>
            Last 24 hours
          </Button>
        )
      }
    >
      {asked.error !== undefined && !data && <Failed error={asked.error} retry={asked.reload} />}
      {data && <Timeline data={data} range={asked.data ? range : (shown.current?.range ?? range)} onRange={setChosen} label={`${rule.name} over time`} />}
    </Section>
  )
}

/** The rule's own row is there also when nothing happened, so that there is something to draw on. */
function withRule(t: TimelineData, name: string): TimelineData {
  return t.rows.some((r) => r.kind === 'rule' && r.name === name) ? t : { ...t, rows: [{ kind: 'rule', name, spans: [], ticks: [] }, ...t.rows] }
}
