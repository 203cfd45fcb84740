import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { diff, hunks } from '../../editor/diff'
import { Hidden } from '../../ui/parts'

const signs = { same: ' ', old: '−', new: '+' } as const
const words = { same: '', old: 'before: ', new: 'now: ' } as const

/** Two texts as one, line by line: − is only in the first, + only in the second. */
export function Difference({ before, after, label }: { before: string; after: string; label: string }): JSX.Element {
  const lines = useMemo(() => hunks(diff(before, after)), [before, after])
  const changed = lines.some((l) => l && l.side !== 'same')
  if (!changed) return <p class="muted">The texts are the same.</p>
  return (
    <pre class="difference" tabIndex={0} aria-label={label}>
      {lines.map((l, i) =>
        l ? (
          <div key={i} class={`difference-${l.side}`}>
            <span class="difference-number num" aria-hidden="true">
              {l.new || l.old}
            </span>
            <span class="difference-sign" aria-hidden="true">
              {signs[l.side]}
            </span>
            <code>
              {words[l.side] && <Hidden>{words[l.side]}</Hidden>}
              {l.text}
            </code>
          </div>
        ) : (
          <div key={i} class="difference-gap" aria-hidden="true">
            ⋯
          </div>
        ),
      )}
    </pre>
  )
}
