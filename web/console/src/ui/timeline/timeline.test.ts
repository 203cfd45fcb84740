import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathsOf, stepFrom, stopAt, stopsOf, type TimelineRow } from './rows'
import { drawn, legible, marks, moved, timeAt, xOf, zoomed } from './scale'
import { momentOf, offsetOf, wallText } from './zone'

const day = 86_400_000
const at = (s: string): number => Date.parse(s)

test('times stand where they belong', () => {
  const r = { since: 1000, until: 3000 }
  assert.equal(xOf(2000, r, 500), 250)
  assert.equal(timeAt(250, r, 500), 2000)
  assert.deepEqual(zoomed(r, 2000, 0.5), { since: 1500, until: 2500 })
  assert.deepEqual(zoomed(r, 1000, 0.001), { since: 1000, until: 2000 })
  assert.deepEqual(moved(r, -0.5), { since: 0, until: 2000 })
  assert.deepEqual(drawn(375, 125, r, 500), { since: 1500, until: 2500 })
  assert.equal(drawn(100, 103, r, 500), undefined)
})

test('round times are written, midnight with its day', () => {
  const utc = offsetOf('UTC')
  const r = { since: at('2026-03-28T12:10:00Z'), until: at('2026-03-29T12:10:00Z') }
  const all = marks(r, 400, utc)
  assert.deepEqual(
    all.map((m) => new Date(m.at).toISOString()),
    ['2026-03-28T18:00:00.000Z', '2026-03-29T00:00:00.000Z', '2026-03-29T06:00:00.000Z', '2026-03-29T12:00:00.000Z'],
  )
})

test('whole hours stay whole over a change of the clock', () => {
  const berlin = offsetOf('Europe/Berlin')
  const r = { since: at('2026-03-28T22:30:00Z'), until: at('2026-03-29T10:30:00Z') }
  for (const m of marks(r, 500, berlin)) assert.equal((m.at + berlin(m.at)) % (2 * 3_600_000), 0)
})

test('a wall time is a moment, also in summer', () => {
  const berlin = offsetOf('Europe/Berlin')
  assert.equal(momentOf(Date.UTC(2026, 6, 1, 12), berlin), at('2026-07-01T10:00:00Z'))
  assert.equal(wallText(at('2026-12-31T23:30:00Z'), berlin), '2027-01-01 00:30')
})

const row: TimelineRow = {
  kind: 'rule',
  name: 'light',
  spans: [
    { from: '2026-03-29T12:00:00Z', to: '2026-03-29T13:00:00Z', id: 7 },
    { from: '2026-03-29T18:00:00Z', id: 9 },
  ],
  ticks: [
    { at: '2026-03-29T12:00:00Z', kind: 'firing', id: 7 },
    { at: '2026-03-29T14:00:00Z', kind: 'suppressed', id: 8, text: 'held back: cooldown' },
  ],
}

test('a span that begins with a firing is that firing', () => {
  const stops = stopsOf(row)
  assert.deepEqual(
    stops.map((s) => [s.id, s.kind, s.text]),
    [
      [7, 'firing', 'fired'],
      [8, 'suppressed', 'held back: cooldown'],
      [9, 'span', 'active'],
    ],
  )
  assert.equal(stops[0]?.to, at('2026-03-29T13:00:00Z'))
})

test('keys step from mark to mark', () => {
  const stops = stopsOf(row)
  assert.equal(stepFrom(stops, -Infinity, 1)?.id, 7)
  assert.equal(stepFrom(stops, stops[0]?.at ?? 0, 1)?.id, 8)
  assert.equal(stepFrom(stops, stops[0]?.at ?? 0, -1), undefined)
  assert.equal(stepFrom(stops, Infinity, -1)?.id, 9)
})

test('the nearest mark is under the pointer', () => {
  const stops = stopsOf(row)
  const r = { since: at('2026-03-29T00:00:00Z'), until: at('2026-03-29T00:00:00Z') + day }
  assert.equal(stopAt(stops, 505, r, 1000)?.id, 7)
  assert.equal(stopAt(stops, 650, r, 1000), undefined)
  assert.equal(stopAt(stops, 900, r, 1000)?.id, 9)
})

test('what lies outside is not drawn', () => {
  const r = { since: at('2026-03-29T13:30:00Z'), until: at('2026-03-29T15:30:00Z') }
  const p = pathsOf(row, r, 100, 28)
  assert.equal(p.firings, '')
  assert.match(p.held, /^M22\.5 14a/)
  assert.equal(p.open, '')
})

test('labels of the axis are whole and do not lie on each other', () => {
  const at = (x: number, half: number) => ({ x, half })
  assert.deepEqual(legible([at(10, 36), at(74, 18), at(147, 18)], 300), [at(36, 36), at(147, 18)])
  assert.deepEqual(legible([at(74, 18), at(110, 36), at(295, 18)], 300), [at(110, 36), at(282, 18)])
})
