import type { JSX } from 'preact'
import type { Rule } from '../../api'
import { count } from '../../ui/format'

const wide = 5
const tall = 22

/** Firings of the last 24 hours, an hour a bar, the oldest first: filled for firings, hollow above for what was held back. */
export function HourBars({ hours }: { hours: Rule['hours'] }): JSX.Element {
  const fired = hours.reduce((n, h) => n + h.firings, 0)
  const held = hours.reduce((n, h) => n + h.suppressed, 0)
  const most = Math.max(4, ...hours.map((h) => h.firings + h.suppressed))
  let full = ''
  let hollow = ''
  hours.forEach((h, i) => {
    const x = i * wide
    const a = height(h.firings, most)
    const b = Math.max(h.suppressed ? 2 : 0, height(h.firings + h.suppressed, most) - a)
    if (a) full += `M${x} ${tall - a}h${wide - 1}v${a}h${1 - wide}z`
    if (b) hollow += `M${x + 0.5} ${tall - a - b + 0.5}h${wide - 2}v${b - 1}h${2 - wide}z`
  })
  const words = `${count(fired, 'firing')} and ${held} held back in 24 hours`
  return (
    <span class="rule-bars">
      <svg width={hours.length * wide} height={tall} viewBox={`0 0 ${hours.length * wide} ${tall}`} role="img" aria-label={words}>
        <title>{words}</title>
        <path class="rule-bars-floor" d={`M0 ${tall - 0.5}h${hours.length * wide}`} />
        {full && <path class="rule-bars-full" d={full} />}
        {hollow && <path class="rule-bars-hollow" d={hollow} />}
      </svg>
      <span class="num rule-bars-sum">{fired || '–'}</span>
    </span>
  )
}

/** Few and many are told apart at once: the root keeps one firing beside a hundred in sight. */
function height(n: number, most: number): number {
  return n > 0 ? Math.max(3, Math.round(Math.sqrt(n / most) * tall)) : 0
}
