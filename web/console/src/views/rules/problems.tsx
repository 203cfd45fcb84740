import type { JSX } from 'preact'
import type { RuleProblem } from '../../api'
import { concerns } from '../../editor/concerns'
import { Hidden } from '../../ui/parts'
import { fileAddress } from './words'

/**
 * Problems of rule files. Pressed, one goes to its place: in the file that is
 * `open`, by `show`; of another file, to that file's editor. On the page of a
 * `rule` its name need not be said again.
 */
export function ProblemList({ problems, open, show, rule }: { problems: RuleProblem[]; open?: string; show?: (p: RuleProblem) => void; rule?: string }): JSX.Element {
  return (
    <ul class="problem-list">
      {problems.map((p, i) => {
        const here = open !== undefined && concerns(p, open)
        const body = <Body p={p} here={here} named={p.rule !== rule} />
        return (
          <li key={i} class={p.warning ? 'tone-wait' : 'tone-bad'}>
            {here && show ? (
              <button type="button" onClick={() => show(p)}>
                {body}
              </button>
            ) : (
              <a href={fileAddress(short(p.file), p.line)}>{body}</a>
            )}
          </li>
        )
      })}
    </ul>
  )
}

/** The path below the rules folder, of whatever way the server names the file. */
function short(file: string): string {
  const parts = file.split(/[\\/]/)
  const at = parts.lastIndexOf('rules.d')
  if (at >= 0) return parts.slice(at + 1).join('/')
  return file.startsWith('/') ? (parts[parts.length - 1] ?? file) : file
}

function Body({ p, here, named }: { p: RuleProblem; here: boolean; named: boolean }): JSX.Element {
  return (
    <>
      <span class="problem-where num">
        <Hidden>{p.warning ? 'Warning, ' : 'Problem, '}</Hidden>
        {here ? '' : short(p.file)}
        {p.line ? (here ? `line ${p.line}` : `:${p.line}`) : here ? 'the file' : ''}
      </span>
      <span class="problem-text">
        {p.rule && named && <span class="muted">{p.rule}: </span>}
        {p.part && <span class="muted">{p.part}: </span>}
        {p.message}
        {p.suggestion && <span class="muted"> {p.suggestion}</span>}
      </span>
      {!here && p.source && (
        <code class="problem-source">
          {p.source}
          {'\n'}
          {p.caret}
        </code>
      )}
    </>
  )
}
