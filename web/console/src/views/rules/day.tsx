import type { JSX } from 'preact'
import type { Rule, Timeline } from '../../api'
import { query } from '../../client'
import { now, ruleSet } from '../../state'
import { hourMinute } from '../../ui/format'
import { useLoad } from '../../ui/load'
import { Section } from '../../ui/parts'

const dayLong = 86_400_000
/** So often the day is asked for again, in milliseconds. */
const again = 60_000

/** The rule's last 24 hours: bars for when it was active, ticks for firings, hollow ones for what was held back. */
export function DayOf({ rule }: { rule: Rule }): JSX.Element {
  const turn = Math.floor(now.value / again)
  const until = (turn + 1) * again
  const since = until - dayLong
  const asked = useLoad<Timeline>(`timeline${query({ since: new Date(since).toISOString(), until: new Date(until).toISOString(), rule: rule.name })}`, ruleSet.value)
  const row = asked.data?.rows.find((r) => r.kind === 'rule' && r.name === rule.name)
  const x = (t: string | number): number => Math.max(0, Math.min(100, ((typeof t === 'string' ? Date.parse(t) : t) - since) / (dayLong / 100)))
  const hours = [0, 6, 12, 18].map((h) => since + (h / 24) * dayLong)
  const fired = row?.ticks.filter((t) => t.kind === 'firing').length ?? 0
  const held = (row?.ticks.length ?? 0) - fired
  return (
    <Section title="Last 24 hours" aside={row && <span class="muted small-text num">{`${fired} fired, ${held} held back`}</span>}>
      <div class="day" role="img" aria-label={`${fired} firings and ${held} held back in the last 24 hours`}>
        <svg class="day-plot" viewBox="0 0 100 40" preserveAspectRatio="none">
          {row?.spans.map((s) => <rect key={`s${s.from}`} class="day-span" x={x(s.from)} width={Math.max(0.2, x(s.to ?? until) - x(s.from))} y="14" height="12" />)}
        </svg>
        {row?.ticks.map((t) => (
          <a key={t.id} class={`day-tick day-${t.kind}`} href={`/journal/${t.id}`} style={{ left: `${x(t.at)}%` }} tabIndex={-1} title={`${hourMinute(t.at)} ${t.text ?? t.kind}`} aria-hidden="true" />
        ))}
        {hours.map((h, i) => (
          <span key={i} class="day-hour num" style={{ left: `${x(h)}%` }}>
            {hourMinute(h)}
          </span>
        ))}
      </div>
    </Section>
  )
}
