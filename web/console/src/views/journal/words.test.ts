import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, EntryKind } from '../../api'
import { arranged, toneOf, wordOf } from './words'

const entry = (id: number, kind: EntryKind, more: Partial<Entry> = {}): Entry => ({ id, kind, at: new Date(1_780_000_000_000 + id * 1000).toISOString(), text: '', ...more })

test('what a firing led to stands under it', () => {
  const all = [entry(99, 'relay', { firing: 2 }), entry(5, 'relay', { firing: 2 }), entry(4, 'event'), entry(3, 'action', { firing: 2 }), entry(2, 'firing'), entry(1, 'action', { firing: 0 })]
  assert.deepEqual(
    arranged(all).map((s) => [s.entry.id, s.under]),
    [
      [99, false],
      [4, false],
      [2, false],
      [3, true],
      [5, true],
      [1, false],
    ],
  )
})

test('an entry says what it is and how well', () => {
  assert.equal(wordOf(entry(1, 'firing', { type: 'end' })), 'ended')
  assert.equal(wordOf(entry(1, 'action', { type: 'command' })), 'by hand')
  assert.equal(toneOf(entry(1, 'relay', { on: true })), 'ok')
  assert.equal(toneOf(entry(1, 'relay', { on: false, fault: 'x' })), 'bad')
  assert.equal(toneOf(entry(1, 'action', { outcome: 'failed' })), 'bad')
  assert.equal(toneOf(entry(1, 'login', { ok: false })), 'bad')
})
