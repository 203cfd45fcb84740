import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Look, Part } from '../../api'
import { about, decides, missing, share, spaced, valuesOf, verdict } from './words'

const look = (over: Partial<Look>): Look => ({ rule: 'r', at: '2026-11-24T22:00:00.000Z', answer: 'false', state: 'idle', did: [], ...over })
const part = (over: Partial<Part>): Part => ({ text: 'x', answer: 'true', ...over })

test('a value stands beside what it is held against', () => {
  const dwell = part({ text: 'dwell("porch") > "2s"', answer: 'false', missing: true, values: [{ name: 'dwell("porch")', value: '1.97s', bound: { value: '2s', off: 15 } }] })
  assert.equal(valuesOf(dwell), '1.9 s > 2 s')
  assert.equal(share(dwell), 0.985)
  assert.equal(valuesOf(part({ text: 'plate.heading == "approach"', values: [{ name: 'plate.heading', value: '"away"' }] })), '"away"')
  assert.equal(valuesOf(part({ text: 'during("office")', values: [{ name: 'now', value: 'Mon 2026-03-02 22:00:06' }] })), 'now = Mon 2026-03-02 22:00:06')
  assert.equal(valuesOf(part({ text: 'since("a") > "1.25s"', values: [{ name: 'since("a")', value: '1.24s', bound: { value: '1.25s', off: 8 } }] })), '1.24 s > 1.25 s')
})

test('durations have blanks and are never rounded up', () => {
  assert.equal(spaced('1h0m0s'), '1 h')
  assert.equal(spaced('1m30s'), '1 min 30 s')
  assert.equal(spaced('0s'), '0 s')
  assert.equal(spaced('800ms'), '800 ms')
  assert.equal(spaced('1.999s', 1), '1.9 s')
  assert.equal(spaced('"7d"'), '"7d"')
})

test('the parts that decide are those that gave the whole its answer', () => {
  const yes = part({ answer: 'true' })
  const no = part({ answer: 'false' })
  const dunno = part({ answer: 'unknown' })
  assert.equal(decides(part({ op: 'and', answer: 'false' }), yes), false)
  assert.equal(decides(part({ op: 'and', answer: 'false' }), no), true)
  assert.equal(decides(part({ op: 'and', answer: 'true' }), yes), true)
  assert.equal(decides(part({ op: 'or', answer: 'true' }), no), false)
  assert.equal(decides(part({ op: 'or', answer: 'unknown' }), dunno), true)
})

test('what holds a look back is said in the words of the rules', () => {
  const words = (l: Partial<Look>): string => {
    const v = verdict(look(l))
    return `${v.word}: ${v.text}${v.left ? ` ${v.left} of ${v.whole ?? '?'}` : ''}`
  }
  assert.equal(words({ answer: 'true', state: 'pending', held: 'for', for: 1.4, left: 0.6 }), 'for: True, but not yet long enough 0.6 of 2')
  assert.equal(words({ answer: 'true', state: 'barred', held: 'cooldown', left: 12 }), 'cooldown: It fired a short time ago 12 of ?')
  assert.equal(words({ answer: 'true', held: 'shadow', did: [{ at: '', type: 'firing' }] }), 'shadow: It fires in the shadow: nothing is done.')
  assert.equal(words({ held: 'while', while: part({ answer: 'unknown' }) }), 'while: while is unknown.')
  assert.equal(words({ state: 'holding', left: 3 }), 'hold: Not true any more; the rule stays active 3 of ?')
  assert.equal(words({ when: part({ op: 'and', answer: 'false', parts: [part({ missing: true }), part({ missing: true })] }) }), 'false: 2 parts are missing.')
  assert.equal(words({ answer: 'true', did: [{ at: '', type: 'firing' }], state: 'active' }), 'fired: It fired.')
  assert.equal(words({ answer: 'true', held: 'something new' }), 'something new: Held back: something new.')
})

test('a look says what it was about once', () => {
  assert.equal(about(look({ key: 'porch/7', camera: 'porch', target: 7 })), 'target 7 at porch')
  assert.equal(about(look({ key: 'porch', camera: 'porch', target: 7 })), 'porch, target 7 at porch')
  assert.equal(about(look({ key: 'gate/#1', plate: 'ABC1234' })), 'visit 1 at gate, plate ABC1234')
  assert.equal(about(look({})), 'the rule as a whole')
  assert.equal(missing(undefined).length, 0)
})
