// What the server and the page say to each other. Paths are below /api/v1.
// openapi.yaml is the same in the form that scripts read; a Go test holds the
// handlers against that.
//
// Who may: V viewer, O operator, E editor (each may what the one before may),
// P public (no sign-in). Token scopes: read = V, operate = O, edit = E.
// Errors are problem details with the status that fits: 400 makes no sense, 401
// sign in, 403 may not, 404 is not there, 409 refuses, 412 was changed by
// somebody else, 422 has problems, 429 too often (Retry-After), 503 not in time.

/** RFC 3339, UTC, milliseconds. */
export type Time = string
/** A duration in seconds. */
export type Seconds = number
/** x, y in units of 0..10000 on the camera's picture. */
export type Point = [number, number]
/** left, top, right, bottom. */
export type Box = [number, number, number, number]

export interface Page<T> {
  items: T[]
  next?: string
}

export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  reasons?: string[]
  /** Of rule files that were refused (422). */
  problems?: RuleProblem[]
}

// ---------------------------------------------------------------- sign-in

export type Role = 'viewer' | 'operator' | 'editor'

/** P GET session: who asks. P POST session {user, password} signs in and gives it; 401, 429. P DELETE session signs out. */
export interface Session {
  /** False when a sign-in is needed first. */
  signed_in: boolean
  user?: string
  role?: Role
  /** False on a loopback console for which no password was ever set: everybody there is an editor. */
  password_set: boolean
  /** The site's name; absent until signed in. */
  site?: string
  /** The connection is encrypted. */
  tls: boolean
  /** Sha-256 of the certificate in hexadecimal with colons, when it is self-signed. */
  fingerprint?: string
}
/** V PUT password {old?, new}: one's own password; on a console without one it makes the user "admin", an editor, and signs in. */

/** E GET users; E PUT users/{name} {role?, password?} adds or changes; E DELETE users/{name} (never the last editor: 409). */
export interface User {
  name: string
  role: Role
  created: Time
  last_seen?: Time
}

export type Scope = 'read' | 'operate' | 'edit'
/** E GET tokens; E POST tokens {name, scope, expires?} gives the token with its `secret`, once; E DELETE tokens/{id}. */
export interface Token {
  id: string
  name: string
  scope: Scope
  created: Time
  expires?: Time
  last_used?: Time
  /** Only in the answer that makes it. */
  secret?: string
}

// ---------------------------------------------------------------- at a glance

/** V GET status. */
export interface Status {
  version: string
  /** The site's name and IANA time zone. */
  site: string
  timezone: string
  /** The server's wall clock, moved in a demonstration. */
  now: Time
  uptime: Seconds
  demo: boolean
  rules: { hash?: string; loaded_at?: Time; problems: RuleProblem[]; count: number; shadow: number; overridden: number }
  cameras: Camera[]
  counts: Record<string, number>
  journal?: { head?: { id: number; hash: string; at: Time }; written: number; dropped: number; waiting: number; bytes: number; error?: string }
  recording?: { written: number; dropped: number; bytes: number; error?: string }
}

/** What is wrong, worst first. V GET health -> Page<Trouble>. */
export interface Trouble {
  level: 'warning' | 'fault'
  area: 'camera' | 'relay' | 'rules' | 'contact' | 'journal' | 'recording' | 'outbox' | 'site' | 'clock' | 'console'
  /** The camera, relay, …, of the area. */
  name?: string
  /** A sentence that says what is wrong and what to do. */
  text: string
  since?: Time
}

export interface RuleProblem {
  file: string
  line?: number
  column?: number
  rule?: string
  part?: string
  message: string
  suggestion?: string
  source?: string
  caret?: string
  warning: boolean
}

// ---------------------------------------------------------------- cameras and the scene

/** V GET cameras, cameras/{name}. */
export interface Camera {
  name: string
  online: boolean
  last_seen?: Time
  posts: number
  frames_expected?: boolean
  frames: number
  /** Trajectory posts a second. */
  rate: number
  clock_skew?: Seconds
  problems: { kind?: string; text: string; since?: Time; count?: number }[]
  /** The device can be asked: it has a `url` in the site file. */
  device: boolean
  /** When the picture of cameras/{name}/snapshot was taken; absent when there is none. */
  snapshot_at?: Time
}

/**
 * V GET cameras/{name}/snapshot: a JPEG, the newest there is (of the device, or of an event);
 * ETag, Last-Modified; 404 when there is none. O GET …/snapshot?fresh=1 asks the device first
 * (at most once in 2 s per camera; 409 when it cannot be asked).
 */

/** V GET zones: all zones and lines of the rule files, in their order. */
export interface Zone {
  name: string
  kind: 'zone' | 'line'
  camera: string
  /** Absent for an import of which no copy was accepted. A line has two: from, to. */
  points?: Point[]
  /** Lines: which side is in, looking from the first point to the second. */
  in?: 'left' | 'right'
  anchor?: 'bottom' | 'center' | 'top' | 'any'
  classes?: string[]
  margin?: number
  settle?: Seconds
  linger?: Seconds
  file: string
  line: number
  /** perimeter/1 and so on, when it is the camera's own. */
  import?: string
  /** Names of the rules that use it. */
  rules: string[]
}

/** V GET cameras/{name}/tracks?since=&until=&limit=&cursor= -> Page<Track>: who walked where, from the recording; the newest tracks first. */
export interface Track {
  id: number
  class?: Class
  from: Time
  to: Time
  /** Foot points: milliseconds since `from`, x, y; at most 64, thinned out evenly. */
  points: [number, number, number][]
}

export type Class = 'person' | 'car' | 'motor'

/** V GET targets; in the stream as `scene`. */
export interface Target {
  id: number
  camera: string
  class?: Class
  box: Box
  /** Zone -> dwell of this visit. */
  zones: Record<string, Seconds>
  /** Degrees clockwise from up. */
  heading?: number
  /** Units a second. */
  speed?: number
  age: Seconds
}

/** V GET cameras/{name}/targets/{id}: one target and what rules say of it (hover or tap). */
export interface TargetFacts {
  target: Target
  /** Rules that look at it, each as it stands for it. */
  rules: { rule: string; state: RuleState; look?: Look }[]
}

/** E GET cameras/{name}/imports: the camera's own zones, asked from the device (5 s); 409 when it cannot be asked. */
export interface DeviceZone {
  /** perimeter/1 */
  id: string
  kind: 'zone' | 'line'
  points: Point[]
  /** The direction in words, of lines that have one. */
  direction?: string
  /** The accepted copy, when it differs. */
  accepted?: Point[]
  state: 'new' | 'accepted' | 'changed' | 'gone'
  difference?: string
}
/** E POST cameras/{name}/imports {accept: ["perimeter/1"]} or {accept: "all"} -> Page<DeviceZone>. */

/**
 * V POST zones/edit: what a rule file becomes when a zone or line is written into it. Changes nothing:
 * the answer's `text` is then saved with PUT files/{path} and If-Match: `etag`.
 */
export interface ZoneEdit {
  /** As it is called now; absent for a new one. */
  was?: string
  /** Which of the two `was` is: needed to remove one when a zone and a line have that name. */
  kind?: 'zone' | 'line'
  /** Absent removes it. A field that is absent stays as the file has it; `classes: []` is all, and with `import` points do not count. */
  zone?: Pick<Zone, 'name' | 'kind' | 'camera' | 'points' | 'in' | 'anchor' | 'classes' | 'margin' | 'settle' | 'linger' | 'import'>
  /** Where a new one goes: default zones.yaml. */
  file?: string
}
export interface ZoneEdited {
  path: string
  /** Of the file as it is now; absent when it is new (then If-None-Match: *). */
  etag?: string
  before: string
  text: string
  problems: RuleProblem[]
}

// ---------------------------------------------------------------- rules

export type RuleState = 'idle' | 'pending' | 'barred' | 'active' | 'holding' | 'unknown'
export type Mode = 'live' | 'shadow' | 'off'

/** V GET rules -> Page<Rule>, in the order in which they are looked at. */
export interface Rule {
  name: string
  file: string
  line: number
  /** In force. */
  mode: Mode
  /** As the file says. */
  file_mode: Mode
  override?: Override
  /** Kinds of events; empty for a standing rule. */
  on: string[]
  per: string
  /** The state that counts most of all keys: active, holding, pending, barred, idle. */
  state: RuleState
  /** At most 20 keys that are not idle. */
  keys: RuleKey[]
  keys_more?: number
  cameras: string[]
  relays: string[]
  last_firing?: { id?: number; at: Time; key?: string }
  /** Firings and suppressed ones in each of the last 24 hours, the oldest first. */
  hours: { firings: number; suppressed: number }[]
  problems: RuleProblem[]
}
export interface RuleKey {
  key: string
  state: RuleState
  since?: Time
  /** When pending, barred or holding ends by itself. */
  ends?: Time
  camera?: string
  target?: number
  /** What holds it back: for, cooldown, limit, … */
  held?: string
}
/** E PUT rules/{name}/override {mode, until?} -> Rule; E DELETE rules/{name}/override -> Rule: as the file says again. */
export interface Override {
  mode: Mode
  until?: Time
  who: string
  at: Time
}
/** V GET rules/{name}. */
export interface RuleDetail extends Rule {
  /** The rule's own lines of its file. */
  text: string
  zones: string[]
  lists: string[]
  /** The newest firings and suppressed ones, newest first, at most 20. */
  entries: Entry[]
}
/** V GET rules/{name}/why: see Look; `looks` as it stands now. */
export interface Why {
  rule: string
  file?: string
  line?: number
  at?: Time
  looks: Look[]
  happenings: Happening[]
}
export type Answer = 'true' | 'false' | 'unknown'
/** A part of a condition, with its parts. */
export interface Part {
  /** Absent for a part that is not split further. */
  op?: 'and' | 'or' | 'not'
  /** Its source. */
  text: string
  answer: Answer
  /** True for what would have to be otherwise for the whole to be true. */
  missing?: boolean
  values?: Reading[]
  parts?: Part[]
}
/** A value that a part read. */
export interface Reading {
  /** What was read, as the rule writes it: dwell("porch"). */
  name: string
  /** As people read it: 1.7s, "approach", 87; unknown when it is not known. */
  value: string
  /** The constant number or duration that it is compared with; `off` in thousandths of it. */
  bound?: { value: string; off: number }
}
export interface Look {
  rule: string
  file?: string
  line?: number
  at: Time
  kind?: string
  key?: string
  camera?: string
  target?: number
  plate?: string
  answer: Answer
  while?: Part
  when?: Part
  state: RuleState
  for?: Seconds
  held?: string
  left?: Seconds
  did: Happening[]
}
/** One thing that came of a rule. */
export interface Happening {
  at: Time
  type: 'firing' | 'end' | 'suppressed'
  key?: string
  /** The step that was not done. */
  step?: string
  reason?: string
}
/** V POST rules/{name}/near {since?, until?, limit?}: a job, result Page<NearMiss>, newest first: looks in the recording of which all but one part held. */
export interface NearMiss {
  at: Time
  look: Look
  /** What was missing, in words. */
  missing: string
}

// ---------------------------------------------------------------- files, check, what would have happened

/** V GET files -> Page<RuleFile>: the rule files and their lists and tests, in name order. */
export interface RuleFile {
  path: string
  size: number
  modified: Time
  etag: string
  rules: string[]
  /** Zones and lines. */
  zones: string[]
  /** Of this file. Here and in the answers of check, zones/edit and saves, a problem's `file` is the path. */
  problems: RuleProblem[]
}
/**
 * V GET files/{path}: the text, with ETag. E PUT files/{path}: the body is the text, with If-Match: <etag> or
 * If-None-Match: * for a new one -> RuleFile; 412, 422 (Problem with problems), 403 (a `run` or `shell` step).
 * E DELETE files/{path} with If-Match; 422 when the rest would not load.
 */

/** V POST check {files: {path: text | null}}: the folder with these files in place of its own. */
export interface CheckResult {
  ok: boolean
  problems: RuleProblem[]
}

/** V GET names: what can be said in a rule, for completion and hover. */
export interface Names {
  cameras: string[]
  zones: { name: string; camera: string }[]
  lines: { name: string; camera: string }[]
  relays: string[]
  contacts: string[]
  lists: string[]
  notifiers: string[]
  flags: string[]
  schedules: string[]
  kinds: string[]
  /** Fields such as target.class and functions such as dwell(zone). */
  words: { name: string; signature: string; help: string; values?: string[] }[]
}
/** V GET schema: the JSON Schema of rule files. */

/** V POST replay {since, until, files?: {path: text | null}}: a job; ReplayResult grows while it runs, newest hour first. */
export interface ReplayResult {
  /** How far back it has got. */
  from: Time
  until: Time
  /** Set when the recording begins later than was asked for, or has gaps. */
  note?: string
  /** Decisions of the rules in force and of the given ones, oldest first; at most 2000 each. */
  old: ReplayFiring[]
  new: ReplayFiring[]
  more?: number
}
export interface ReplayFiring {
  at: Time
  rule: string
  key?: string
  camera?: string
  target?: number
  plate?: string
  type: 'firing' | 'suppressed'
  reason?: string
  /** In both, only old, only new. */
  same: boolean
}

// ---------------------------------------------------------------- long work

/**
 * V GET jobs (without results), jobs/{id}?wait=20: answered when it changed, after so many seconds at the latest, at once when it ended.
 * DELETE jobs/{id} cancels (by who began it, or E). 429 when 8 wait already, or 4 of the same caller. Work that takes longer answers 202 with its job.
 */
export interface Job<R = unknown> {
  id: string
  kind: 'replay' | 'near' | 'verify' | 'sync-plan' | 'sync' | 'probe' | 'test'
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  who: string
  begun: Time
  ended?: Time
  /** 0..1; absent while unknown. */
  progress?: number
  /** What it is at, in words. */
  text?: string
  /** So far; whole when done. */
  result?: R
  /** Why it failed. */
  error?: string
}

// ---------------------------------------------------------------- journal

/**
 * V GET journal?since&until&kind&camera&rule&relay&plate&firing&limit&order&cursor -> Page<Entry>.
 * V GET journal/{id} -> EntryDetail. V GET journal/{id}/images/{name}: a JPEG, immutable.
 * V GET journal.csv?(the same, without limit, order, cursor): everything as CSV.
 * V POST journal/verify {images?: boolean}: a job, result VerifyResult.
 * V GET timeline?since&until&camera&rule&relay&kind -> Timeline.
 */
/** In the question, `firing` gives the firings alone, and `end` their ends: entries of kind `firing` with `type: "end"`. */
export type EntryKind = 'event' | 'firing' | 'suppressed' | 'action' | 'relay' | 'reload' | 'login' | 'error'
export interface Entry {
  id: number
  at: Time
  kind: EntryKind
  camera?: string
  rule?: string
  key?: string
  relay?: string
  plate?: string
  /** The entries that led here. */
  caused_by?: number
  firing?: number
  images?: { name: string; size?: number; sha256?: string; missing?: string }[]
  /** The picture that shows it: its own, the event's that led to it, or the nearest of the same camera within 10 s. */
  picture?: { id: number; name: string; at: Time }
  /** One sentence that says what happened; always there. */
  text: string
  /** The fields of the kind: docs/interface.md, Journal. */
  [more: string]: unknown
}
export interface EntryDetail {
  entry: Entry
  /** Event, firing, steps and relay levels that belong together, oldest first, the entry itself among them. */
  chain: Entry[]
}
export interface VerifyResult {
  ok: boolean
  entries: number
  images: number
  first: number
  last: number
  bad?: number
  text: string
}
export interface Timeline {
  since: Time
  until: Time
  rows: {
    kind: 'rule' | 'relay'
    name: string
    /** Active or on; the last may be open. */
    spans: { from: Time; to?: Time; id?: number }[]
    ticks: { at: Time; kind: 'firing' | 'suppressed'; id: number; text?: string }[]
  }[]
  /** More happened than is given: zoom in. */
  more: boolean
}

// ---------------------------------------------------------------- plates

/** V GET plates/reads?since&until&q&camera&limit&cursor, newest first. `q` forgives look-alikes (0 O, 1 I, 8 B, …). */
export interface PlateRead {
  /** Of its journal entry. */
  id: number
  at: Time
  camera: string
  number: string
  /** The camera's own verdict: allow, block, temporary, stranger, … */
  list?: string
  heading?: 'approach' | 'away'
  confidence?: number
  vehicle?: { type?: string; color?: string; brand?: string; model?: string }
  /** Local lists it is on now, and the owner there. */
  lists: { name: string; owner?: string }[]
  /** What came of it. */
  fired: string[]
  held: { rule: string; reason: string }[]
  /** Fired in shadow, nothing was done; not among `fired`. */
  shadow?: string[]
  /** Of those that fired: a step was not done, and why. */
  undone?: { rule: string; reason: string }[]
  images: string[]
}
/** V GET plates/lists -> Page<PlateList>; V GET plates/lists/{name}?q= -> Page<PlateEntry>. */
export interface PlateList {
  name: string
  /** Where it stands. */
  file: string
  line?: number
  entries: number
  /** On which lists of the cameras it belongs. */
  belongs: { camera: string; list: string }[]
  /** Set when it cannot be edited here, and why. */
  fixed?: string
}
export interface PlateEntry {
  plate: string
  owner?: string
  from?: string
  until?: string
  schedule?: string
  note?: string
  /** It counts now. */
  valid: boolean
  /** Why not, in words. */
  why?: string
}
/**
 * O PUT plates/lists/{name}/{plate} {owner?, from?, until?, schedule?, note?} adds or changes; O DELETE takes it off. Both edit the rule file or
 * CSV in place, comments and order kept, checked as a save is (412 when the file changed meanwhile).
 */
/** V GET plates/cameras -> Page<CameraLists>: what the cameras have (asked from the devices, 5 s each, side by side). */
export interface CameraLists {
  camera: string
  error?: string
  lists: { name: string; entries: number }[]
}
/** E POST plates/sync {dry_run: true, camera?, prune?} -> job 'sync-plan' with SyncPlan; E POST plates/sync {plan: "<job id>"} -> job 'sync' with SyncPlan. */
export interface SyncPlan {
  /** As it was asked for. */
  camera?: string
  prune?: boolean
  cameras: {
    camera: string
    error?: string
    steps: { op: 'add' | 'change' | 'move' | 'remove'; plate: string; list: string; from_list?: string; text?: string; done?: boolean; failed?: string }[]
    findings: { kind: string; plate?: string; list?: string; text: string }[]
    same: number
  }[]
}

// ---------------------------------------------------------------- relays, contacts, flags

/** V GET relays, relays/{name}; O POST relays/{name} {set: "on"|"off"} | {pulse: "800ms"} | {clear: true} -> Relay; 409 says why it refuses. With
 * `press` {id, run, at}, on and pulse are also refused when they come late or twice, or the program began anew. */
export interface Relay {
  name: string
  on: boolean
  since?: Time
  cause?: string
  who?: string
  max_on: Seconds
  fault?: string
  waits?: boolean
  today: number
  daily_cap?: number
  /** Ask once more before it is switched by hand. */
  confirm: boolean
  /** When it goes off by itself at the latest: a pulse's end, or max_on. */
  off_at?: Time
  /** The pulse that rules give it, the usual one for a press by hand; absent for a relay that is only set. */
  pulse?: Seconds
  /** The device whose alarm output it is. */
  camera?: string
  rules: string[]
}
/** V GET contacts. */
export interface Contact {
  name: string
  /** Absent while it cannot be read. */
  on?: boolean
  since?: Time
}
/** V GET flags; O POST flags/{name} {set: value} (the same type as the file's) -> Flag. */
export interface Flag {
  name: string
  value: boolean | number | string
  since?: Time
}
/** V GET outbox; E DELETE outbox/{id}. */
export interface Parcel {
  id: string
  to: string
  rule: string
  key?: string
  step: string
  created?: Time
  due?: Time
  expires?: Time
  tries: number
  next?: Time
  reason?: string
}
/** O POST messages/{topic}, any JSON up to 64 KB: a `message` event -> 204. */

// ---------------------------------------------------------------- system

/** V GET system. */
export interface System {
  version: string
  commit: string
  go: string
  platform: string
  started: Time
  pid: number
  memory: number
  listen: { cameras: string; console: string; tls: boolean; fingerprint?: string }
  /** What a camera's push set-up should name. */
  post_to: string
  data?: { path: string; free: number; total: number; journal: number; images: number; recording: number; limit?: number; keep: Record<string, string> }
  site_file: string
  /** The site file was changed since it was read: a restart would take it. */
  restart_needed: boolean
  /** Problems of the site file as it is now. */
  site_problems: string[]
}
/** E POST restart: relays go off, everything begins anew with the site file as it is; 409 when that has errors; 202. */

/** V GET devices/unknown. */
export interface Device {
  name?: string
  mac?: string
  sn?: string
  address?: string
  channel?: number
  remote: string
  first_seen?: Time
  last_seen?: Time
  posts: number
  kind?: string
  cameras?: string[]
  reason: string
  adopt?: string
}
/** E POST devices/unknown/adopt {remote, mac?, sn?, name?, channel?, as} -> Adopted: writes the entry into the site file (comments kept). */
/** E POST cameras {probe: "<job id>", as} -> Adopted: the camera that a probe found. */
export interface Adopted {
  camera: string
  /** The lines written. */
  lines: string
  /** True: POST restart makes it count. */
  restart_needed: boolean
}
/** E POST cameras/probe {url, username, password}: a job with Probe. The password is kept for POST cameras only, 10 minutes, in memory. */
export interface Probe {
  url: string
  name?: string
  model?: string
  mac?: string
  sn?: string
  firmware?: string
  channels?: number
  certificate?: string
  /** What it can and cannot, in words. */
  notes: string[]
  suggested_name: string
}
/** V GET recipes: the rule files that come with the program. */
export interface Recipe {
  /** porch-light.yaml */
  file: string
  title: string
  text: string
  /** Names that it uses, which are the user's to change. */
  cameras: string[]
  zones: string[]
  lines: string[]
  relays: string[]
  contacts: string[]
  lists: string[]
}

// ---------------------------------------------------------------- the stream

/**
 * V GET stream: server-sent events, one connection a page. Each `data` is one of these. Journal entries carry their
 * id as the event's id: with Last-Event-ID (or ?after=ID) those missed come first (at most 500, else `reset`).
 *
 *   hello   {now: Time, run: string}               first; `run` changes with the program's start
 *   scene   SceneFrame                             at most 10 a second, all cameras that changed in one
 *   cross   {at, camera, line, direction, target}  with the scene frame it belongs to
 *   rule    RuleTick                               when a rule's state changes, at most 5 a second a rule
 *   relay   Relay     contact Contact     flag Flag     camera Camera (at most 1 a second each)
 *   entry   Entry                                  what the journal took, all kinds but plain events without interest
 *   health  {items: Trouble[]}                     when it changes
 *   rules   {hash, loaded_at, problems}            another set is in force, or files were refused
 *   reset   {}                                     some events were left out: ask for everything anew
 *   bye     {}                                     the program ends or restarts
 */
export interface SceneFrame {
  at: Time
  /** Only cameras that changed since the frame before; an empty list when nobody is there any more. */
  cameras: Record<string, Target[]>
}
export interface RuleTick {
  name: string
  state: RuleState
  keys: RuleKey[]
  keys_more?: number
  mode: Mode
  /** It fired just now. */
  fired?: boolean
}
export interface Crossing {
  at: Time
  camera: string
  line: string
  direction: 'in' | 'out'
  target: number
}
