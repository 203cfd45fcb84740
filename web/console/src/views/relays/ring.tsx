import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Relay } from '../../api'
import { serverNow } from '../../state'
import { Icon } from '../../ui/icon'
import { stateOf, share } from './words'

const radius = 22
const round = 2 * Math.PI * radius
/** How often a ring is drawn anew, in milliseconds: often enough to run smoothly, and seldom for one that takes hours. */
const soonest = 100
const latest = 1000

/** A ring around a relay's mark that runs down to the moment it goes off by itself. */
export function Ring({ relay }: { relay: Relay }): JSX.Element {
  const left = useShare(relay)
  return (
    <span class={`relay-ring tone-${stateOf(relay).tone}`} aria-hidden="true">
      <svg width="52" height="52" viewBox="0 0 52 52">
        <circle class="ring-track" cx="26" cy="26" r={radius} />
        {left !== undefined && <circle class="ring-left" cx="26" cy="26" r={radius} stroke-dasharray={round} stroke-dashoffset={round * (1 - left)} transform="rotate(-90 26 26)" />}
      </svg>
      <Icon name="relays" size={22} />
    </span>
  )
}

function useShare(relay: Relay): number | undefined {
  const [left, set] = useState(() => share(relay, serverNow()))
  useEffect(() => {
    const step = () => set(share(relay, serverNow()))
    step()
    if (!relay.on || !relay.off_at) return
    const lasts = Date.parse(relay.off_at) - Date.parse(relay.since ?? relay.off_at)
    const timer = setInterval(step, Math.min(latest, Math.max(soonest, lasts / 300)))
    return () => clearInterval(timer)
  }, [relay])
  return left
}
