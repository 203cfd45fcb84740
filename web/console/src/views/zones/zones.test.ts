import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Point, Track } from '../../api'
import { edges, inserted, moved, snap, withPoint, wrongWith } from './shape'
import { crossings, tally, visits, walkOf } from './visits'
import type { Limits } from './visits'

const square: Point[] = [
  [2000, 2000],
  [6000, 2000],
  [6000, 6000],
  [2000, 6000],
]
const zone: Limits = { kind: 'zone', margin: 150, settle: 0.2, linger: 1 }
const line: Limits = { kind: 'line', margin: 100, settle: 0, linger: 0, in: 'right' }
const track = (points: [number, number, number][], more: Partial<Track> = {}): Track => ({ id: 1, from: '', to: '', points, ...more })

test('a shape stops at the border, whole', () => {
  assert.deepEqual(moved(square, -5000, 100), [
    [0, 2100],
    [4000, 2100],
    [4000, 6100],
    [0, 6100],
  ])
  assert.deepEqual(withPoint(square, 1, [10400, -7.4])[1], [10000, 0])
})

test('a new corner is between its neighbours', () => {
  assert.deepEqual(inserted(square, 3, [2000, 4000.4])[4], [2000, 4000])
})

test('a point goes to a corner before an edge before the border', () => {
  const others = { corners: [[1000, 1000] as Point], edges: edges([[1000, 1000], [5000, 1000]], false) }
  const reach = { x: 100, y: 200 }
  assert.deepEqual(snap([1060, 1050], others, reach), { point: [1000, 1000], to: 'corner' })
  assert.deepEqual(snap([3000, 1150], others, reach), { point: [3000, 1000], to: 'edge' })
  assert.deepEqual(snap([3000, 1250], others, reach), { point: [3000, 1250], to: undefined })
  assert.deepEqual(snap([40, 9900], others, reach), { point: [0, 10000], to: 'border' })
  assert.deepEqual(snap([1060, 1050], others, { x: 0, y: 0 }), { point: [1060, 1050], to: undefined })
})

test('what cannot be saved is said', () => {
  assert.equal(wrongWith('zone', square), undefined)
  assert.equal(wrongWith('zone', square.slice(0, 2)), 'A zone needs three corners.')
  assert.equal(wrongWith('zone', [[0, 0], [100, 100], [100, 0], [0, 100]]), 'The zone crosses itself.')
  assert.equal(wrongWith('zone', [[0, 0], [100, 0], [100, 0], [0, 100]]), 'Two corners are in one place.')
  assert.equal(wrongWith('zone', [[0, 0], [100, 0], [50, 0], [50, 90]]), 'The zone crosses itself.')
  assert.equal(wrongWith('zone', [[0, 0], [100, 0], [200, 0]]), 'The zone has no area.')
  assert.equal(wrongWith('zone', [[0, 0], [100, 0], [0, 100]]), undefined)
  assert.equal(wrongWith('line', [[0, 0], [0, 0]]), 'A line needs two ends in different places.')
  assert.equal(wrongWith('line', [[0, 0], [0, 1]]), undefined)
})

test('who walks through has one visit of the time inside', () => {
  // 8000 units in 8 s: 4 s of them inside, though no point is.
  assert.deepEqual(visits(track([[0, 0, 4000], [8000, 8000, 4000]]), square, { ...zone, margin: 0 }), [4])
  const margin = visits(track([[0, 0, 4000], [8000, 8000, 4000]]), square, zone)[0] ?? 0
  assert.ok(margin > 4 && margin < 4.3, String(margin))
})

test('who only touches the zone does not settle', () => {
  assert.deepEqual(visits(track([[0, 0, 4000], [100, 2400, 4000], [150, 0, 4000]]), square, zone), [])
})

test('who steps out for less than linger stays; who is away longer comes again', () => {
  const out = (ms: number): Track => track([[0, 3000, 3000], [2000, 3000, 3000], [2001, 1000, 3000], [2000 + ms, 1000, 3000], [2001 + ms, 3000, 3000], [4000 + ms, 3000, 3000]])
  assert.equal(visits(out(800), square, zone).length, 1)
  assert.equal(visits(out(1500), square, zone).length, 2)
})

test('who stands just outside within the margin has not left', () => {
  assert.deepEqual(visits(track([[0, 3000, 3000], [1000, 3000, 3000], [2000, 1900, 3000], [9000, 1900, 3000]]), square, zone), [9])
  assert.deepEqual(visits(track([[0, 1900, 3000], [9000, 1900, 3000]]), square, zone), [])
})

test('a line is crossed beyond its margin, by a way that cuts it', () => {
  const kerb: Point[] = [[2000, 5000], [8000, 5000]]
  assert.deepEqual(crossings(track([[0, 5000, 4000], [1000, 5000, 6000]]), kerb, line), { in: 1, out: 0 })
  assert.deepEqual(crossings(track([[0, 5000, 4000], [1000, 5000, 6000]]), kerb, { ...line, in: 'left' }), { in: 0, out: 1 })
  assert.deepEqual(crossings(track([[0, 5000, 4000], [1000, 5000, 5050], [2000, 5000, 4000]]), kerb, line), { in: 0, out: 0 })
  assert.deepEqual(crossings(track([[0, 1000, 4000], [1000, 1000, 6000]]), kerb, line), { in: 0, out: 0 })
  assert.deepEqual(crossings(track([[0, 5000, 4000], [500, 5000, 5000], [1000, 5000, 6000], [2000, 5000, 4000]]), kerb, line), { in: 1, out: 1 })
})

test('only the named classes count', () => {
  const walks = [track([[0, 3000, 3000], [1000, 3000, 3000]], { class: 'car' }), track([[0, 3000, 3000], [2500, 3000, 3000]], { class: 'person' }), track([[0, 9000, 9000], [1000, 9000, 9000]])].map(walkOf)
  const all = tally(walks, square, zone)
  assert.equal(all.of, 3)
  assert.deepEqual([...all.who], [0, 1])
  assert.deepEqual(all.dwells, [1, 2.5])
  const persons = tally(walks, square, { ...zone, classes: ['person'] })
  assert.equal(persons.of, 1)
  assert.deepEqual([...persons.who], [1])
})
