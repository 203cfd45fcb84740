import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { System } from '../../api'
import { ApiError, get, post } from '../../client'
import { HoldButton } from '../../ui/hold'
import { Failed } from '../../ui/parts'
import { clearToasts, toast } from '../../ui/toast'

/** How long the program may take to be back, in milliseconds. */
const patience = 40_000

const refusal = 'the program is not restarted, for the site file has errors: '

/** What was refused, without the problems that the page says already. */
export function notAgain(e: unknown, said: readonly string[]): unknown {
  if (!(e instanceof ApiError) || said.length === 0 || !e.message.startsWith(refusal)) return e
  const more = said.reduce((text, p) => text.replace(p, ''), e.message.slice(refusal.length))
  return /^[; ]*$/.test(more) ? new Error('The program is not restarted: the site file has the errors that this page shows.') : e
}

/** Begins the program anew, and waits until it is back. Held, because relays go off by it. */
export function Restart({ done, primary, said = [] }: { done?: () => void; primary?: boolean; said?: readonly string[] }): JSX.Element {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const here = useRef(true)
  useEffect(() => () => void (here.current = false), [])
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      const before = (await get<System>('system')).started
      await post('restart')
      await back(before)
      // What was to count after a restart counts now.
      clearToasts()
      toast('The program runs again.')
      if (here.current) done?.()
    } catch (e) {
      if (here.current) setError(e)
    } finally {
      if (here.current) setBusy(false)
    }
  }
  return (
    <div class="system-restart">
      <HoldButton kind={primary ? 'primary' : 'plain'} busy={busy} label={busy ? 'Restarting…' : 'Hold to restart'} onHeld={() => void run()}>
        {busy ? 'Restarting…' : 'Hold to restart'}
      </HoldButton>
      {error !== undefined && <Failed error={notAgain(error, said)} />}
    </div>
  )
}

/** Asks until the program answers that began after `before`. */
async function back(before: string): Promise<void> {
  for (const until = Date.now() + patience; Date.now() < until; ) {
    await new Promise((go) => setTimeout(go, 400))
    const now = await get<System>('system').catch(() => undefined)
    if (now && now.started !== before) return
  }
  throw new Error('The program has not come back yet. Look at the machine when it stays away.')
}
