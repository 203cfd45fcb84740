import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ViewProps } from '../../app/views'
import { guardDrafts } from './drafts'
import { FilePage } from './file'
import { RuleList } from './list'
import { RulePage } from './rule'

/** /rules, /rules/NAME, /rules/file/PATH: the list, one rule, one file. */
export default function View({ rest }: ViewProps): JSX.Element {
  // Drafts live longer than the view; so does their guard.
  useEffect(() => void (guarded ??= guardDrafts()), [])
  if (rest[0] === 'file' && rest.length > 1) {
    const path = rest.slice(1).join('/')
    return <FilePage key={path} path={path} />
  }
  const name = rest.length === 1 ? rest[0] : undefined
  return (
    <div class={`rules${name ? ' rules-one' : ''}`}>
      <RuleList current={name} />
      {name && <RulePage key={name} name={name} />}
    </div>
  )
}

let guarded: (() => void) | undefined
