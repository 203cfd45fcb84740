import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { tokens } from '../../editor/expr'

/** A rule's own lines, coloured as in the editor, which is not loaded for that. */
export function Source({ text, line }: { text: string; line: number }): JSX.Element {
  const lines = useMemo(() => text.replace(/\n+$/, '').split('\n'), [text])
  return (
    <pre class="source" tabIndex={0} aria-label="The rule's text">
      {lines.map((l, i) => (
        <div key={i} class="source-line">
          <span class="source-number" aria-hidden="true">
            {line + i}
          </span>
          <code>{painted(l)}</code>
        </div>
      ))}
    </pre>
  )
}

/** A line in pieces: its key, a comment, a condition's tokens. */
function painted(line: string): (JSX.Element | string)[] {
  const m = /^(\s*(?:- )*)([\w-]+)(:)(\s.*|)$/.exec(line)
  const comment = /(^|\s)#[^'"]*$/.exec(line)
  if (comment && comment.index <= line.length - line.trimStart().length) return [<span class="code-note">{line}</span>]
  if (!m) return values(line)
  const [, lead = '', key = '', colon = '', rest = ''] = m
  const condition = key === 'when' || key === 'while' || key === 'if'
  return [lead, <span class="code-key">{key}</span>, <span class="code-mark">{colon}</span>, ...(condition ? expr(rest) : values(rest))]
}

function expr(text: string): (JSX.Element | string)[] {
  const out: (JSX.Element | string)[] = []
  let at = 0
  for (const t of tokens(text)) {
    if (t.from > at) out.push(text.slice(at, t.from))
    out.push(<span class={`code-${t.kind}`}>{text.slice(t.from, t.to)}</span>)
    at = t.to
  }
  if (at < text.length) out.push(text.slice(at))
  return out
}

/** Keys in braces, texts in quotes, a comment at the end. */
function values(text: string): (JSX.Element | string)[] {
  const out: (JSX.Element | string)[] = []
  let at = 0
  for (const m of text.matchAll(/("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|([{,]\s*)([\w-]+)(?=:\s)|(\s#.*$)|(^\s*(?:!|&&|\|\|).*$)/g)) {
    if (m.index > at) out.push(text.slice(at, m.index))
    if (m[1]) out.push(<span class="code-string">{m[1]}</span>)
    else if (m[3]) out.push(m[2] ?? '', <span class="code-key">{m[3]}</span>)
    else if (m[4]) out.push(<span class="code-note">{m[4]}</span>)
    else if (m[5]) out.push(...expr(m[5]))
    at = m.index + m[0].length
  }
  if (at < text.length) out.push(text.slice(at))
  return out
}
