// The language of conditions, as far as colours and completion need it.

export type TokenKind = 'string' | 'number' | 'operator' | 'function' | 'field' | 'word' | 'constant' | 'bracket'

export interface Token {
  kind: TokenKind
  from: number
  to: number
}

const pattern =
  /("(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`?)|(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(&&|\|\||==|!=|<=|>=|\?\?|[!<>+\-*/%?:#])|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(\s*\()?|([()[\]{},])/g

const operatorWords = new Set(['in', 'not', 'and', 'or', 'contains', 'startsWith', 'endsWith', 'matches'])
const constants = new Set(['true', 'false', 'nil'])

/** The tokens of a condition, `offset` added to their places. */
export function tokens(text: string, offset = 0): Token[] {
  const out: Token[] = []
  for (const m of text.matchAll(pattern)) {
    const from = offset + m.index
    const put = (kind: TokenKind, s: string): void => void out.push({ kind, from, to: from + s.length })
    if (m[1]) put('string', m[1])
    else if (m[2]) put('number', m[2])
    else if (m[3]) put('operator', m[3])
    else if (m[4]) {
      if (operatorWords.has(m[4])) put('operator', m[4])
      else if (constants.has(m[4])) put('constant', m[4])
      else if (m[5]) put('function', m[4])
      else put(m[4].includes('.') ? 'field' : 'word', m[4])
    } else if (m[6]) put('bracket', m[6])
  }
  return out
}

/** What is being written at the end of an unfinished condition. */
export type Writing =
  | { what: 'word'; from: number; word: string }
  /** The n-th text that a function is given. */
  | { what: 'argument'; from: number; word: string; of: string; n: number }
  /** What follows a call: relay("gate"). */
  | { what: 'field'; from: number; word: string; of: string }
  /** A text that a field is compared with. */
  | { what: 'value'; from: number; word: string; of: string }
  | { what: 'nothing' }

/** Reads an unfinished condition from behind. `from` counts from its beginning. */
export function writing(text: string): Writing {
  const arg = /([A-Za-z_][\w.]*)\(\s*((?:(?:"[^"]*"|'[^']*'|[\w.]+)\s*,\s*)*)(["'])([^"']*)$/.exec(text)
  if (arg && outside(text.slice(0, text.length - (arg[4] ?? '').length - 1))) {
    const word = arg[4] ?? ''
    return { what: 'argument', from: text.length - word.length, word, of: arg[1] ?? '', n: (arg[2] ?? '').split(',').length - 1 }
  }
  const value =
    /([A-Za-z_][\w.]*(?:\("[^"]*"\))?)\s*(?:==|!=|in\s*\[(?:\s*["'][^"']*["']\s*,)*)\s*(["'])([^"']*)$/.exec(text)
  if (value && outside(text.slice(0, text.length - (value[3] ?? '').length - 1))) {
    const word = value[3] ?? ''
    return { what: 'value', from: text.length - word.length, word, of: value[1] ?? '' }
  }
  if (!outside(text)) return { what: 'nothing' }
  const field = /([A-Za-z_]\w*)\((?:"[^"]*"|'[^']*')\)\.(\w*)$/.exec(text)
  if (field) return { what: 'field', from: text.length - (field[2] ?? '').length, word: field[2] ?? '', of: field[1] ?? '' }
  const word = /[A-Za-z_][\w.]*$/.exec(text)?.[0] ?? ''
  if (!word && /[\w."')\]]$/.test(text)) return { what: 'nothing' }
  return { what: 'word', from: text.length - word.length, word }
}

/** Whether the end of a text is outside its quotes. */
function outside(text: string): boolean {
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'" || c === '`') quote = c
  }
  return quote === ''
}
