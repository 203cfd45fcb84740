import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Relay } from '../../api'
import { atMost, causeWords, pulseText, refusal, share, stateOf } from './words'

const relay = (over: Partial<Relay>): Relay => ({ name: 'gate', on: false, max_on: 5, today: 3, confirm: true, rules: [], ...over })

test('a relay\'s state is a word and a colour', () => {
  assert.deepEqual(stateOf(relay({})), { word: 'off', tone: 'off' })
  assert.deepEqual(stateOf(relay({ on: true })), { word: 'on', tone: 'ok' })
  assert.deepEqual(stateOf(relay({ waits: true })), { word: 'waits', tone: 'wait' })
  assert.deepEqual(stateOf(relay({ fault: 'x' })), { word: 'fault', tone: 'bad' })
  assert.deepEqual(stateOf(relay({ fault: 'x', on: true })), { word: 'fault, on', tone: 'bad' })
})

test('a refusal is said in a sentence', () => {
  assert.equal(refusal('relay "gate" refuses: min_off', relay({})), 'It went off a moment ago and may not go on again yet (min_off).')
  assert.equal(refusal('relay "gate" refuses: daily_cap', relay({ today: 200 })), 'It was turned on 200 times in the last 24 hours, as often as it may be (daily_cap).')
  assert.equal(refusal('relay "gate" refuses: constructor', relay({})), 'relay "gate" refuses: constructor')
  assert.equal(refusal('the program did not say in time', relay({})), 'the program did not say in time')
})

test('a ring runs down from full to empty', () => {
  const r = relay({ on: true, since: '2026-11-24T10:00:00.000Z', off_at: '2026-11-24T10:00:10.000Z' })
  const at = (s: number) => share(r, Date.parse('2026-11-24T10:00:00.000Z') + s * 1000)
  assert.equal(at(0), 1)
  assert.equal(at(7.5), 0.25)
  assert.equal(at(99), 0)
  assert.equal(at(-5), 1)
  assert.equal(share(relay({}), 0), undefined)
})

test('a pulse is asked for as a rule writes it', () => {
  assert.equal(pulseText(0.8), '800ms')
  assert.equal(pulseText(1.5), '1.5s')
  assert.equal(pulseText(2), '2s')
})

test('an end that is only the longest time is told from one that was asked for', () => {
  const on = (off_at: string) => relay({ on: true, since: '2026-11-24T10:00:00.000Z', off_at })
  assert.equal(atMost(on('2026-11-24T10:00:05.000Z')), true)
  assert.equal(atMost(on('2026-11-24T10:00:00.800Z')), false)
  assert.equal(atMost(relay({ on: true })), false)
})

test('whom a rule moved a relay for is said in words', () => {
  assert.equal(causeWords('rule "porch light" porch/2157'), 'rule "porch light" for target 2157 at porch')
  assert.equal(causeWords('end of pulse (rule "gate" gate/#1)'), 'end of pulse (rule "gate" for visit 1 at gate)')
  assert.equal(causeWords('rule "a/b"'), 'rule "a/b"')
})

test('who presses on the machine itself is said to be there', () => {
  assert.equal(causeWords('by hand: console at 127.0.0.1'), 'by hand at this machine')
  assert.equal(causeWords('console at ::1'), 'at this machine')
  assert.equal(causeWords('by hand: ann'), 'by hand: ann')
  assert.equal(causeWords('rule "console at 127.0.0.1" did it'), 'rule "console at 127.0.0.1" did it')
})
