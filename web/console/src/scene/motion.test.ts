import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Box, Target } from '../api'
import { Motion, flashTime, trailOf } from './motion'

const target = (id: number, x: number, over: Partial<Target> = {}): Target => ({
  id, camera: 'front', class: 'person', box: [x, 0, x + 100, 200] as Box, zones: {}, age: 1, ...over,
})

test('a box glides to where it is said to be, and not further', () => {
  const m = new Motion()
  m.update([target(1, 0)], 1000)
  m.update([target(1, 100)], 1100)
  assert.deepEqual(m.box(1, 1100), [0, 0, 100, 200])
  assert.deepEqual(m.box(1, 1150), [50, 0, 150, 200])
  assert.deepEqual(m.box(1, 1200), [100, 0, 200, 200])
  assert.deepEqual(m.box(1, 9000), [100, 0, 200, 200])
})

test('a frame on the way begins where the box is shown', () => {
  const m = new Motion()
  m.update([target(1, 0)], 1000)
  m.update([target(1, 100)], 1100)
  m.update([target(1, 300)], 1150)
  assert.deepEqual(m.box(1, 1150), [50, 0, 150, 200])
  assert.deepEqual(m.box(1, 1200), [300, 0, 400, 200])
})

test('boxes jump for who wants less motion', () => {
  const m = new Motion()
  m.still = true
  m.update([target(1, 0)], 1000)
  m.update([target(1, 100)], 1100)
  assert.deepEqual(m.box(1, 1101), [100, 0, 200, 200])
})

test('who is not in the frame is gone', () => {
  const m = new Motion()
  m.update([target(1, 0), target(2, 0)], 1000)
  m.update([target(2, 0)], 1100)
  assert.deepEqual(m.all().map((x) => x.target.id), [2])
  assert.equal(m.box(1, 1100), undefined)
  m.update([], 1200)
  assert.equal(m.size, 0)
  assert.equal(m.rests(1200), Infinity)
})

test('dwell grows between frames, and stands still without a connection', () => {
  const m = new Motion()
  m.update([target(1, 0, { zones: { porch: 1.4 } })], 1000)
  assert.equal(m.dwell(1, 'porch', 1600), 2)
  assert.equal(m.dwell(1, 'drive', 1600), undefined)
  assert.equal(m.age(1, 1500), 1.5)
  m.freeze(2000)
  m.freeze(3000)
  assert.equal(m.dwell(1, 'porch', 9000), 2.4)
  m.update([target(1, 0, { zones: { porch: 9 } })], 9000)
  assert.equal(m.dwell(1, 'porch', 10000), 10)
})

test('a trail is five seconds long, and never ahead of the box', () => {
  const m = new Motion()
  for (let i = 0; i <= 100; i++) m.update([target(1, i * 50)], 1000 + i * 100)
  const mover = m.get(1)
  assert.ok(mover)
  const parts = trailOf(mover, [4990, 200], 11000, 5)
  const points = parts.flatMap((p) => p.points)
  assert.ok(points.every(([x]) => x >= 2450 && x <= 5000), JSON.stringify(points))
  assert.deepEqual(points[points.length - 1], [4990, 200])
  assert.deepEqual(parts.map((p) => p.strength), [0.2, 0.4, 0.6, 0.8, 1])
})

test('who stands still leaves no trail', () => {
  const m = new Motion()
  for (let i = 0; i <= 100; i++) m.update([target(1, i % 2)], 1000 + i * 100)
  assert.ok((m.get(1)?.trail.length ?? 9) <= 1)
  const mover = m.get(1)
  assert.ok(mover)
  assert.deepEqual(trailOf(mover, [50, 200], 11000, 5), [])
})

test('a crossing is seen for a moment', () => {
  const m = new Motion()
  m.crossed({ at: '', camera: 'front', line: 'kerb', direction: 'in', target: 1 }, 1000)
  assert.equal(m.flashes(1100).length, 1)
  assert.equal(m.rests(1100), 0)
  m.crossed({ at: '', camera: 'front', line: 'kerb', direction: 'out', target: 1 }, 1200)
  assert.deepEqual(m.flashes(1300).map((f) => f.direction), ['out'])
  assert.equal(m.flashes(1200 + flashTime).length, 0)
})

test('nothing is painted that looks the same', () => {
  const m = new Motion()
  m.update([target(1, 0, { zones: { porch: 1 } })], 1000)
  assert.equal(m.rests(1001), 100)
  m.update([target(1, 100)], 1100)
  assert.equal(m.rests(1150), 0)
  m.freeze(5000)
  assert.equal(m.rests(5000), Infinity)
})

test('the zones somebody is in', () => {
  const m = new Motion()
  m.update([target(1, 0, { zones: { porch: 1, drive: 0 } }), target(2, 0, { zones: { drive: 3 } })], 1000)
  assert.deepEqual([...m.occupied()].sort(), ['drive', 'porch'])
})
