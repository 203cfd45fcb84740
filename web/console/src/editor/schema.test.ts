import { test } from 'node:test'
import assert from 'node:assert/strict'
import { helpAt, holds, keys, type Schema, values } from './schema'

const schema: Schema = {
  definitions: {
    text: { type: 'string' },
    step: {
      oneOf: [
        { properties: { relay: { $ref: '#/definitions/text', description: 'The relay.' }, pulse: { type: 'string', examples: ['800ms'] } }, required: ['relay'] },
        { properties: { log: { type: 'string' } }, required: ['log'] },
      ],
    },
    loop: { $ref: '#/definitions/loop' },
  },
  properties: {
    zones: { type: 'object', additionalProperties: { properties: { anchor: { enum: ['bottom', 'top'], description: 'The point that counts.' } } } },
    rules: { type: 'array', items: { properties: { name: { type: 'string' }, repeat: { type: 'boolean' }, do: { type: 'array', items: { $ref: '#/definitions/step' } }, odd: { $ref: '#/definitions/loop' } }, required: ['name'] } },
  },
}

test('keys by their place, those of other shapes left out once one is begun', () => {
  assert.deepEqual(keys(schema, []).map((k) => k.name), ['zones', 'rules'])
  assert.deepEqual(keys(schema, ['rules', 0, 'do', 0]).map((k) => k.name), ['relay', 'pulse', 'log'])
  assert.deepEqual(keys(schema, ['rules', 0, 'do', 0], ['relay']).map((k) => k.name), ['relay', 'pulse'])
  assert.equal(keys(schema, ['rules', 0]).find((k) => k.name === 'name')?.required, true)
  assert.deepEqual(keys(schema, ['zones', 'constructor']).map((k) => k.name), ['anchor'])
})

test('values, and what is said of a key', () => {
  assert.deepEqual(values(schema, ['zones', 'porch', 'anchor']).map((v) => v.text), ['bottom', 'top'])
  assert.deepEqual(values(schema, ['rules', 3, 'repeat']).map((v) => v.text), ['true', 'false'])
  assert.deepEqual(values(schema, ['rules', 0, 'do', 0, 'pulse']), [{ text: '800ms', help: '', example: true }])
  assert.equal(helpAt(schema, ['zones', 'porch', 'anchor']), 'The point that counts.')
  assert.equal(helpAt(schema, ['rules', 0, 'do', 0, 'relay']), 'The relay.')
  assert.equal(holds(schema, keys(schema, ['rules', 0]).find((k) => k.name === 'do')?.schema ?? {}), 'list')
})

test('a schema that goes round in circles ends', () => {
  assert.deepEqual(keys(schema, ['rules', 0, 'odd']), [])
})
