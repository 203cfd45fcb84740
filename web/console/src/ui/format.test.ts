import { test } from 'node:test'
import assert from 'node:assert/strict'
import { ago, bytes, clock, clockMillis, clockOrDate, count, countdown, day, duration, keyWords, number } from './format'
import { status } from '../state'
import type { Status } from '../api'

const t = '2026-03-29T16:42:10.250Z'

test('times are the site’s, whatever the browser’s', () => {
  for (const [timezone, want] of [
    ['Europe/Berlin', '18:42:10'],
    ['America/New_York', '12:42:10'],
    ['UTC', '16:42:10'],
  ] as const) {
    status.value = { timezone } as Status
    assert.equal(clock(t), want)
  }
  assert.equal(clockMillis(t), '16:42:10.250')
  assert.equal(day(t), '29 Mar 2026')
  status.value = { timezone: 'Nowhere/Land' } as Status
  assert.match(clock(t), /^\d\d:42:10$/)
  status.value = { timezone: 'UTC' } as Status
})

test('the date stands before the time on another day only', () => {
  assert.equal(clockOrDate(t, '2026-03-29T23:00:00Z'), '16:42:10')
  assert.equal(clockOrDate(t, '2026-03-30T01:00:00Z'), 'Sun 29 Mar 16:42:10')
})

test('how long ago, in the largest whole unit', () => {
  const at = Date.parse(t)
  for (const [s, want] of [
    [0, 'now'],
    [20, '20 s ago'],
    [180, '3 min ago'],
    [3600 * 5, '5 h ago'],
    [86400 * 12, '12 days ago'],
    [-20, 'in 20 s'],
  ] as const)
    assert.equal(ago(t, at + s * 1000), want)
  assert.equal(ago('never', at), '')
})

test('durations', () => {
  for (const [s, want] of [
    [0.84, '0.8 s'],
    [1.4, '1.4 s'],
    [9.96, '10 s'],
    [48, '48 s'],
    [150, '2 min 30 s'],
    [720, '12 min'],
    [5400, '90 min'],
    [9000, '2 h 30 min'],
    [86400 * 3, '3 days'],
    [-297, '−4 min 57 s'],
  ] as const)
    assert.equal(duration(s), want)
  for (const [s, want] of [
    [6.2, '0:07'],
    [760, '12:40'],
    [43185, '11:59:45'],
    [-1, '0:00'],
  ] as const)
    assert.equal(countdown(s), want)
})

test('sizes and counts', () => {
  assert.equal(bytes(340), '340 B')
  assert.equal(bytes(1234567), '1.2 MB')
  assert.equal(number(1234567), '1\u202f234\u202f567')
  assert.equal(count(1, 'camera'), '1 camera')
  assert.equal(count(1200, 'camera'), '1\u202f200 cameras')
})

test('a key is said in words', () => {
  assert.equal(keyWords('porch/2157'), 'target 2157 at porch')
  assert.equal(keyWords('gate/#3'), 'visit 3 at gate')
  assert.equal(keyWords('front/perimeter/1'), 'perimeter 1 at front')
  assert.equal(keyWords('ABC1234'), 'ABC1234')
  assert.equal(keyWords('porch'), 'porch')
})
