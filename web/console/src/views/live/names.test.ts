import { test } from 'node:test'
import assert from 'node:assert/strict'
import { targetNamed, targetText } from './names'

test('an address names a target, whatever its camera is called', () => {
  assert.deepEqual(targetNamed(targetText({ camera: 'front', id: 12 })), { camera: 'front', id: 12 })
  assert.deepEqual(targetNamed('a/b/7'), { camera: 'a/b', id: 7 })
  for (const bad of [null, '', 'front', '/1', 'front/', 'front/x', 'front/-1', 'front/1e9']) assert.equal(targetNamed(bad), undefined, String(bad))
})
