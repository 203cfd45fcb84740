import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Point, Target, Zone } from '../api'
import { anchorOf, arrow, between, columns, fit, hit, hue, inside, labelAt, mapping, overlaps, placeNames, placeTag, zoneThatCounts } from './geometry'

const target = (over: Partial<Target>): Target => ({ id: 1, camera: 'front', box: [0, 0, 100, 100], zones: {}, age: 0, ...over })
const zone = (over: Partial<Zone>): Zone => ({ name: 'z', kind: 'zone', camera: 'front', file: 'a.yaml', line: 1, rules: [], ...over })
const square = (size: number): Point[] => [[0, 0], [size, 0], [size, size], [0, size]]

test('units go to pixels and back, whole and within the picture', () => {
  const m = mapping(1600, 900)
  assert.equal(m.x(5000), 800)
  assert.equal(m.y(10000), 900)
  assert.equal(m.ux(800.2), 5001)
  assert.equal(m.uy(-3), 0)
  assert.equal(m.uy(1e9), 10000)
  assert.equal(mapping(0, 0).ux(5), 0)
})

test('a picture is as large as fits in its own shape', () => {
  assert.deepEqual(fit(1600, 1600, 16 / 9), { width: 1600, height: 900 })
  assert.deepEqual(fit(1600, 450, 16 / 9), { width: 800, height: 450 })
  assert.deepEqual(fit(0, 450, 16 / 9), { width: 0, height: 0 })
})

test('scenes share the room so that each is largest', () => {
  assert.equal(columns(1, 1600, 900, 16 / 9, 8, 0), 1)
  assert.equal(columns(2, 1600, 500, 16 / 9, 8, 0), 2)
  assert.equal(columns(2, 500, 1600, 16 / 9, 8, 0), 1)
  assert.equal(columns(4, 1600, 900, 16 / 9, 8, 0), 2)
  assert.equal(columns(8, 1600, 900, 16 / 9, 8, 0), 3)
})

test('a line\'s arrow points to its right hand when right is in', () => {
  // From left to right on the screen: the right hand is down.
  assert.deepEqual(arrow([0, 50], [100, 50], 'right', 20).tip, [50, 70])
  assert.deepEqual(arrow([0, 50], [100, 50], 'left', 20).tip, [50, 30])
  // Downwards: the right hand is the screen's left.
  assert.deepEqual(arrow([50, 0], [50, 100], 'right', 20).tip, [30, 50])
  // A line of no length has an arrow too.
  assert.deepEqual(arrow([5, 5], [5, 5], 'right', 20).from, [5, 5])
})

test('a zone judges by the point of the box that its anchor names', () => {
  assert.deepEqual(anchorOf([0, 0, 100, 200]), [50, 200])
  assert.deepEqual(anchorOf([0, 0, 100, 200], 'center'), [50, 100])
  assert.deepEqual(anchorOf([0, 0, 100, 200], 'top'), [50, 0])
})

test('a box is never beyond where it was or is', () => {
  assert.deepEqual(between([0, 0, 10, 10], [10, 10, 20, 20], 0.5), [5, 5, 15, 15])
  assert.deepEqual(between([0, 0, 10, 10], [10, 10, 20, 20], 7), [10, 10, 20, 20])
  assert.deepEqual(between([0, 0, 10, 10], [10, 10, 20, 20], -7), [0, 0, 10, 10])
})

test('a point on the edge is inside', () => {
  assert.equal(inside(square(100), [50, 50]), true)
  assert.equal(inside(square(100), [100, 50]), true)
  assert.equal(inside(square(100), [0, 0]), true)
  assert.equal(inside(square(100), [101, 50]), false)
})

test('the zone that counts is one that a rule uses, and then the smallest', () => {
  const big = zone({ name: 'big', points: square(9000), rules: ['r'] })
  const small = zone({ name: 'small', points: square(100) })
  const mid = zone({ name: 'mid', points: square(500), rules: ['r'] })
  const other = zone({ name: 'other', camera: 'back', points: square(5), rules: ['r'] })
  const all = [big, small, mid, other]
  assert.equal(zoneThatCounts(target({ zones: {} }), all), undefined)
  assert.equal(zoneThatCounts(target({ zones: { big: 1, small: 1, other: 1 } }), all)?.name, 'big')
  assert.equal(zoneThatCounts(target({ zones: { big: 1, small: 1, mid: 1 } }), all)?.name, 'mid')
  assert.equal(zoneThatCounts(target({ zones: { small: 1 } }), all)?.name, 'small')
})

test('a name has its hue for good, and none that means something', () => {
  assert.equal(hue('porch'), hue('porch'))
  for (const name of ['porch', 'drive', 'kerb', 'a', '', 'b-2', 'yard']) {
    assert.ok(hue(name) >= 140 && hue(name) <= 325, `${name}: ${hue(name)}`)
  }
})

test('a zone\'s highest corner is where its name stands', () => {
  assert.deepEqual(labelAt([[500, 900], [800, 100], [100, 100]]), [100, 100])
  assert.deepEqual(labelAt([]), [0, 0])
})

test('names stand in their zones and at their lines, off each other and in the picture', () => {
  const m = mapping(1000, 500)
  const drive = zone({ name: 'driveway', points: [[3300, 4300], [6700, 4300], [9000, 9700], [1000, 9700]] })
  const kerb = zone({ name: 'kerb', kind: 'line', points: [[2900, 4500], [7100, 4500]] })
  const empty = zone({ name: 'imported' })
  const long = zone({ name: 'a-zone-with-a-name-that-is-longer-than-it-is-wide', points: [[9000, 0], [10000, 0], [10000, 1000]] })
  const names = placeNames([drive, kerb, empty, long], m)
  assert.deepEqual(names[0], { text: 'driveway', x: 338, y: 232 })
  assert.equal(names[2], undefined)
  assert.equal(names[3]?.text, 'a-zone-with-a…')
  const rects = names.flatMap((n) => (n ? [{ x: n.x, y: n.y - 12, w: n.text.length * 7, h: 15 }] : []))
  rects.forEach((r, i) => {
    assert.ok(r.x >= 0 && r.x + r.w <= 1000 && r.y >= 0 && r.y + r.h <= 500, JSON.stringify(r))
    assert.ok(!rects.slice(0, i).some((t) => overlaps(t, r)), JSON.stringify(rects))
  })
})

test('tags keep out of each other\'s way and in the picture', () => {
  const box = { x: 100, y: 100, w: 40, h: 80 }
  assert.deepEqual(placeTag(box, 60, 16, 'over', [], 400, 300), { rect: { x: 99, y: 84, w: 60, h: 16 }, side: 'over' })
  const taken = [{ x: 90, y: 80, w: 60, h: 16 }]
  assert.equal(placeTag(box, 60, 16, 'over', taken, 400, 300).side, 'under')
  assert.deepEqual(placeTag(box, 60, 16, 'over', [{ x: 145, y: 80, w: 60, h: 16 }], 400, 300), { rect: { x: 81, y: 84, w: 60, h: 16 }, side: 'over right' })
  assert.equal(placeTag(box, 60, 16, 'within', [], 400, 300).side, 'within')
  assert.deepEqual(placeTag({ x: 380, y: 0, w: 40, h: 300 }, 60, 16, 'over', [], 400, 300), { rect: { x: 340, y: 0, w: 60, h: 16 }, side: 'within' })
})

test('a pointer means the smallest box under it', () => {
  const boxes = [
    { id: 1, box: [0, 0, 1000, 1000] as Target['box'] },
    { id: 2, box: [400, 400, 500, 500] as Target['box'] },
  ]
  assert.equal(hit(boxes, 450, 450, 0, 0), 2)
  assert.equal(hit(boxes, 50, 450, 0, 0), 1)
  assert.equal(hit(boxes, 1040, 450, 50, 50), 1)
  assert.equal(hit(boxes, 1060, 450, 50, 50), undefined)
})
