import { test } from 'node:test'
import assert from 'node:assert/strict'
import { diff, hunks } from './diff'

const written = (before: string, after: string): string[] => diff(before, after).map((l) => ({ same: ' ', old: '-', new: '+' })[l.side] + l.text)

test('a changed line is the old one and then the new one', () => {
  assert.deepEqual(written('a\nb\nc\n', 'a\nx\nc\n'), [' a', '-b', '+x', ' c'])
})

test('lines added and taken away at either end', () => {
  assert.deepEqual(written('a\n', 'z\na\nb\n'), ['+z', ' a', '+b'])
  assert.deepEqual(written('', 'a'), ['+a'])
  assert.deepEqual(written('a\r\nb', ''), ['-a', '-b'])
})

test('whatever differs, both texts can be read out of it', () => {
  let seed = 1
  const random = (n: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n
  const text = (): string => Array.from({ length: random(9) }, () => 'abc'[random(3)]).join('\n')
  for (let i = 0; i < 2000; i++) {
    const [a, b] = [text(), text()]
    const d = diff(a, b)
    assert.equal(d.filter((l) => l.side !== 'new').map((l) => l.text).join('\n'), a)
    assert.equal(d.filter((l) => l.side !== 'old').map((l) => l.text).join('\n'), b)
    for (const l of d) {
      if (l.old) assert.equal(a.split('\n')[l.old - 1], l.text)
      if (l.new) assert.equal(b.split('\n')[l.new - 1], l.text)
    }
  }
})

test('texts that have nothing in common are not searched for ever', () => {
  const a = Array.from({ length: 3000 }, (_, i) => `a${i}`).join('\n')
  const d = diff(a, a.replaceAll('a', 'b'))
  assert.equal(d.length, 6000)
})

test('what did not change is left out but for its neighbours', () => {
  const before = Array.from({ length: 20 }, (_, i) => `line ${i}`).join('\n')
  const h = hunks(diff(before, before.replace('line 10', 'ten')), 1)
  assert.deepEqual(h.map((l) => l?.text ?? '…'), ['…', 'line 9', 'line 10', 'ten', 'line 11', '…'])
})
