// Calls to the API. Every failure is an ApiError whose message can be shown.
import { signal } from '@preact/signals'
import type { Job, Problem, RuleProblem } from './api'

export class ApiError extends Error {
  constructor(
    /** 0 when no answer came. */
    readonly status: number,
    message: string,
    /** Of rule files that were refused. */
    readonly problems: RuleProblem[] = [],
    /** Seconds after which to try again, of a 429. */
    readonly retryAfter?: number,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

/** Grows by one with every answer that asks to sign in. */
export const signedOut = signal(0)

const base = '/api/v1/'

/** One segment of a path: names of rules and cameras may hold anything. */
export const seg = encodeURIComponent

/** A query string with its question mark, of what is set; empty when nothing is. */
export function query(values: Record<string, string | number | boolean | undefined>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(values)) if (v !== undefined && v !== '') q.set(k, String(v))
  const text = q.toString()
  return text ? `?${text}` : ''
}

/** The address of something below the API, such as an image. */
export const address = (path: string): string => base + path

async function failure(r: Response): Promise<ApiError> {
  let p: Partial<Problem> = {}
  try {
    p = (await r.json()) as Partial<Problem>
  } catch {
    // Not a problem document: the status has to do.
  }
  const after = Number(r.headers.get('Retry-After'))
  return new ApiError(r.status, p.detail ?? `The server answered ${r.status} ${r.statusText}`.trim(), p.problems ?? [], after > 0 ? after : undefined)
}

/** A request as it is; anything but success is thrown. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  let r: Response
  try {
    r = await fetch(base + path, { credentials: 'same-origin', ...init })
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e
    throw new ApiError(0, 'The server does not answer.')
  }
  if (r.ok) return r
  const e = await failure(r)
  if (r.status === 401 && path !== 'session') signedOut.value++
  throw e
}

async function json<T>(r: Response): Promise<T> {
  if (r.status === 204 || r.headers.get('Content-Length') === '0') return undefined as T
  return (await r.json()) as T
}

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method }
  if (signal) init.signal = signal
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  return json<T>(await call(path, init))
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => send<T>('GET', path, undefined, signal)
export const post = <T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> => send<T>('POST', path, body, signal)
export const put = <T>(path: string, body?: unknown): Promise<T> => send<T>('PUT', path, body)
export const del = <T = void>(path: string): Promise<T> => send<T>('DELETE', path)

export interface TextFile {
  text: string
  /** For If-Match when it is saved. */
  etag: string
}

const filePath = (path: string): string => 'files/' + path.split('/').map(seg).join('/')

export async function readFile(path: string, signal?: AbortSignal): Promise<TextFile> {
  const r = await call(filePath(path), signal ? { signal } : {})
  return { text: await r.text(), etag: r.headers.get('ETag') ?? '' }
}

/** Saves a rule file. Without an etag it must be a new one. Throws an ApiError of 412 when somebody else changed it, of 422 with problems. */
export async function saveFile<T>(path: string, text: string, etag?: string): Promise<T> {
  const headers: Record<string, string> = { 'Content-Type': 'text/plain; charset=utf-8' }
  if (etag) headers['If-Match'] = etag
  else headers['If-None-Match'] = '*'
  return json<T>(await call(filePath(path), { method: 'PUT', headers, body: text }))
}

export async function deleteFile(path: string, etag: string): Promise<void> {
  await call(filePath(path), { method: 'DELETE', headers: { 'If-Match': etag } })
}

const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((done, fail) => {
    const t = setTimeout(done, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(t)
      fail(new DOMException('given up', 'AbortError'))
    })
  })

/** Follows long work until it ends, telling of every step. Aborting stops following; DELETE jobs/{id} cancels the work. */
export async function follow<R>(job: Job<R>, step: (j: Job<R>) => void, signal?: AbortSignal): Promise<Job<R>> {
  let j = job
  step(j)
  for (let wait = 150; j.state === 'waiting' || j.state === 'running'; wait = Math.min(wait * 1.5, 1000)) {
    await pause(wait, signal)
    j = await get<Job<R>>(`jobs/${seg(j.id)}`, signal)
    step(j)
  }
  return j
}
