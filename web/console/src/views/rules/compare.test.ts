import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { ReplayFiring } from '../../api'
import { compare, sums } from './compare'

const firing = (second: number, same: boolean, over: Partial<ReplayFiring> = {}): ReplayFiring => ({
  at: `2026-11-24T22:00:0${second}.000Z`, rule: 'r', type: 'firing', same, ...over,
})

test('what both did stands once, the newest first, each with its side', () => {
  const rows = compare({ old: [firing(1, true), firing(2, false)], new: [firing(1, true), firing(3, false), firing(4, false, { type: 'suppressed', reason: 'cooldown' })] })
  assert.deepEqual(rows.map((r) => `${r.side} ${r.firing.at.slice(17, 19)}`), ['new 04', 'new 03', 'old 02', 'both 01'])
  assert.deepEqual(sums(rows), { both: 1, old: 1, new: 1 })
})

test('two of the same moment are two rows', () => {
  const rows = compare({ old: [firing(1, false), firing(1, false)], new: [] })
  assert.equal(new Set(rows.map((r) => r.id)).size, 2)
})
