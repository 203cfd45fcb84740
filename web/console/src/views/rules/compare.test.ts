import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { ReplayFiring } from '../../api'
import { compare, sums } from './compare'

const firing = (second: number, same: boolean, over: Partial<ReplayFiring> = {}): ReplayFiring => ({
  at: `2026-11-24T22:00:0${second}.000Z`, rule: 'r', type: 'firing', same, ...over,
})

test('what both did stands once, the newest first, each with its side', () => {
  const rows = compare({ old: [firing(1, true), firing(2, false)], new: [firing(1, true), firing(3, false, { rule: 's' }), firing(4, false, { type: 'suppressed', reason: 'cooldown' })] })
  assert.deepEqual(rows.map((r) => `${r.side} ${r.firing.at.slice(17, 19)}`), ['new 04', 'new 03', 'old 02', 'both 01'])
  assert.deepEqual(sums(rows), { both: 1, moved: 0, old: 1, new: 1 })
})

test('the same firing a little later is one that moved', () => {
  const rows = compare({ old: [firing(1, false, { key: 'a/1' }), firing(5, false, { key: 'a/2' })], new: [firing(3, false, { key: 'a/1' }), firing(4, false, { key: 'a/3' })] })
  assert.deepEqual(rows.map((r) => `${r.side} ${r.firing.key} ${r.later ?? ''}`), ['old a/2 ', 'new a/3 ', 'moved a/1 2'])
})

test('two of the same moment are two rows', () => {
  const rows = compare({ old: [firing(1, false), firing(1, false)], new: [] })
  assert.equal(new Set(rows.map((r) => r.id)).size, 2)
})
