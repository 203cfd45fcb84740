import type { ComponentChildren, JSX } from 'preact'

/**
 * ok: on, fine (green). wait: pending, held, a warning (amber). bad: fault, blocked, late (red).
 * live: ours, chosen, active (teal). off: neither.
 */
export type Tone = 'ok' | 'wait' | 'bad' | 'live' | 'off'

/** A word in a frame of its meaning's colour. */
export function Badge({ tone = 'off', children, title }: { tone?: Tone; children: ComponentChildren; title?: string }): JSX.Element {
  return (
    <span class={`badge tone-${tone}`} title={title}>
      {children}
    </span>
  )
}

const dots: Record<Tone, string> = {
  ok: 'M8 2a6 6 0 1 0 .01 0z',
  live: 'M8 2a6 6 0 1 0 .01 0z',
  wait: 'M8 2l6.5 11.5h-13z',
  bad: 'M5 2h6l3 3v6l-3 3H5l-3-3V5z',
  off: 'M8 3a5 5 0 1 0 .01 0z',
}

/** A dot whose shape says as much as its colour. The word is for those who see neither; show it too where there is room. */
export function StateDot({ tone, word }: { tone: Tone; word: string }): JSX.Element {
  return (
    <svg class={`dot tone-${tone}`} width="14" height="14" viewBox="0 0 16 16" role="img" aria-label={word}>
      <path d={dots[tone]} />
    </svg>
  )
}
