import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Look, Part } from '../../api'
import { distance } from './looks'

const look = (when: Part): Look => ({ rule: 'r', at: '2026-03-29T13:00:00Z', answer: when.answer, when, state: 'idle', did: [] })
const dwell = (off: number): Part => ({ text: 'dwell("porch") > "5s"', answer: 'false', missing: true, values: [{ name: 'dwell("porch")', value: '1s', bound: { value: '5s', off } }] })

test('fewer missing parts are nearer, then those that are less off', () => {
  equal(distance(look({ text: 'a', answer: 'true' })), 0)
  ok(distance(look(dwell(200))) < distance(look(dwell(800))))
  const two: Part = { op: 'and', text: '', answer: 'false', parts: [dwell(10), dwell(10)] }
  ok(distance(look(dwell(900))) < distance(look(two)))
})
