import { test } from 'node:test'
import assert from 'node:assert/strict'
import { place } from './place'

/** Where the | is: the path, what is being written there, and how. */
function here(text: string): string {
  const pos = text.lastIndexOf('|')
  const p = place(text.slice(0, pos) + text.slice(pos + 1), pos)
  return `${p.path.join('.')} ${p.slot} ${JSON.stringify(p.word)}`
}

test('keys and values by indentation', () => {
  assert.equal(here('zo|'), ' key "zo"')
  assert.equal(here('rules:\n  - name: a\n    wh|'), 'rules.0 key "wh"')
  assert.equal(here('rules:\n  - name: a\n    when: target.|'), 'rules.0.when value "target."')
  assert.equal(here('rules:\n- name: a\n  on: tar|'), 'rules.0.on value "tar"')
  assert.equal(here('rules:\n  - name: a\n  - |'), 'rules.1 key ""')
  assert.equal(here('rules:\n  - name: a\n    do:\n      - relay: gate\n        pu|'), 'rules.0.do.0 key "pu"')
  assert.equal(here('zones:\n  porch:\n    |'), 'zones.porch key ""')
  assert.equal(here('rules:\n  - name: a\n    on: x\n\n|'), ' key ""')
})

test('braces and brackets, also over several lines', () => {
  assert.equal(here('rules:\n  - name: a\n    do: [{rel|'), 'rules.0.do.0 key "rel"')
  assert.equal(here('rules:\n  - name: a\n    do: [{relay: po|'), 'rules.0.do.0.relay value "po"')
  assert.equal(here('rules:\n  - name: a\n    do:\n      - {relay: gate, pulse: 1s}\n      - {log: "${plate.|'), 'rules.0.do.1.log value "\\"${plate."')
  assert.equal(here('zones:\n  porch: {camera: porch,\n    polygon: [[1, 2],\n      [3, |'), 'zones.porch.polygon.1.1 value ""')
  assert.equal(here('zones:\n  porch: {camera: porch}\n  |'), 'zones key ""')
})

test('a condition on lines of its own is one text', () => {
  assert.equal(here('rules:\n  - name: a\n    when: |\n      !inside("x")\n      && dw|'), 'rules.0.when value "      !inside(\\"x\\")\\n      && dw"')
  assert.equal(here('rules:\n  - name: a\n    when: |\n      !inside("x")\n    ho|'), 'rules.0 key "ho"')
})

test('what stands in comments and quotes is no structure', () => {
  assert.equal(here('rules:\n  - name: "a: {"\n    # zones: {\n    on: |'), 'rules.0.on value ""')
})
