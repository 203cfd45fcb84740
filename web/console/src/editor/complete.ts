import { autocompletion, type Completion, type CompletionContext, type CompletionResult, snippet, startCompletion } from '@codemirror/autocomplete'
import type { EditorState, Extension } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'
import type { Names } from '../api'
import { writing } from './expr'
import { type Path, type Place, place } from './place'
import { holds, type Key, keys, type Schema, values } from './schema'

/** What the editor knows of the site and of the language; empty until it was asked. */
export interface Knowledge {
  names?: Names
  schema?: Schema
}

type Words = { label: string; detail?: string; info?: string; kind: string }[]

/** The keys whose value is a condition. */
export const conditions = new Set(['when', 'while', 'if'])

/** Completion of keys, values and conditions, from what is known when it is asked for. */
export function completion(known: () => Knowledge): Extension {
  return autocompletion({
    override: [(context) => complete(context, known())],
    activateOnTyping: true,
    icons: false,
    maxRenderedOptions: 60,
  })
}

function complete(context: CompletionContext, known: Knowledge): CompletionResult | null {
  if (inComment(context.state, context.pos)) return null
  const here = place(context.state.doc.toString(), context.pos)
  const last = here.path[here.path.length - 1]
  if (here.slot === 'value' && typeof last === 'string' && conditions.has(last)) return condition(context, here.word, here.from, known.names)
  const inside = /\$\{([^}]*)$/.exec(here.word)
  if (here.slot === 'value' && inside) return condition(context, inside[1] ?? '', context.pos - (inside[1] ?? '').length, known.names)
  if (here.slot === 'value') return value(context, here, known)
  return key(context, here, known)
}

/** Writes what was chosen, with the caret where it goes on, and offers what may stand there. */
function begun(template: string): (view: EditorView, c: Completion, from: number, to: number) => void {
  const write = snippet(template)
  return (view, c, from, to) => {
    write(view, c, from, to)
    startCompletion(view)
  }
}

function inComment(state: EditorState, pos: number): boolean {
  const line = state.doc.lineAt(pos)
  return /^\s*#/.test(line.text.slice(0, pos - line.from))
}

function key(context: CompletionContext, here: Place, known: Knowledge): CompletionResult | null {
  if (!known.schema || (!context.explicit && here.word === '' && here.taken.length === 0 && here.path.length === 0)) return null
  if (!/^[\w-]*$/.test(here.word)) return null
  const root = known.schema
  const found = keys(root, here.path, here.taken).filter((k) => !here.taken.includes(k.name))
  const options = found.map((k, i) => keyOption(root, here, k, found.length - i))
  // A list's item may be a bare name instead: - person
  if (typeof here.path[here.path.length - 1] === 'number' && here.taken.length === 0) options.push(...words(here, known).map(option))
  return options.length > 0 ? { from: here.from, options, validFor: /^[\w-]*$/ } : null
}

function keyOption(root: Schema, here: Place, k: Key, boost: number): Completion {
  const option: Completion = { label: k.name, type: 'property', boost: Math.min(99, boost) + (k.required ? 50 : 0) }
  if (k.required) option.detail = 'needed'
  if (k.help) option.info = k.help
  const indent = ' '.repeat(2)
  switch (here.flow ? 'value' : holds(root, k.schema)) {
    case 'map':
      return { ...option, apply: begun(`${k.name}:\n${indent}\${}`) }
    case 'list':
      return { ...option, apply: begun(`${k.name}:\n${indent}- \${}`) }
    default:
      return { ...option, apply: begun(`${k.name}: \${}`) }
  }
}

function value(context: CompletionContext, here: Place, known: Knowledge): CompletionResult | null {
  const word = here.word.replace(/^["']/, '')
  const from = here.from + here.word.length - word.length
  if (/\s/.test(word)) return null
  const found = words(here, known)
  if (found.length === 0 || (word === '' && !context.explicit && context.state.sliceDoc(context.pos - 1, context.pos) !== ' ')) return null
  return { from, options: found.map(option), validFor: /^[\w./-]*$/ }
}

/** Names of the site and words of the language that may stand here. */
function words(here: Place, known: Knowledge): Words {
  const found: Words = namesAt(here.path, known.names)
  if (known.schema) {
    for (const v of values(known.schema, here.path)) {
      if (!found.some((w) => w.label === v.text)) found.push({ label: v.text, kind: 'constant', ...(v.example ? { detail: 'for example' } : {}) })
    }
  }
  return found
}

/** Names of the site that may be the value at a path. */
export function namesAt(path: Path, names: Names | undefined): Words {
  if (!names) return []
  let last = path[path.length - 1]
  if (typeof last === 'number') last = path[path.length - 2]
  const step = path.includes('do') || path.includes('finally')
  switch (last) {
    case 'camera':
      return plainWords(names.cameras, 'camera')
    case 'relay':
      return plainWords(names.relays, 'relay')
    case 'flag':
      return step ? plainWords(names.flags, 'flag') : []
    case 'notify':
      return plainWords(names.notifiers, 'notifier')
    case 'list':
    case 'to':
      return step ? plainWords(names.lists, 'list') : []
    case 'count':
      return step ? names.lines.map((l) => ({ label: l.name, detail: `line of ${l.camera}`, kind: 'line' })) : []
    case 'schedule':
      return plainWords(names.schedules, 'schedule')
    case 'on':
      return path[0] === 'rules' ? plainWords(names.kinds, 'event') : []
    case 'contact':
      return plainWords(names.contacts, 'contact')
    default:
      return []
  }
}

const plainWords = (all: string[], detail: string): Words => all.map((label) => ({ label, detail, kind: 'variable' }))

function option(w: Words[number]): Completion {
  return { label: w.label, type: w.kind, ...(w.detail ? { detail: w.detail } : {}), ...(w.info ? { info: w.info } : {}) }
}

// ---------------------------------------------------------------- conditions

/** The parameters of a function, as its signature says them: dwell_total("zone", "10m") has zone and 10m. */
export function parameters(signature: string): string[] {
  const inside = /\((.*)\)/.exec(signature)?.[1] ?? ''
  return inside.split(',').map((p) => p.replace(/["'[\]?]/g, '').trim()).filter(Boolean)
}

/** What a parameter's name stands for. */
function argument(names: Names, parameter: string, of: string): Words {
  const p = parameter.toLowerCase()
  if (/zone/.test(p)) return names.zones.map((z) => ({ label: z.name, detail: `zone of ${z.camera}`, kind: 'zone' }))
  if (/line/.test(p)) return names.lines.map((l) => ({ label: l.name, detail: `line of ${l.camera}`, kind: 'line' }))
  if (/list/.test(p)) return plainWords(names.lists, 'list')
  if (/relay/.test(p) || of === 'relay') return plainWords(names.relays, 'relay')
  if (/contact/.test(p) || of === 'contact') return plainWords(names.contacts, 'contact')
  if (/flag/.test(p) || of === 'flag') return plainWords(names.flags, 'flag')
  if (/schedule/.test(p) || of === 'during') return plainWords(names.schedules, 'schedule')
  if (/class/.test(p)) return plainWords(['person', 'car', 'motor'], 'class')
  if (/dir/.test(p) && of === 'moving') return plainWords(['up', 'right', 'down', 'left'], 'direction')
  if (/dir|way|^in$|in\b.*out/.test(p)) return plainWords(['in', 'out'], 'direction')
  return []
}

/** For functions whose signature says less. */
const usual: Record<string, string[]> = {
  inside: ['zone'], entered: ['zone'], left: ['zone'], dwell: ['zone'], dwell_total: ['zone', 'time'], overlap: ['zone'], path: ['zone', 'zone', 'zone'],
  toward: ['zone'], came_from: ['zone'], occupancy: ['zone', 'class'], seen: ['zone', 'class', 'time'], crossed: ['line', 'direction'],
  crossings: ['line', 'direction'], balance: ['line'], during: ['schedule'], relay: ['relay'], contact: ['contact'], flag: ['flag'], moving: ['direction'],
  'plate.on': ['list'], 'plate.looks': ['list'], 'plate.near': ['list'],
}

function condition(context: CompletionContext, text: string, from: number, names: Names | undefined): CompletionResult | null {
  if (!names) return null
  const quoted = /^(['"])/.exec(text)
  // In YAML's own quotes the condition begins behind them.
  const skip = quoted && !/^(["'])[^"']*\1\s*(==|!=|in\b|[<>])/.test(text) ? 1 : 0
  const w = writing(text.slice(skip))
  const start = (n: number): number => from + skip + n
  switch (w.what) {
    case 'argument': {
      const word = names.words.find((x) => x.name === w.of || x.name.startsWith(`${w.of}(`))
      const known = usual[w.of] ?? (word ? parameters(word.signature) : [])
      const options = argument(names, known[Math.min(w.n, known.length - 1)] ?? '', w.of)
      return options.length > 0 ? { from: start(w.from), options: options.map(option), validFor: /^[\w-]*$/ } : null
    }
    case 'value': {
      const word = names.words.find((x) => x.name === w.of || x.signature === w.of)
      const options = (word?.values ?? valuesOf(names, w.of)).map((label) => ({ label, detail: w.of, kind: 'constant' }))
      return options.length > 0 ? { from: start(w.from), options: options.map(option), validFor: /^[\w -]*$/ } : null
    }
    case 'field': {
      const options = (fields[w.of] ?? []).map((label) => ({ label, detail: w.of, kind: 'property' }))
      return options.length > 0 ? { from: start(w.from), options: options.map(option), validFor: /^\w*$/ } : null
    }
    case 'word': {
      if (w.word === '' && !context.explicit) return null
      return { from: start(w.from), options: names.words.map(wordOption), validFor: /^[\w.]*$/ }
    }
    default:
      return null
  }
}

/** Values that are names of the site. */
function valuesOf(names: Names, of: string): string[] {
  switch (of) {
    case 'camera.name':
      return names.cameras
    case 'event.kind':
      return names.kinds
    case 'event.name':
      return [...names.contacts, ...names.relays, ...names.flags]
    default:
      return []
  }
}

/** What may stand behind a call. */
const fields: Record<string, string[]> = { relay: ['on', 'since'], contact: ['on', 'open', 'since'], flag: ['since'] }

/** A sentence of the help that the server gives in small letters. */
export const sentence = (help: string): string => (help ? help.charAt(0).toUpperCase() + help.slice(1) + (/[.!?]$/.test(help) ? '' : '.') : '')

function wordOption(w: Names['words'][number]): Completion {
  const head = /^[\w.]+/.exec(w.signature)?.[0] ?? w.name
  const base: Completion = { label: w.name, detail: /^\([^)]*\)/.exec(w.signature.slice(head.length))?.[0] ?? '', info: sentence(w.help) }
  if (!w.signature.includes('(')) return { ...base, type: 'property' }
  if (/\(\)/.test(w.signature)) return { ...base, type: 'function', apply: `${w.name}()` }
  const behind = w.name === 'relay' || w.name === 'contact' ? '.on' : ''
  const quoted = usual[w.name] !== undefined || /\("/.test(w.signature)
  return { ...base, type: 'function', apply: begun(quoted ? `${w.name}("\${}")${behind}` : `${w.name}(\${})`) }
}
