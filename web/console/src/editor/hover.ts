import { type EditorState, type Extension } from '@codemirror/state'
import { type EditorView, hoverTooltip, type Tooltip } from '@codemirror/view'
import type { Names } from '../api'
import { conditions, type Knowledge, sentence } from './complete'
import { place } from './place'
import { helpAt } from './schema'

interface Said {
  from: number
  to: number
  /** How it is written. */
  head: string
  help: string
}

/** What a word means, when the pointer rests on it. */
export function hover(known: () => Knowledge): Extension {
  return hoverTooltip((view, pos) => tooltip(view, said(view.state, pos, known())), { hoverTime: 350, hideOnChange: true })
}

function tooltip(_: EditorView, s: Said | undefined): Tooltip | null {
  if (!s) return null
  return {
    pos: s.from,
    end: s.to,
    above: true,
    create() {
      const dom = document.createElement('div')
      dom.className = 'cm-help'
      const head = document.createElement('code')
      head.textContent = s.head
      dom.append(head)
      if (s.help) {
        const p = document.createElement('p')
        p.textContent = s.help
        dom.append(p)
      }
      return { dom }
    },
  }
}

/** What is to be said of the word at a place. */
export function said(state: EditorState, pos: number, known: Knowledge): Said | undefined {
  const line = state.doc.lineAt(pos)
  if (/^\s*#/.test(line.text)) return undefined
  for (const m of line.text.matchAll(/[A-Za-z_][\w.-]*/g)) {
    const from = line.from + m.index
    const to = from + m[0].length
    if (pos < from || pos > to) continue
    return aboutWord(state, m[0], from, to, line.text.slice(m.index + m[0].length), known)
  }
  return undefined
}

function aboutWord(state: EditorState, word: string, from: number, to: number, after: string, known: Knowledge): Said | undefined {
  const text = state.doc.toString()
  if (/^["']?\s*:(\s|$)/.test(after)) {
    const here = place(`${text.slice(0, to)}: `, to + 2)
    const help = known.schema ? helpAt(known.schema, here.path) : ''
    return help ? { from, to, head: word, help } : undefined
  }
  if (!known.names) return undefined
  const here = place(text.slice(0, to), to)
  const last = here.path[here.path.length - 1]
  const condition = typeof last === 'string' && conditions.has(last)
  if (condition || /\$\{[^}]*$/.test(here.word)) {
    const bare = word.replace(/\.$/, '')
    const w = known.names.words.find((x) => x.name === bare) ?? known.names.words.find((x) => bare.startsWith(`${x.name}.`))
    if (w) return { from, to, head: w.signature || w.name, help: sentence(w.help) + (w.values?.length ? ` One of ${w.values.join(', ')}.` : '') }
  }
  const what = nameOf(known.names, word)
  return what ? { from, to, head: word, help: what } : undefined
}

/** What a name of the site is. */
function nameOf(names: Names, name: string): string | undefined {
  const zone = names.zones.find((z) => z.name === name)
  if (zone) return `A zone on ${zone.camera}'s picture.`
  const line = names.lines.find((l) => l.name === name)
  if (line) return `A line on ${line.camera}'s picture.`
  if (names.relays.includes(name)) return 'A relay.'
  if (names.contacts.includes(name)) return 'A contact.'
  if (names.lists.includes(name)) return 'A list of plates.'
  if (names.schedules.includes(name)) return 'A schedule.'
  if (names.flags.includes(name)) return 'A flag.'
  if (names.notifiers.includes(name)) return 'A notifier.'
  if (names.cameras.includes(name)) return 'A camera.'
  return undefined
}
