import { test } from 'node:test'
import assert from 'node:assert/strict'
import { inZone } from './zonetime'

test('tomorrow at seven is seven by the site\'s clock', () => {
  const now = Date.parse('2026-11-24T23:30:00Z') // the 25th in Berlin already
  assert.equal(inZone(now, 'Europe/Berlin', { days: 1, hour: 7, minute: 0 }).toISOString(), '2026-11-26T06:00:00.000Z')
  assert.equal(inZone(now, 'UTC', { days: 1, hour: 7, minute: 0 }).toISOString(), '2026-11-25T07:00:00.000Z')
  assert.equal(inZone(now, 'America/New_York', { days: 0, hour: 18, minute: 45 }).toISOString(), '2026-11-24T23:45:00.000Z')
})

test('also over the night in which the clock is set', () => {
  const before = Date.parse('2027-03-27T20:00:00Z')
  assert.equal(inZone(before, 'Europe/Berlin', { days: 1, hour: 7, minute: 0 }).toISOString(), '2027-03-28T05:00:00.000Z')
})
