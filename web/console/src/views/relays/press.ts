import { useEffect, useRef, useState } from 'preact/hooks'
import type { Relay } from '../../api'
import { ApiError, post, seg } from '../../client'
import { relays } from '../../state'
import { errorText } from '../../ui/parts'
import { refusal } from './words'

export type Command = { set: 'on' | 'off' } | { pulse: string } | { clear: true }

/** What became of the last press. */
export interface Pressed {
  busy: boolean
  text: string
  bad: boolean
}

/** How long it is said that a press was done, in milliseconds. What went wrong stays until the next press. */
const doneFor = 4000
/** An answer that does not come in this time does not come, in milliseconds. */
const patience = 10_000

const idle: Pressed = { busy: false, text: '', bad: false }

/** Moves a relay, and says what became of it. A press is asked once: whatever happens, it is not repeated by itself. */
export function usePress(relay: Relay): { pressed: Pressed; press: (c: Command, done: string) => void } {
  const [pressed, set] = useState(idle)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const turn = useRef(0)
  const latest = useRef(relay)
  latest.current = relay
  useEffect(
    () => () => {
      turn.current = -1
      clearTimeout(timer.current)
    },
    [],
  )
  const press = (c: Command, done: string): void => {
    clearTimeout(timer.current)
    const mine = ++turn.current
    set({ busy: true, text: '', bad: false })
    const end = AbortSignal.timeout(patience)
    post<Relay>(`relays/${seg(relay.name)}`, c, end).then(
      (answer) => {
        relays.value = (relays.value ?? []).map((r) => (r.name === answer.name ? answer : r))
        if (turn.current !== mine) return
        set({ busy: false, text: done, bad: false })
        timer.current = setTimeout(() => set(idle), doneFor)
      },
      (error: unknown) => {
        if (turn.current === mine) set({ busy: false, text: words(error, latest.current), bad: true })
      },
    )
  }
  return { pressed, press }
}

function words(error: unknown, relay: Relay): string {
  if (error instanceof ApiError && error.status === 409) return errorText(refusal(error.message, relay))
  const unsure = !(error instanceof ApiError) || error.status === 0 || error.status >= 500
  const what = error instanceof ApiError ? errorText(error) : 'No answer came.'
  return unsure ? `${what} Look at the relay before you press again: it may have moved.` : what
}
