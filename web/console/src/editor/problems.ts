import { type Diagnostic, forceLinting, linter, lintGutter } from '@codemirror/lint'
import type { Extension, Text } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'
import type { RuleProblem } from '../api'
import { concerns } from './concerns'

/** Asks what is wrong with a text; the newest question wins. */
export type Check = (text: string, signal: AbortSignal) => Promise<RuleProblem[]>

/** Underlines what a check finds wrong with the text, a moment after the last key. */
export function problems(file: () => string, check: Check, found: (all: RuleProblem[] | undefined) => void): Extension {
  let running: AbortController | undefined
  return [
    lintGutter(),
    linter(
      async (view) => {
        running?.abort()
        const mine = (running = new AbortController())
        try {
          const all = await check(view.state.doc.toString(), mine.signal)
          if (mine.signal.aborted) return []
          found(all)
          return all.filter((p) => concerns(p, file())).map((p) => diagnostic(view.state.doc, p))
        } catch {
          // Said elsewhere: the console's own line tells that the server is away.
          if (!mine.signal.aborted) found(undefined)
          return []
        }
      },
      { delay: 350 },
    ),
  ]
}

/** Checks again at once, for instance when another file was saved. */
export function checkAgain(view: EditorView): void {
  forceLinting(view)
}

/** Where a problem is in a text; without a place it is the first line. */
export function spot(doc: Text, p: RuleProblem): { from: number; to: number } {
  const line = doc.line(Math.min(Math.max(p.line ?? 1, 1), doc.lines))
  const indent = line.text.length - line.text.trimStart().length
  // Columns count characters; a text counts halves of some of them.
  const before = p.column ? [...line.text].slice(0, p.column - 1).join('').length : indent
  const from = line.from + Math.min(before, line.length)
  const rest = line.text.slice(from - line.from)
  // The marks under the source say how long it is; else the word is.
  const marked = p.column && p.caret ? (/[\^~]+/.exec(p.caret)?.[0].length ?? 0) : 0
  const length = marked > 1 ? marked : (/^(?:"[^"]*"|[\w.-]+|\S+)/.exec(rest)?.[0].length ?? rest.length)
  const to = Math.min(line.to, from + Math.max(1, length))
  return { from: Math.min(from, to), to }
}

function diagnostic(doc: Text, p: RuleProblem): Diagnostic {
  return {
    ...spot(doc, p),
    severity: p.warning ? 'warning' : 'error',
    message: p.suggestion ? `${p.message} (${p.suggestion})` : p.message,
  }
}
