import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../api'
import { entriesPath, fits, narrowed, readFilter, toQuery } from './filter'

const read = (s: string): ReturnType<typeof readFilter> => readFilter(new URLSearchParams(s))

test('the address says what is asked for', () => {
  const f = read('kind=firing,nothing,relay&rule=a%20b&plate=abc&since=x')
  assert.deepEqual(f.kinds, ['firing', 'relay'])
  assert.equal(f.last, '24h')
  assert.equal(narrowed(f), 3)
  assert.equal(entriesPath(f, { limit: 5 }), 'journal?kind=firing%2Crelay&rule=a+b&plate=abc&order=newest&limit=5')
})

test('a time that was drawn takes the place of a word, and the other way round', () => {
  assert.equal(read('last=7d').last, '7d')
  assert.equal(read('last=7d&since=2026-03-29T12:00:00Z').last, '')
  assert.deepEqual(toQuery({ since: '2026-03-29T12:00:00Z', until: '' }), { since: '2026-03-29T12:00:00Z', until: undefined, last: undefined })
  assert.deepEqual(toQuery({ last: '24h' }), { last: undefined, since: undefined, until: undefined })
  assert.deepEqual(toQuery({ kinds: [] }), { kind: undefined })
})

test('only what is asked for comes in at the top', () => {
  const e: Entry = { id: 1, at: '2026-03-29T12:00:00Z', kind: 'firing', rule: 'gate', plate: 'ABC1234', text: 'x' }
  assert.ok(fits(e, read('')))
  assert.ok(fits(e, read('kind=firing&rule=gate&plate=abc-1234')))
  assert.ok(!fits(e, read('kind=event')))
  assert.ok(!fits(e, read('rule=other')))
  assert.ok(!fits(e, read('until=2026-03-30T00:00:00Z')))
  assert.ok(!fits(e, read('since=2026-03-30T00:00:00Z')))
})
