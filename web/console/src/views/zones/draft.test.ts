import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Zone } from '../../api'
import { begin, change, current, dirty, draftOf, editOf, freeName, histories, keyOf, newDraft, redo, undo } from './draft'
import type { Draft, History } from './draft'

const porch: Zone = { name: 'porch', kind: 'zone', camera: 'front', points: [[0, 0], [100, 0], [0, 100]], anchor: 'center', classes: ['person'], margin: 50, settle: 0.2, linger: 1, file: 'a.yaml', line: 2, rules: ['gate'] }
const opened = (z: Zone): History => ({ saved: draftOf(z), steps: [draftOf(z)], at: 0 })
const edited = (z: Zone, more: Partial<Draft>): History => ({ saved: draftOf(z), steps: [draftOf(z), { ...draftOf(z), ...more }], at: 1 })

test('only what was changed is asked to be written', () => {
  assert.equal(dirty(opened(porch)), false)
  assert.deepEqual(editOf(edited(porch, { points: [[0, 0], [200, 0], [0, 100]] })), {
    was: 'porch', kind: 'zone', zone: { name: 'porch', kind: 'zone', camera: 'front', points: [[0, 0], [200, 0], [0, 100]] },
  })
  assert.deepEqual(editOf(edited(porch, { name: ' terrace ', classes: [] })), { was: 'porch', kind: 'zone', zone: { name: 'terrace', kind: 'zone', camera: 'front', classes: [] } })
})

test('a new line says which side is in, and no default', () => {
  const d = newDraft('line', 'front', 'kerb', [[0, 6000], [10000, 6000]])
  assert.deepEqual(editOf({ steps: [d], at: 0 }), { zone: { name: 'kerb', kind: 'line', camera: 'front', points: [[0, 6000], [10000, 6000]], in: 'right' } })
})

test('the camera’s own is written without points', () => {
  const d = { ...newDraft('zone', 'front', 'yard', [[0, 0], [1, 0], [0, 1]]), import: 'perimeter/1' }
  assert.deepEqual(editOf({ steps: [d], at: 0 }), { zone: { name: 'yard', kind: 'zone', camera: 'front', import: 'perimeter/1' } })
})

test('a drag is one step back, and one forth', () => {
  const key = keyOf('front', 'new-zone', '1')
  begin(key, newDraft('zone', 'front', 'a', []))
  const h = (): History => histories.value.get(key) as History
  for (const [margin, tag] of [[1, 'drag 1'], [2, 'drag 1'], [3, 'drag 1'], [4, 'drag 2']] as const) change(key, h(), { ...current(h()), margin }, tag)
  assert.equal(h().steps.length, 3)
  undo(key)
  assert.equal(current(h()).margin, 3)
  undo(key)
  assert.equal(current(h()).margin, 150)
  undo(key)
  redo(key)
  assert.equal(current(h()).margin, 3)
  // What is done after a step back takes the place of what was ahead.
  change(key, h(), { ...current(h()), margin: 9 }, 'drag 1')
  redo(key)
  assert.equal(current(h()).margin, 9)
  undo(key)
  assert.equal(current(h()).margin, 3)
})

test('a free name', () => {
  assert.equal(freeName('zone', []), 'zone')
  assert.equal(freeName('zone', ['zone', 'zone-2']), 'zone-3')
})
