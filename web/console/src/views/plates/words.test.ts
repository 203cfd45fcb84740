import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlateRead } from '../../api'
import { offsetOf } from '../../ui/timeline/zone'
import { arrivals, presets, validity, vehicleText, verdict } from './words'

const read = (id: number, number: string, s: number, more: Partial<PlateRead> = {}): PlateRead => ({
  id, number, at: new Date(1_780_000_000_000 + s * 1000).toISOString(), camera: 'gate', lists: [], fired: [], held: [], images: [], ...more,
})

test('what came of a read is said in words', () => {
  assert.equal(verdict(read(1, 'A', 0, { fired: ['gate', 'log'] })).text, 'gate, log fired')
  const refused = verdict(read(1, 'A', 0, { fired: ['gate', 'log'], undone: [{ rule: 'gate', reason: 'min_off' }] }))
  assert.deepEqual(refused, { text: 'gate refused: min_off; log fired', tone: 'wait' })
  assert.deepEqual(verdict(read(1, 'A', 0, { shadow: ['gate'] })), { text: 'gate fired in shadow: nothing moved', tone: 'off' })
  assert.equal(verdict(read(1, 'A', 0, { held: [{ rule: 'gate', reason: 'cooldown' }] })).text, 'gate held back: cooldown')
  assert.equal(verdict(read(1, 'A', 0)).text, 'on no list, nothing fired')
  assert.equal(verdict(read(1, 'A', 0, { lists: [{ name: 'residents' }] })).text, 'nothing fired')
  assert.equal(vehicleText({ color: 'grey', brand: 'Tesla', type: 'saloon car' }), 'grey Tesla, saloon car')
})

test('reads of one car are one arrival', () => {
  const all = arrivals([read(5, 'B', 20), read(4, 'A', 10), read(3, 'A', 8, { fired: ['gate'] }), read(2, 'A', -100), read(1, 'A', -100, { camera: 'side' })])
  assert.deepEqual(
    all.map((a) => [a.read.id, a.reads.length]),
    [
      [5, 1],
      [3, 2],
      [2, 1],
      [1, 1],
    ],
  )
})

test('guests have an end on the clock of the site', () => {
  const berlin = offsetOf('Europe/Berlin')
  const all = presets(Date.parse('2026-07-01T20:30:00Z'), berlin)
  assert.deepEqual(
    all.map((p) => p.until),
    ['2026-07-02 00:30', '2026-07-02 00:00', '2026-07-02 20:00', '2026-07-08 22:30'],
  )
})

test('validity is said as it is written', () => {
  assert.equal(validity({ plate: 'A', valid: true }), 'always')
  assert.equal(validity({ plate: 'A', valid: true, until: '2027-01-31', schedule: 'office' }), 'until 2027-01-31, office')
})
