// What the whole page knows: who is signed in, and the state of things, kept
// up to date by stream.ts. Views read the signals; undefined is "not yet known".
import { batch, computed, signal } from '@preact/signals'
import type { Camera, Contact, Entry, Flag, Page, Relay, RuleTick, Session, Status, Target, Trouble } from './api'
import { get } from './client'

export const session = signal<Session | undefined>(undefined)
export const status = signal<Status | undefined>(undefined)
export const health = signal<Trouble[] | undefined>(undefined)
export const relays = signal<Relay[] | undefined>(undefined)
export const contacts = signal<Contact[] | undefined>(undefined)
export const flags = signal<Flag[] | undefined>(undefined)
export const cameras = signal<Camera[] | undefined>(undefined)
/** The newest change of each rule since the page came; rules that did not change are not in it. */
export const ruleTicks = signal<ReadonlyMap<string, RuleTick>>(new Map())
/** The newest journal entries that came while the page was open, newest first, at most 100. */
export const entries = signal<readonly Entry[]>([])
/** Grows when everything should be asked for anew: after a gap in the stream. */
export const gap = signal(0)
/** Grows when another rule set is in force or files were refused. */
export const ruleSet = signal(0)

/** Whether the stream stands. `since` is when it broke, of the browser's clock. */
export const link = signal<{ up: boolean; since?: number }>({ up: false })

/** The server's clock minus the browser's, in milliseconds. */
export const clockOffset = signal(0)
/** The program's start, as the stream's hello gave it. */
export const run = signal<string | undefined>(undefined)
/** The server's clock, ticking once a second while the page is shown. */
export const now = signal(Date.now())
/** The server's clock at this very moment, in milliseconds. */
export const serverNow = (): number => Date.now() + clockOffset.peek()

export const timezone = computed(() => status.value?.timezone)
export const siteName = computed(() => status.value?.site ?? session.value?.site ?? 'Sallyport')

const ranks = { viewer: 0, operator: 1, editor: 2 }
export const mayOperate = computed(() => ranks[session.value?.role ?? 'viewer'] >= 1)
export const mayEdit = computed(() => ranks[session.value?.role ?? 'viewer'] >= 2)

/** A camera's targets, as the newest frame has them. */
export interface SceneState {
  /** The server's time of the frame, in milliseconds. */
  at: number
  targets: readonly Target[]
}
const scenes = new Map<string, ReturnType<typeof signal<SceneState>>>()

/** The scene of a camera; the same signal for the same name. */
export function sceneOf(camera: string): ReturnType<typeof signal<SceneState>> {
  let s = scenes.get(camera)
  if (!s) {
    s = signal<SceneState>({ at: 0, targets: [] })
    scenes.set(camera, s)
  }
  return s
}

/** Puts in what was asked for at a moment; what a frame brought since then stays. */
function takeTargets(all: readonly Target[], asked: number): void {
  const by = new Map<string, Target[]>()
  for (const t of all) by.set(t.camera, [...(by.get(t.camera) ?? []), t])
  batch(() => {
    for (const camera of new Set([...scenes.keys(), ...by.keys()])) {
      const s = sceneOf(camera)
      const targets = by.get(camera) ?? []
      if ((s.peek()?.at ?? 0) <= asked && (targets.length > 0 || s.peek()?.targets.length)) s.value = { at: asked, targets }
    }
  })
}

export async function loadSession(): Promise<void> {
  session.value = await get<Session>('session')
}

/** The program was replaced by another version since this page was loaded. */
export const outdated = signal(false)
let version: string | undefined

export async function loadStatus(): Promise<void> {
  const s = await get<Status>('status')
  version ??= s.version
  if (s.version !== version) outdated.value = true
  status.value = s
}

/** Asks for everything the page shows all the time. */
export async function loadAll(): Promise<void> {
  const asked = serverNow()
  const all = await Promise.allSettled([
    loadStatus(),
    get<Page<Trouble>>('health').then((p) => (health.value = p.items)),
    get<Page<Relay>>('relays').then((p) => (relays.value = p.items)),
    get<Page<Contact>>('contacts').then((p) => (contacts.value = p.items)),
    get<Page<Flag>>('flags').then((p) => (flags.value = p.items)),
    get<Page<Camera>>('cameras').then((p) => (cameras.value = p.items)),
    get<Page<Target>>('targets').then((p) => takeTargets(p.items, asked)),
  ])
  const failed = all.find((r) => r.status === 'rejected')
  if (failed) throw failed.reason
}
