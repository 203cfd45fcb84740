import type { JSX } from 'preact'
import type { Relay } from '../../api'
import { Countdown } from '../../ui/time'
import { atMost } from './words'

/** What is left until a relay goes off by itself. Nothing is known of its end but the longest that it may be on: then that is said. */
export function TimeLeft({ relay }: { relay: Relay }): JSX.Element | null {
  if (!relay.on || !relay.off_at) return null
  return (
    <span class="num">
      {atMost(relay) && 'at most '}
      <Countdown until={relay.off_at} /> left
    </span>
  )
}
