// What a file's editor needs of the server: its text, a save that refuses to
// overwrite somebody else's, and what may be said in it.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { CheckResult, Names, RuleFile, RuleProblem } from '../../api'
import { ApiError, get, post, readFile, saveFile, type TextFile } from '../../client'
import { ruleSet } from '../../state'
import type { Schema } from '../../editor/schema'
import { drafts } from './drafts'

/** The file as the server has it; a new one has no etag. */
export interface Base {
  text: string
  etag: string
}

export type Saved =
  | { how: 'saved'; base: Base; problems: RuleProblem[] }
  /** Somebody else was faster; `theirs` is what stands there now. */
  | { how: 'changed'; theirs: Base }
  | { how: 'problems'; problems: RuleProblem[]; text: string }
  | { how: 'refused'; error: unknown }

/** An etag as a header wants it. */
const quoted = (etag: string): string => (/^(W\/)?"/.test(etag) || !etag ? etag : `"${etag}"`)

/** Reads a file; one that is not there is an empty new one. */
export async function load(path: string, signal?: AbortSignal): Promise<Base> {
  try {
    const f: TextFile = await readFile(path, signal)
    return { text: f.text, etag: f.etag }
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return { text: '', etag: '' }
    throw e
  }
}

/** Saves a text over the file that it began with. */
export async function save(path: string, text: string, over: string): Promise<Saved> {
  try {
    const f = await saveFile<RuleFile | undefined>(path, text, over || undefined)
    const etag = quoted(f?.etag ?? '')
    return { how: 'saved', base: etag ? { text, etag } : await load(path), problems: f?.problems ?? [] }
  } catch (e) {
    if (!(e instanceof ApiError)) return { how: 'refused', error: e }
    if (e.status === 412) {
      try {
        return { how: 'changed', theirs: await load(path) }
      } catch (again) {
        return { how: 'refused', error: again }
      }
    }
    if (e.status === 422) return { how: 'problems', problems: e.problems, text: e.message }
    return { how: 'refused', error: e }
  }
}

/** What is wrong with the rules when this file's text is in place of the one on disk. */
export async function check(path: string, text: string, signal: AbortSignal): Promise<RuleProblem[]> {
  return (await post<CheckResult>('check', { files: { [path]: text } }, signal)).problems
}

/** Names and schema, asked for once and after every change of the rules. */
export function useKnowledge(): { current: { names?: Names; schema?: Schema } } {
  const known = useRef<{ names?: Names; schema?: Schema }>({})
  useEffect(() => {
    const stop = new AbortController()
    get<Names>('names', stop.signal).then((names) => (known.current.names = names), () => undefined)
    return () => stop.abort()
  }, [ruleSet.value])
  useEffect(() => {
    const stop = new AbortController()
    get<Schema>('schema', stop.signal).then((schema) => (known.current.schema = schema), () => undefined)
    return () => stop.abort()
  }, [])
  return known
}

/** The file, once it was read. */
export function useFile(path: string): { base: Base | undefined; setBase: (b: Base) => void; error: unknown; again: () => void } {
  const [base, setBase] = useState<Base | undefined>()
  const [error, setError] = useState<unknown>()
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    setError(undefined)
    // One that was begun here and never saved is not asked for: it is not there.
    if (drafts.peek().get(path)?.etag === '') {
      setBase({ text: '', etag: '' })
      return
    }
    load(path, stop.signal).then(setBase, (e: unknown) => {
      if (!stop.signal.aborted) setError(e)
    })
    return () => stop.abort()
  }, [path, turn])
  return { base, setBase, error, again: () => setTurn((t) => t + 1) }
}
