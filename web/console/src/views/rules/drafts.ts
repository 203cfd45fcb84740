// Texts that were changed and not saved. They outlive their editor: who looks at
// a rule or at the journal in between finds them again.
import { effect, signal } from '@preact/signals'

export interface Draft {
  text: string
  /** Of the file that it began with; empty for a new one. */
  etag: string
  /** When it was changed last, of the browser's clock. */
  at: number
}

export const drafts = signal<ReadonlyMap<string, Draft>>(new Map())

export function keepDraft(path: string, text: string, etag: string): void {
  drafts.value = new Map(drafts.peek()).set(path, { text, etag, at: Date.now() })
}

export function dropDraft(path: string): void {
  if (!drafts.peek().has(path)) return
  const all = new Map(drafts.peek())
  all.delete(path)
  drafts.value = all
}

/** Asks before the tab is closed over texts that are not saved; gives back what ends it. */
export function guardDrafts(): () => void {
  const ask = (e: BeforeUnloadEvent): void => e.preventDefault()
  let on = false
  const stop = effect(() => {
    const want = drafts.value.size > 0
    if (want === on) return
    on = want
    if (on) window.addEventListener('beforeunload', ask)
    else window.removeEventListener('beforeunload', ask)
  })
  return () => {
    stop()
    window.removeEventListener('beforeunload', ask)
  }
}
