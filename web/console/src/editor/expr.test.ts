import { test } from 'node:test'
import assert from 'node:assert/strict'
import { tokens, writing } from './expr'

test('a condition has colours', () => {
  const text = 'target.class == "person" && !(dwell("porch") > 2)'
  assert.deepEqual(
    tokens(text).map((t) => `${t.kind} ${text.slice(t.from, t.to)}`),
    ['field target.class', 'operator ==', 'string "person"', 'operator &&', 'operator !', 'bracket (', 'function dwell', 'string "porch"', 'bracket )', 'operator >', 'number 2', 'bracket )'],
  )
})

test('what is being written at the end', () => {
  assert.deepEqual(writing('target.cl'), { what: 'word', from: 0, word: 'target.cl' })
  assert.deepEqual(writing('a && '), { what: 'word', from: 5, word: '' })
  assert.deepEqual(writing('dwell("po'), { what: 'argument', from: 7, word: 'po', of: 'dwell', n: 0 })
  assert.deepEqual(writing('seen("street", "'), { what: 'argument', from: 16, word: '', of: 'seen', n: 1 })
  assert.deepEqual(writing('plate.on("'), { what: 'argument', from: 10, word: '', of: 'plate.on', n: 0 })
  assert.deepEqual(writing('target.class == "'), { what: 'value', from: 17, word: '', of: 'target.class' })
  assert.deepEqual(writing('target.class in ["car", "m'), { what: 'value', from: 25, word: 'm', of: 'target.class' })
  assert.deepEqual(writing('a || relay("gate").o'), { what: 'field', from: 19, word: 'o', of: 'relay' })
  assert.deepEqual(writing('flag("mode") == "'), { what: 'value', from: 17, word: '', of: 'flag("mode")' })
})

test('nothing is offered inside a text that is nobody\'s, nor behind a whole word', () => {
  assert.deepEqual(writing('x contains "tar'), { what: 'nothing' })
  assert.deepEqual(writing('dwell("porch")'), { what: 'nothing' })
})
