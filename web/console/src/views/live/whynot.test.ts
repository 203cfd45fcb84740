import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Look } from '../../api'
import { whyNot } from './whynot'

const look = (over: Partial<Look>): Look => ({ rule: 'r', at: '', answer: 'true', state: 'idle', did: [], ...over })

test('a rule says what it waits for', () => {
  assert.equal(whyNot('pending', look({ held: 'for', left: 0.6 })), 'true, for 0.6 s more')
  assert.equal(whyNot('barred', look({ held: 'cooldown', left: 82 })), 'cooldown, 82 s left')
  assert.equal(whyNot('barred', look({ held: 'visit' })), 'fired in this visit already')
  assert.equal(whyNot('active', look({})), 'active')
  assert.equal(whyNot('holding', look({ answer: 'false', left: 4 })), 'not true any more, held for 4.0 s')
  assert.equal(whyNot('idle', undefined), 'idle')
})

test('a condition that is not true says what it lacks', () => {
  const when = {
    op: 'and' as const,
    text: 'a && b',
    answer: 'false' as const,
    parts: [
      { text: 'target.class == "person"', answer: 'true' as const },
      { text: 'dwell("porch") > "2s"', answer: 'false' as const, missing: true, values: [{ name: 'dwell("porch")', value: '1.4s', bound: { value: '2s', off: 300 } }] },
    ],
  }
  assert.equal(whyNot('idle', look({ answer: 'false', when })), 'false: dwell("porch") > "2s" (1.4 s > 2 s)')
  const more = { ...when, parts: when.parts.map((p) => ({ ...p, missing: true })) }
  assert.equal(whyNot('idle', look({ answer: 'false', when: more })), 'false: target.class == "person", and 1 more')
  assert.equal(whyNot('idle', look({ held: 'while', while: { text: 'night()', answer: 'false', missing: true }, answer: 'true' })), '“while” is false: night()')
})
