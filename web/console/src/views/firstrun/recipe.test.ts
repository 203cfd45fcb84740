import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defined, fit, free, live, placeOf, tooMany } from './recipe'
import type { Mapping, Taken } from './recipe'
import { undrawn } from './undrawn'

const none: Mapping = { cameras: {}, zones: {}, lines: {}, relays: {}, contacts: {}, lists: {} }
const empty: Taken = { zones: [], lines: [], lists: [], schedules: [], flags: [], rules: [] }

const porch = `# The porch light.

schedules:
  after-hours: {not: {days: mon-fri, from: "07:00", to: "18:30"}}

zones:
  # The boards.
  porch:
    camera: porch
    polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]

rules:
  - name: porch light after hours
    on: target
    while: during("after-hours")
    when: dwell("porch") > "2s"
    do: [{relay: porch, follow: true}]
`

test('a name that is camera, zone and relay becomes three names', () => {
  const got = fit(porch, { ...none, cameras: { porch: 'front' }, relays: { porch: 'lamp' }, zones: { porch: 'steps' } }, { ...empty, zones: ['steps'] })
  assert.equal(
    got,
    `# The porch light.

schedules:
  after-hours: {not: {days: mon-fri, from: "07:00", to: "18:30"}}

rules:
  - name: porch light after hours
    mode: shadow
    on: target
    while: during("after-hours")
    when: dwell("steps") > "2s"
    do: [{relay: lamp, follow: true}]
`,
  )
})

test('what stays its own gets a name that is free', () => {
  const got = fit(porch, { ...none, cameras: { porch: 'front' } }, { ...empty, zones: ['porch'], schedules: ['after-hours'], rules: ['porch light after hours'] }, false)
  // The zone's own name is one of the site's: nothing was chosen, so it is another zone.
  assert.match(got, /^ {2}porch-2:\n {4}camera: front\n/m)
  assert.match(got, /dwell\("porch-2"\)/)
  assert.match(got, /^ {2}after-hours-2: /m)
  assert.match(got, /during\("after-hours-2"\)/)
  assert.match(got, /- name: porch light after hours 2\n {4}on: target/)
  assert.match(got, /# The boards\./)
  assert.doesNotMatch(got, /shadow/)
})

test('names that change places are not changed twice', () => {
  const text = 'rules:\n  - name: a\n    when: camera.name == "gate" && relay("x").on\n    do: [{relay: x}, {relay: y}]\n'
  assert.match(fit(text, { ...none, relays: { x: 'y', y: 'x' }, cameras: { gate: 'x' } }, empty), /camera\.name == "x" && relay\("y"\)\.on\n.*\[\{relay: y\}, \{relay: x\}\]/)
})

test('a list of cameras holds each once', () => {
  const text = 'rules:\n  - name: a\n    when: camera.name in ["gate", "door", "porch"] && !camera.online\n'
  assert.match(fit(text, { ...none, cameras: { gate: 'front', door: 'front', porch: 'back' } }, empty), /camera\.name in \["front", "back"\]/)
})

test('quotes inside of quotes', () => {
  const text = 'rules:\n  - name: a\n    do: [{log: "for ${dwell(\\"doorstep\\")}"}]\n'
  assert.match(fit(text, { ...none, zones: { doorstep: 'step' } }, { ...empty, zones: ['step'] }), /dwell\(\\"step\\"\)/)
})

test('rules that speak of each other still do', () => {
  const text = 'rules:\n  - name: comes in\n    when: since("comes in") > "2m"\n'
  assert.match(fit(text, none, { ...empty, rules: ['comes in'] }, false), /name: comes in 2\n.*since\("comes in 2"\)/)
})

test('free', () => {
  assert.equal(free('a', []), 'a')
  assert.equal(free('a', ['a', 'a-2']), 'a-3')
})

test('every shipped recipe can be renamed whole', () => {
  const dir = join(process.cwd(), '..', '..', 'rules.d')
  const files = readdirSync(dir).filter((f) => f.endsWith('.yaml') && !f.endsWith('_test.yaml'))
  assert.ok(files.length >= 14)
  const cameras = ['porch', 'gate', 'door', 'yard', 'entrance', 'lobby', 'garage']
  const relays = ['porch', 'gate', 'barrier', 'dock', 'chime', 'full-sign', 'siren', 'ramp-light', 'yard-light']
  const to = (all: string[], what: string): Record<string, string> => Object.fromEntries(all.map((n) => [n, `${what}-of-${n}`]))
  for (const f of files) {
    const text = readFileSync(join(dir, f), 'utf8')
    const own = (key: string): string[] => defined(text, key)
    const zones = own('zones')
    const lines = own('lines')
    const lists = own('lists')
    const got = fit(
      text,
      { cameras: to(cameras, 'cam'), relays: to(relays, 'relay'), contacts: {}, zones: to(zones, 'zone'), lines: to(lines, 'line'), lists: to(lists, 'list') },
      { zones: zones.map((n) => `zone-of-${n}`), lines: lines.map((n) => `line-of-${n}`), lists: lists.map((n) => `list-of-${n}`), schedules: own('schedules'), flags: own('flags'), rules: own('rules') },
    )
    const bare = got.replace(/^\s*#.*$/gm, '').replace(/- name: .*$/gm, '')
    for (const m of bare.matchAll(/(?:relay: |relay\(")([a-z-]+)/g)) assert.match(m[1] ?? '', /^relay-of-/, `${f}: ${m[0]}`)
    for (const m of bare.matchAll(/(?:dwell|inside|occupancy)\(\\?"([a-z-]+)/g)) assert.match(m[1] ?? '', /^zone-of-/, `${f}: ${m[0]}`)
    for (const m of bare.matchAll(/crossed\("([a-z-]+)/g)) assert.match(m[1] ?? '', /^line-of-/, `${f}: ${m[0]}`)
    for (const m of bare.matchAll(/plate\.on\("([a-z-]+)/g)) assert.match(m[1] ?? '', /^list-of-/, `${f}: ${m[0]}`)
    for (const m of bare.matchAll(/during\("([a-z0-9-]+)|flag\("([a-z0-9-]+)|flag: ([a-z0-9-]+)/g)) assert.match(m[0], /-2$/, `${f}: ${m[0]}`)
    for (const m of bare.matchAll(/camera\.name (?:==|in) \[?([^&\]]*)/g)) for (const n of (m[1] ?? '').matchAll(/"([^"]+)"/g)) assert.match(n[1] ?? '', /^cam-of-/, `${f}: ${m[0]}`)
    assert.equal((got.match(/^ {4}mode: shadow$/gm) ?? []).length, own('rules').length, f)
    assert.doesNotMatch(got, /^(zones|lines|lists):/m, f)
  }
})

test('live takes one shadow out', () => {
  const text = 'rules:\n  - name: a\n    mode: shadow\n    on: plate\n  # b\n  - name: "b: c"\n    mode: shadow # not yet\n    on: plate\n'
  assert.equal(live(text, 'a'), 'rules:\n  - name: a\n    on: plate\n  # b\n  - name: "b: c"\n    mode: shadow # not yet\n    on: plate\n')
  assert.equal(live(text, 'b: c'), 'rules:\n  - name: a\n    mode: shadow\n    on: plate\n  # b\n  - name: "b: c"\n    on: plate\n')
  assert.equal(live(text, 'd'), undefined)
  assert.equal(live('rules:\n  - name: a\n    on: plate\n  - name: b\n    mode: shadow\n', 'a'), undefined)
})

test('a zone of a recipe is known by where it is and who counts', () => {
  assert.deepEqual(placeOf(porch, 'zones', 'porch'), {
    camera: 'porch',
    points: [
      [2000, 3000],
      [8000, 3000],
      [8000, 10000],
      [2000, 10000],
    ],
  })
  const doors = 'zones:\n  step: # of stone\n    camera: door\n    classes: [person, car] # no bikes\n  other:\n    camera: gate\nlines:\n  ramp:\n    camera: garage\n    from: [1500, 6000]\n    to: [8500, 6000]\n'
  assert.deepEqual(placeOf(doors, 'zones', 'step'), { camera: 'door', classes: ['person', 'car'] })
  assert.deepEqual(placeOf(doors, 'zones', 'other'), { camera: 'gate' })
  assert.deepEqual(placeOf(doors, 'lines', 'ramp')?.points, [
    [1500, 6000],
    [8500, 6000],
  ])
  assert.equal(placeOf(doors, 'lines', 'step'), undefined)
})

test('a zone in which more count than the recipe is about does not fit', () => {
  assert.deepEqual(tooMany(['person'], undefined), ['car', 'motor'])
  assert.deepEqual(tooMany(['person'], ['car']), ['car'])
  assert.deepEqual(tooMany(['person', 'car'], ['car']), [])
  assert.deepEqual(tooMany(undefined, undefined), [])
})

test('a zone that lies where a recipe has it is not drawn yet', () => {
  const z = { name: 'porch', kind: 'zone' as const, camera: 'front', points: placeOf(porch, 'zones', 'porch')?.points ?? [], rules: ['light'] }
  assert.deepEqual(undrawn([z, { ...z, name: 'walk', points: [[1, 2], [3, 4], [5, 6]] }], [{ text: porch }]), [z])
  assert.deepEqual(undrawn([{ ...z, kind: 'line' }], [{ text: porch }]), [])
})
