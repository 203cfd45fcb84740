// The one stream of the page. It is closed while the tab is hidden, resumed
// when it is shown, and tried again with growing waits when it breaks.
import { batch, effect } from '@preact/signals'
import type { Camera, Contact, Crossing, Entry, Flag, Relay, RuleTick, SceneFrame, Trouble } from './api'
import { address } from './client'
import * as state from './state'

type Listener<T> = (v: T) => void
const crossers = new Set<Listener<Crossing>>()
const readers = new Set<Listener<Entry>>()
const frames = new Set<Listener<SceneFrame>>()

function listen<T>(to: Set<Listener<T>>, f: Listener<T>): () => void {
  to.add(f)
  return () => to.delete(f)
}
/** Tells of every crossing of a line; gives back what ends it. */
export const onCross = (f: Listener<Crossing>): (() => void) => listen(crossers, f)
/** Tells of every journal entry that comes. */
export const onEntry = (f: Listener<Entry>): (() => void) => listen(readers, f)
/** Tells of every frame, once for all cameras in it. */
export const onFrame = (f: Listener<SceneFrame>): (() => void) => listen(frames, f)

const mostEntries = 100
const firstWait = 1000
const longestWait = 15_000

let source: EventSource | undefined
let retry: ReturnType<typeof setTimeout> | undefined
let wait = firstWait
let last: number | undefined // the newest journal entry seen
let run: string | undefined // the program's start

/** Replaces the item of that name, or puts it at the end. */
function patch<T extends { name: string }>(list: T[] | undefined, item: T): T[] {
  if (!list) return [item]
  const i = list.findIndex((x) => x.name === item.name)
  return i < 0 ? [...list, item] : list.map((x, at) => (at === i ? item : x))
}

const takes: Record<string, (v: never) => void> = {
  hello: (v: { now: string; run: string }) => {
    state.clockOffset.value = Date.parse(v.now) - Date.now()
    state.now.value = state.serverNow()
    if (run !== undefined) {
      // What changed while nobody listened is asked for anew.
      if (run !== v.run) last = undefined
      state.ruleTicks.value = new Map()
      state.gap.value++
      void state.loadAll().catch(() => undefined)
    }
    run = v.run
    state.run.value = v.run
    wait = firstWait
    state.link.value = { up: true }
  },
  scene: (v: SceneFrame) => {
    const at = Date.parse(v.at)
    // A hello that was long on its way makes the server's clock look slow; what comes later mends that.
    if (at > state.serverNow()) state.clockOffset.value = at - Date.now()
    batch(() => {
      for (const [camera, targets] of Object.entries(v.cameras)) state.sceneOf(camera).value = { at, targets }
    })
    for (const f of frames) f(v)
  },
  cross: (v: Crossing) => {
    for (const f of crossers) f(v)
  },
  rule: (v: RuleTick) => {
    state.ruleTicks.value = new Map(state.ruleTicks.value).set(v.name, v)
  },
  relay: (v: Relay) => {
    state.relays.value = patch(state.relays.value, v)
  },
  contact: (v: Contact) => {
    state.contacts.value = patch(state.contacts.value, v)
  },
  flag: (v: Flag) => {
    state.flags.value = patch(state.flags.value, v)
  },
  camera: (v: Camera) => {
    state.cameras.value = patch(state.cameras.value, v)
  },
  entry: (v: Entry) => {
    if (last !== undefined && v.id <= last) return
    last = v.id
    state.entries.value = [v, ...state.entries.value].slice(0, mostEntries)
    for (const f of readers) f(v)
  },
  health: (v: { items: Trouble[] }) => {
    state.health.value = v.items
  },
  rules: () => {
    state.ruleSet.value++
    state.ruleTicks.value = new Map()
    void state.loadStatus().catch(() => undefined)
  },
  reset: () => {
    state.gap.value++
    void state.loadAll().catch(() => undefined)
  },
  bye: () => broken(),
}

function open(): void {
  close()
  const s = new EventSource(address('stream') + (last === undefined ? '' : `?after=${last}`))
  source = s
  for (const [name, take] of Object.entries(takes))
    s.addEventListener(name, (e) => {
      if (source === s) (take as (v: unknown) => void)(JSON.parse((e as MessageEvent<string>).data))
    })
  s.onerror = () => {
    if (source === s) broken()
  }
}

function close(): void {
  clearTimeout(retry)
  retry = undefined
  source?.close()
  source = undefined
}

function broken(): void {
  close()
  const was = state.link.value
  if (was.up || was.since === undefined) state.link.value = { up: false, since: Date.now() }
  // An event source does not say why it broke: the session does.
  retry = setTimeout(() => {
    void state
      .loadSession()
      .then(() => state.session.value?.signed_in && open())
      .catch(() => broken())
  }, wait * (0.8 + 0.4 * Math.random()))
  wait = Math.min(wait * 2, longestWait)
}

/** Runs the stream and the clock for as long as somebody is signed in and the tab is shown; gives back what ends it. */
export function startStream(): () => void {
  let tick: ReturnType<typeof setInterval> | undefined
  let on = false
  const set = (): void => {
    const want = document.visibilityState === 'visible' && state.session.peek()?.signed_in === true
    if (want === on) return
    on = want
    clearInterval(tick)
    if (on) {
      state.now.value = state.serverNow()
      tick = setInterval(() => (state.now.value = state.serverNow()), 1000)
      wait = firstWait
      // Once without waiting for the stream; from then on its hello asks.
      if (run === undefined) void state.loadAll().catch(() => undefined)
      open()
    } else close()
  }
  document.addEventListener('visibilitychange', set)
  const stop = effect(() => {
    void state.session.value
    set()
  })
  return () => {
    document.removeEventListener('visibilitychange', set)
    stop()
    clearInterval(tick)
    close()
  }
}
