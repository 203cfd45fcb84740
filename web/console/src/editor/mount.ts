// The editor's own chunk: nothing of CodeMirror is in the page's first view.

import { acceptCompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab, redo, undo } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { lintKeymap, nextDiagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import type { RuleProblem } from '../api'
import { completion, type Knowledge } from './complete'
import { colours } from './highlight'
import { hover } from './hover'
import { look } from './look'
import { type Check, checkAgain, problems, spot } from './problems'

export type { Knowledge } from './complete'

export interface Options {
  text: string
  /** What the text is called, for those who hear the page. */
  label: string
  /** The file's path below the rules folder; a list's rows are not YAML. */
  path: string
  readOnly: boolean
  known: () => Knowledge
  check: Check
  changed: (text: string) => void
  found: (all: RuleProblem[] | undefined) => void
  save: () => void
}

export interface Editor {
  text(): string
  /** Replaces the whole text; undo brings the old one back. */
  replace(text: string): void
  /** Puts the caret where a problem is, and shows it. */
  show(p: RuleProblem): void
  /** Puts the caret at the beginning of a line. */
  line(n: number): void
  nextProblem(): void
  undo(): void
  redo(): void
  checkAgain(): void
  setReadOnly(on: boolean): void
  focus(): void
  close(): void
}

/**
 * Puts an editor into an element. It lives in a shadow root, where its style sheets
 * are adopted ones: a strict content security policy lets no other in.
 */
export function mount(host: HTMLElement, o: Options): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const isYAML = /\.ya?ml$/.test(o.path)
  const fixed = new Compartment()
  const fix = (on: boolean) => [EditorState.readOnly.of(on), EditorView.editable.of(!on)]
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: o.text,
      extensions: [
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        indentUnit.of('  '),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        search({ top: true }),
        highlightSelectionMatches({ minSelectionLength: 3, highlightWordAroundCursor: false }),
        EditorView.lineWrapping,
        isYAML ? [yaml(), colours(), completion(o.known), hover(o.known)] : [],
        problems(() => o.path, o.check, o.found),
        fixed.of(fix(o.readOnly)),
        EditorView.contentAttributes.of({ 'aria-label': o.label, tabindex: '0', autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' }),
        keymap.of([
          { key: 'Mod-s', preventDefault: true, run: () => (o.save(), true) },
          { key: 'Tab', run: acceptCompletion },
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...lintKeymap,
          ...defaultKeymap,
          indentWithTab,
        ]),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) o.changed(u.state.doc.toString())
        }),
        look(),
      ],
    }),
  })
  const go = (from: number, to: number): void => {
    view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
    view.focus()
  }
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    show(p) {
      const s = spot(view.state.doc, p)
      go(s.from, s.to)
    },
    line(n) {
      const line = view.state.doc.line(Math.min(Math.max(n, 1), view.state.doc.lines))
      go(line.from, line.from)
    },
    nextProblem: () => void nextDiagnostic(view),
    undo: () => void undo(view),
    redo: () => void redo(view),
    checkAgain: () => checkAgain(view),
    setReadOnly: (on) => view.dispatch({ effects: fixed.reconfigure(fix(on)) }),
    focus: () => view.focus(),
    close: () => view.destroy(),
  }
}
