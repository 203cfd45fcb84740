import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Rule, RuleTick } from '../../api'
import { Lately, overTime, rulesNow, waitsFor } from './rulesnow'

const rule = (name: string, over: Partial<Rule> = {}): Rule => ({
  name, file: 'a.yaml', line: 1, mode: 'live', file_mode: 'live', on: [], per: 'target', state: 'idle', keys: [], cameras: [], relays: [], hours: [], problems: [], ...over,
})
const tick = (name: string, over: Partial<RuleTick>): [string, RuleTick] => [name, { name, state: 'idle', keys: [], mode: 'live', ...over }]

test('rules that do something stand in their order, as the newest tick says', () => {
  const rules = [rule('a'), rule('b', { state: 'active' }), rule('c', { state: 'pending' }), rule('d', { mode: 'off', state: 'active' }), rule('e', { state: 'barred' }), rule('f', { state: 'active' })]
  const ticks = new Map([tick('a', { state: 'pending', keys: [{ key: 'x', state: 'barred' }, { key: 'y', state: 'pending' }], keys_more: 3 }), tick('b', { state: 'idle' })])
  const now = rulesNow(rules, ticks, new Lately(), 0)
  assert.deepEqual(now.map((r) => [r.name, r.state, r.key?.key, r.more]), [['a', 'pending', 'y', 4], ['c', 'pending', undefined, 0], ['f', 'active', undefined, 0], ['e', 'barred', undefined, 0]])
})

test('a rule that became idle stays for a moment', () => {
  const lately = new Lately()
  const key = { key: 'porch/7', state: 'holding' as const, ends: '2026-11-24T10:00:00.000Z' }
  const at = (state: Rule['state'], now: number) =>
    rulesNow([rule('a', { state, keys: state === 'idle' ? [] : [key] })], new Map(), lately, now).map((r) => [r.over, r.key?.key, r.key?.ends])
  assert.deepEqual(at('idle', 0), [])
  assert.deepEqual(at('holding', 1000), [[false, 'porch/7', '2026-11-24T10:00:00.000Z']])
  assert.deepEqual(at('idle', 2000), [[true, 'porch/7', undefined]])
  assert.deepEqual(at('idle', 2000 + overTime), [[true, 'porch/7', undefined]])
  assert.deepEqual(at('idle', 2001 + overTime), [])
  assert.deepEqual(at('idle', 9999), [])
})

test('a rule that fires for a moment is seen for a moment, once', () => {
  const lately = new Lately()
  const ticks = new Map([tick('a', { fired: true })])
  const at = (now: number) => rulesNow([rule('a')], ticks, lately, now).length
  assert.equal(at(1000), 1)
  assert.equal(at(1000 + overTime), 1)
  assert.equal(at(1001 + overTime), 0)
  assert.equal(at(9999), 0)
})

test('a countdown says what runs out', () => {
  assert.equal(waitsFor({ key: 'x', state: 'pending', held: 'for' }), 'for')
  assert.equal(waitsFor({ key: 'x', state: 'barred', held: 'cooldown' }), 'cooldown')
  assert.equal(waitsFor({ key: 'x', state: 'holding' }), 'hold')
})
