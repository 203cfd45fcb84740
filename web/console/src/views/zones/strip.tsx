import type { JSX } from 'preact'
import { duration, number } from '../../ui/format'
import type { Tally } from './visits'

const bounds = [1, 5, 20, 60, 300]
const names = ['under 1 s', '1 to 5 s', '5 to 20 s', '20 s to 1 min', '1 to 5 min', 'over 5 min']
const high = 28

/** How the lengths of the visits are spread. */
function Spread({ dwells }: { dwells: readonly number[] }): JSX.Element {
  const counts = names.map((_, i) => dwells.filter((d) => d >= (bounds[i - 1] ?? 0) && d < (bounds[i] ?? Infinity)).length)
  const most = Math.max(1, ...counts)
  const words = counts.map((c, i) => (c > 0 ? `${names[i] ?? ''}: ${c}` : '')).filter(Boolean)
  return (
    <svg class="strip-spread" width={names.length * 18} height={high + 4} role="img" aria-label={`Visits by length. ${words.join(', ')}`}>
      {counts.map((c, i) => {
        const h = c === 0 ? 2 : Math.max(4, (c / most) * high)
        return (
          <rect key={i} class={c === 0 ? 'strip-none' : ''} x={i * 18 + 1} y={high + 2 - h} width={15} height={h} rx={2}>
            <title>{`${names[i] ?? ''}: ${c}`}</title>
          </rect>
        )
      })}
    </svg>
  )
}

export interface StripProps {
  kind: 'zone' | 'line'
  /** Undefined while the tracks are not there. */
  tally: Tally | undefined
  /** Of the shape as it is saved, when that is another. */
  saved: Tally | undefined
  /** What was thrown when they were asked for. */
  failed: boolean
  /** The zone goes by something else than the foot. */
  byFoot: boolean
  /** There were more tracks than are counted. */
  more: boolean
}

/** What the shape would have counted of the last day. */
export function Strip({ kind, tally, saved, failed, byFoot, more }: StripProps): JSX.Element {
  if (!tally) return <p class="muted">{failed ? 'The tracks of the last day could not be read.' : 'Reading the tracks of the last day …'}</p>
  if (tally.of === 0) return <p class="muted">Nobody whom this {kind} counts was recorded here in the last day.</p>
  const n = tally.who.size
  const half = tally.dwells[Math.floor(tally.dwells.length / 2)]
  const least = tally.dwells[0]
  const longest = tally.dwells[tally.dwells.length - 1]
  return (
    <>
      <p class="strip-text" aria-live="polite">
        <strong class="num">
          {number(n)} of {number(tally.of)}
        </strong>{' '}
        {tally.of === 1 ? 'track' : 'tracks'} of the last day{more ? ' (the newest)' : ''} would have {kind === 'line' ? 'crossed' : 'entered'}
        {kind === 'line' && n > 0 && (
          <span class="num">
            : {number(tally.in)} in, {number(tally.out)} out
          </span>
        )}
        {least !== undefined && longest !== undefined && half !== undefined && (
          <span>
            , for <span class="num">{duration(least)}</span>
            {longest !== least && (
              <>
                {' '}
                to <span class="num">{duration(longest)}</span>
              </>
            )}
            {tally.dwells.length > 2 && (
              <>
                , half of them at least <span class="num">{duration(half)}</span>
              </>
            )}
          </span>
        )}
        .{' '}
        {saved && (
          <span class="muted">
            As saved: <span class="num">{number(saved.who.size)}</span>.{' '}
          </span>
        )}
        {byFoot && <span class="muted">Counted by the foot: recordings keep nothing else.</span>}
      </p>
      {tally.dwells.length > 0 && <Spread dwells={tally.dwells} />}
    </>
  )
}
