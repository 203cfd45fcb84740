import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Names } from '../api'
import { withLocal } from './local'

const none: Names = { cameras: [], zones: [{ name: 'porch', camera: 'front' }], lines: [], relays: [], contacts: [], lists: [], notifiers: [], flags: [], schedules: [], kinds: [], words: [] }

test('names that stand in the text can be said in it before it is saved', () => {
  const n = withLocal(none, 'zones:\n  porch: {camera: front}\n  yard: {camera: back, polygon: []}\nlines:\n  # a note\n  kerb:\n    camera: front\nrules:\n  - name: x\n')
  assert.deepEqual(n?.zones, [{ name: 'porch', camera: 'front' }, { name: 'yard', camera: 'back' }])
  assert.deepEqual(n?.lines.map((l) => l.name), ['kerb'])
  assert.deepEqual(n?.flags, [])
  assert.equal(withLocal(undefined, 'zones:'), undefined)
})
