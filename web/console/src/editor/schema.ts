// The JSON Schema of rule files, as far as completion and hover need it.

import type { Path } from './place'

export interface Schema {
  $ref?: string
  description?: string
  title?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  examples?: unknown[]
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  required?: string[]
  allOf?: Schema[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  definitions?: Record<string, Schema>
  pattern?: string
  minimum?: number
  maximum?: number
}

/** So deep a schema refers to itself at most. */
const deepest = 40

/** The schema without its references and choices: every shape that it allows. */
function shapes(root: Schema, s: Schema | undefined, depth = 0): Schema[] {
  if (!s || depth > deepest) return []
  const out: Schema[] = [s]
  if (s.$ref) out.push(...shapes(root, root.definitions?.[s.$ref.replace('#/definitions/', '')], depth + 1))
  for (const k of [...(s.allOf ?? []), ...(s.anyOf ?? []), ...(s.oneOf ?? [])]) out.push(...shapes(root, k, depth + 1))
  return out
}

/** Every shape of what stands at a path. */
export function at(root: Schema, path: Path): Schema[] {
  let here = shapes(root, root)
  for (const step of path) {
    const next: Schema[] = []
    for (const s of here) {
      if (typeof step === 'number') next.push(...shapes(root, s.items))
      else if (s.properties && Object.hasOwn(s.properties, step)) next.push(...shapes(root, s.properties[step]))
      else if (typeof s.additionalProperties === 'object') next.push(...shapes(root, s.additionalProperties))
    }
    here = next
  }
  return here
}

export interface Key {
  name: string
  help: string
  /** It must be there. */
  required: boolean
  schema: Schema
}

/** The keys that a mapping at a path may have. With `taken`, shapes that the keys there rule out do not count. */
export function keys(root: Schema, path: Path, taken: string[] = []): Key[] {
  const found = new Map<string, Key>()
  const all = at(root, path).filter((s) => s.properties)
  const fitting = all.filter((s) => taken.every((k) => s.properties && Object.hasOwn(s.properties, k)))
  for (const s of fitting.length > 0 ? fitting : all) {
    for (const [name, schema] of Object.entries(s.properties ?? {})) {
      if (!found.has(name)) found.set(name, { name, help: help(root, schema), required: s.required?.includes(name) ?? false, schema })
    }
  }
  return [...found.values()]
}

/** What a schema says of itself, in its own words or those of what it refers to. */
export function help(root: Schema, s: Schema): string {
  if (s.description) return s.description
  for (const x of shapes(root, s)) if (x.description) return x.description
  return ''
}

/** What is said of the key at the end of a path. */
export function helpAt(root: Schema, path: Path): string {
  const key = path[path.length - 1]
  if (typeof key !== 'string') return ''
  return keys(root, path.slice(0, -1)).find((k) => k.name === key)?.help ?? ''
}

export interface Value {
  text: string
  help: string
  /** One of several examples, not the only words allowed. */
  example: boolean
}

/** The values that may stand at a path: constants, words, true and false, examples. */
export function values(root: Schema, path: Path): Value[] {
  const found = new Map<string, Value>()
  const add = (v: unknown, example: boolean): void => {
    if (typeof v !== 'string' && typeof v !== 'number' && typeof v !== 'boolean') return
    const text = String(v)
    if (!found.has(text)) found.set(text, { text, help: '', example })
  }
  for (const s of at(root, path)) {
    for (const v of s.enum ?? []) add(v, false)
    if (s.const !== undefined) add(s.const, false)
    if (s.type === 'boolean' && s.const === undefined) for (const v of [true, false]) add(v, false)
    for (const v of s.examples ?? []) add(v, true)
  }
  return [...found.values()]
}

/** Whether a value at a path is one more mapping or list, so that a colon is followed by a new line. */
export function holds(root: Schema, s: Schema): 'map' | 'list' | 'value' {
  const all = shapes(root, s)
  if (all.some((x) => x.type === 'array') && !all.some((x) => x.type === 'string' || x.enum)) return 'list'
  if (all.some((x) => x.properties || typeof x.additionalProperties === 'object') && !all.some((x) => x.type === 'string')) return 'map'
  return 'value'
}
