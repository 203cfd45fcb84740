import { HighlightStyle, syntaxHighlighting, syntaxTree } from '@codemirror/language'
import type { Extension, Range } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { conditions } from './complete'
import { type TokenKind, tokens } from './expr'

const yamlColours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], class: 'cm-key' },
  { tag: [tags.string, tags.special(tags.string)], class: 'cm-text' },
  { tag: [tags.comment, tags.lineComment], class: 'cm-note' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], class: 'cm-mark' },
  { tag: [tags.keyword, tags.attributeValue, tags.meta], class: 'cm-mark' },
])

const kinds: TokenKind[] = ['string', 'number', 'operator', 'function', 'field', 'word', 'constant', 'bracket']
const marks = Object.fromEntries(kinds.map((k) => [k, Decoration.mark({ class: `cm-expr-${k}` })])) as Record<TokenKind, Decoration>

/** YAML's colours, and those of the conditions inside. */
export function colours(): Extension {
  return [
    syntaxHighlighting(yamlColours),
    ViewPlugin.fromClass(
      class {
        decorations: DecorationSet
        constructor(view: EditorView) {
          this.decorations = paint(view)
        }
        update(u: ViewUpdate): void {
          if (u.docChanged || u.viewportChanged || syntaxTree(u.startState) !== syntaxTree(u.state)) this.decorations = paint(u.view)
        }
      },
      { decorations: (p) => p.decorations },
    ),
  ]
}

function paint(view: EditorView): DecorationSet {
  const out: Range<Decoration>[] = []
  const put = (text: string, from: number): void => {
    for (const t of tokens(text, from)) out.push(marks[t.kind].range(t.from, t.to))
  }
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter(node) {
        if (node.name !== 'Pair') return
        const key = node.node.getChild('Key')
        const value = node.node.lastChild
        if (!key || !value || value.from <= key.to) return
        if (!conditions.has(view.state.sliceDoc(key.from, key.to).replace(/^["']|["']$/g, ''))) return
        const text = view.state.sliceDoc(value.from, value.to)
        switch (value.name) {
          case 'Literal':
            return put(text, value.from)
          case 'QuotedLiteral':
            return put(text.slice(1, -1), value.from + 1)
          case 'BlockLiteral': {
            const head = /^[|>][^\n]*\n?/.exec(text)?.[0].length ?? 0
            return put(text.slice(head), value.from + head)
          }
        }
      },
    })
    // ${…} in texts are conditions' values, too.
    const text = view.state.sliceDoc(from, to)
    for (const m of text.matchAll(/\$\{([^}\n]*)\}/g)) put(m[1] ?? '', from + m.index + 2)
  }
  return Decoration.set(out, true)
}
