import { useEffect, useRef, useState } from 'preact/hooks'
import type { Relay } from '../../api'
import { ApiError, post, seg } from '../../client'
import { relays, run, serverNow } from '../../state'
import { errorText } from '../../ui/parts'
import { refusal } from './words'

export type Command = { set: 'on' | 'off' } | { pulse: string } | { clear: true }

/** What became of the last press. */
export interface Pressed {
  busy: boolean
  text: string
  bad: boolean
}

/** How long it is said that a press was done, and what went wrong, in milliseconds. */
const doneFor = 4000
const badFor = 20_000
/** An answer that does not come in this time does not come, in milliseconds. */
const patience = 10_000

const idle: Pressed = { busy: false, text: '', bad: false }

/** Says which press this is, so that one that comes late or twice moves nothing. */
const thisPress = (): object =>
  run.value ? { press: { id: Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('-'), run: run.value, at: new Date(serverNow()).toISOString() } } : {}

/** Moves a relay, and says what became of it. A press is asked once: whatever happens, it is not repeated by itself. */
export function usePress(relay: Relay): { pressed: Pressed; press: (c: Command, done: string) => void } {
  const [pressed, set] = useState(idle)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const turn = useRef(0)
  const under = useRef<AbortController | undefined>(undefined)
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
    // What was asked before and has not gone out yet does not come after this.
    under.current?.abort()
    const end = new AbortController()
    under.current = end
    const late = setTimeout(() => end.abort(), patience)
    const answered = post<Relay>(`relays/${seg(relay.name)}`, { ...c, ...thisPress() }, end.signal).finally(() => clearTimeout(late))
    answered.then(
      (answer) => {
        relays.value = (relays.value ?? []).map((r) => (r.name === answer.name ? answer : r))
        if (turn.current !== mine) return
        set({ busy: false, text: done, bad: false })
        timer.current = setTimeout(() => set(idle), doneFor)
      },
      (error: unknown) => {
        if (turn.current !== mine) return
        set({ busy: false, text: words(error, latest.current), bad: true })
        timer.current = setTimeout(() => set(idle), badFor)
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
