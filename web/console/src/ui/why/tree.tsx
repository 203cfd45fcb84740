import type { Part } from '../../api'
import { decides, lacks, marks, operators, share, valuesOf } from './words'

/**
 * A condition as a tree, one line a part: its mark, its source, what it read.
 * Lines keep their place while answers and values change: a condition does not
 * change its shape while its rule stands.
 */
export function PartTree({ label, part }: { label: string; part: Part }) {
  return (
    <ul class="why-tree" aria-label={`${label}: ${marks[part.answer].word}`}>
      <PartLine part={part} strong label={label} />
    </ul>
  )
}

function PartLine({ part, strong, label }: { part: Part; strong: boolean; label?: string }) {
  const mark = marks[part.answer]
  const reached = share(part)
  const names = ['why-line', `why-${part.answer}`]
  if (!strong) names.push('why-dim')
  if (part.missing) names.push('why-missing')
  return (
    <li>
      <div class={names.join(' ')}>
        <span class="why-mark" role="img" aria-label={mark.word} title={mark.word}>
          {mark.sign}
        </span>
        {part.op ? (
          <span class="why-text">
            {label && <b class="why-label">{label}</b>}
            <code>{operators[part.op].sign}</code> {operators[part.op].word}
          </span>
        ) : (
          <span class="why-text">
            {label && <b class="why-label">{label}</b>}
            <code>{part.text}</code>
          </span>
        )}
        {!part.op && (
          <span class="why-value num">
            {valuesOf(part)}
            {reached !== undefined && (
              <span class="why-share" aria-hidden="true">
                <span style={{ width: `${(reached * 100).toFixed(1)}%` }} />
              </span>
            )}
          </span>
        )}
        {part.missing && <span class="why-said">missing</span>}
      </div>
      {part.parts && part.parts.length > 0 && (
        <ul>
          {part.parts.map((p, i) => (
            <PartLine key={i} part={p} strong={(strong && decides(part, p)) || lacks(p)} />
          ))}
        </ul>
      )}
    </li>
  )
}
