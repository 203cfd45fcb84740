// Where in a YAML file the caret is. The text there is mostly unfinished, so this
// goes by indentation and brackets and not by a parser's tree.

export type Path = (string | number)[]

export interface Place {
  /** From the top: keys, and indexes of lists. With `value` the last one is the key whose value it is. */
  path: Path
  slot: 'key' | 'value'
  /** Where what is being written begins, and what of it stands before the caret. */
  from: number
  word: string
  /** Keys that the mapping here has already, as far as it stands before the caret. */
  taken: string[]
  /** In braces or brackets. */
  flow: boolean
}

interface Level {
  indent: number
  kind: 'map' | 'seq'
  key: string
  index: number
  taken: string[]
}

const keyAt = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#&*!|>'"%@`{}[\],][^#]*?)\s*:(?=\s|$)/

/** Says where `pos` is. */
export function place(text: string, pos: number): Place {
  const levels: Level[] = []
  let flow: Flow | undefined
  let block = -1 // the indent of the key of a | or > text
  let begun = 0 // where that text begins
  let at = 0
  for (;;) {
    const nl = text.indexOf('\n', at)
    const last = nl < 0 || nl >= pos
    const line = text.slice(at, last ? pos : nl).replace(/\r$/, '')
    const indent = line.length - line.trimStart().length
    const blank = line.trim() === ''
    if (flow?.open()) {
      flow.feed(line, at)
    } else if (block >= 0 && (blank || indent > block)) {
      // The text goes on.
      if (last) return { ...inValue(levels, line, at), from: begun, word: text.slice(begun, pos) }
    } else if (last || (!blank && line[indent] !== '#')) {
      block = -1
      const rest = readLine(levels, line, indent)
      if (rest.value >= 0) {
        const value = line.slice(rest.value).trimStart()
        const start = at + line.length - value.length
        if (/^[|>]/.test(value)) {
          block = rest.col
          begun = Math.min(pos, nl < 0 ? text.length : nl + 1)
        } else if (/^[{[]/.test(value)) {
          flow = new Flow()
          flow.feed(value, start)
        } else if (last) return { ...inValue(levels, line, at), from: start, word: value }
      }
      if (last && !flow?.open()) return rest.value >= 0 ? inValue(levels, line, at) : inKey(levels, line, at, rest)
    }
    if (last) break
    at = nl + 1
  }
  const path = pathOf(levels)
  return flow?.open() ? flow.place(path) : { path, slot: 'value', from: pos, word: '', taken: [], flow: false }
}

interface Rest {
  /** Column of what stands behind the dashes. */
  col: number
  /** Column behind a key's colon; -1 without a key. */
  value: number
  dashes: boolean
}

/** Takes a line's dashes and key into the levels. */
function readLine(levels: Level[], line: string, indent: number): Rest {
  let col = indent
  let dashes = false
  for (let dash = /^-(\s+|$)/.exec(line.slice(col)); dash; dash = /^-(\s+|$)/.exec(line.slice(col))) {
    while (levels.length > 0 && top(levels).indent > col) levels.pop()
    const t = levels.length > 0 ? top(levels) : undefined
    if (t && t.kind === 'seq' && t.indent === col) t.index++
    else levels.push({ indent: col, kind: 'seq', key: '', index: 0, taken: [] })
    col += dash[0].length
    dashes = true
    if (dash[0] === '-') break
  }
  const key = keyAt.exec(line.slice(col))
  if (key) {
    while (levels.length > 0 && (top(levels).indent > col || (top(levels).indent === col && top(levels).kind === 'seq'))) levels.pop()
    const name = unquote(key[1] ?? '')
    const t = levels.length > 0 ? top(levels) : undefined
    if (t && t.kind === 'map' && t.indent === col) {
      t.key = name
      t.taken.push(name)
    } else levels.push({ indent: col, kind: 'map', key: name, index: 0, taken: [name] })
    return { col, value: col + key[0].length, dashes }
  }
  const rest = line.slice(col)
  return { col, value: dashes && /^[{["']/.test(rest) ? col : -1, dashes }
}

const top = (levels: Level[]): Level => levels[levels.length - 1] as Level
const unquote = (s: string): string => (/^["']/.test(s) ? s.slice(1, -1) : s)
const pathOf = (levels: Level[]): Path => levels.map((l) => (l.kind === 'map' ? l.key : l.index))

function inValue(levels: Level[], line: string, at: number): Place {
  const word = /[\w.-]*$/.exec(line)?.[0] ?? ''
  return { path: pathOf(levels), slot: 'value', from: at + line.length - word.length, word, taken: [], flow: false }
}

function inKey(levels: Level[], line: string, at: number, rest: Rest): Place {
  const word = line.slice(rest.col).trimStart()
  const from = at + line.length - word.length
  const col = line.length - word.length
  let taken: string[] = []
  while (levels.length > 0 && top(levels).indent > col) levels.pop()
  const t = levels.length > 0 ? top(levels) : undefined
  if (t && t.indent === col) {
    taken = t.taken
    levels.pop() // a further key beside this one
  }
  return { path: pathOf(levels), slot: 'key', from, word, taken, flow: false }
}

/** Braces and brackets, as far as they are written. */
class Flow {
  private levels: { map: boolean; key: string; index: number; value: boolean; taken: string[] }[] = []
  private from = 0
  private word = ''
  private quote = ''
  private ended = false

  open(): boolean {
    return !this.ended && this.levels.length > 0
  }

  feed(line: string, at: number): void {
    for (let i = 0; i < line.length && !this.ended; i++) {
      const c = line[i] as string
      const t = this.levels[this.levels.length - 1]
      if (this.quote) {
        if (c === '\\' && this.quote === '"') this.word += c + (line[++i] ?? '')
        else {
          this.word += c
          if (c === this.quote) this.quote = ''
        }
        continue
      }
      if ((c === '"' || c === "'") && this.word.trim() === '') {
        this.from = at + i
        this.word = c
        this.quote = c
      } else if (c === '{' || c === '[') {
        this.levels.push({ map: c === '{', key: '', index: 0, value: false, taken: [] })
        this.next(at + i + 1)
      } else if (c === '}' || c === ']') {
        this.levels.pop()
        this.next(at + i + 1)
        if (this.levels.length === 0) this.ended = true
      } else if (c === ',' && t) {
        t.index++
        t.value = false
        this.next(at + i + 1)
      } else if (c === ':' && t?.map && !t.value && /^(\s|$)/.test(line.slice(i + 1))) {
        t.key = unquote(this.word.trim())
        t.taken.push(t.key)
        t.value = true
        this.next(at + i + 1)
      } else if (c === '#' && /\s/.test(line[i - 1] ?? ' ')) {
        break
      } else if (this.word === '' && /\s/.test(c)) {
        this.from = at + i + 1
      } else this.word += c
    }
    if (this.word === '') this.from = at + line.length
  }

  private next(from: number): void {
    this.word = ''
    this.from = from
  }

  place(before: Path): Place {
    const path = [...before]
    const t = this.levels[this.levels.length - 1]
    for (const l of this.levels) {
      if (!l.map) path.push(l.index)
      else if (l !== t || l.value) path.push(l.key)
    }
    return { path, slot: t?.map && !t.value ? 'key' : 'value', from: this.from, word: this.word, taken: t?.taken ?? [], flow: true }
  }
}
