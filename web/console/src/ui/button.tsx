import type { ComponentChildren, JSX } from 'preact'

interface Common {
  children: ComponentChildren
  /** primary: the one thing to do here; quiet: without a frame; danger: it takes something away. */
  kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  small?: boolean
  class?: string
  title?: string
  /** Said instead of what stands on it, for a button that only has an icon. */
  label?: string
}

const classes = (p: Common): string => `button ${p.kind ?? 'plain'}${p.small ? ' small' : ''}${p.class ? ` ${p.class}` : ''}`

export function Button(
  p: Common & { onClick?: (e: MouseEvent) => void; disabled?: boolean; busy?: boolean; submit?: boolean; pressed?: boolean; expanded?: boolean },
): JSX.Element {
  return (
    <button
      type={p.submit ? 'submit' : 'button'}
      class={classes(p) + (p.busy ? ' busy' : '')}
      disabled={p.disabled || p.busy}
      aria-busy={p.busy ? 'true' : undefined}
      aria-pressed={p.pressed}
      aria-expanded={p.expanded}
      aria-label={p.label}
      title={p.title ?? p.label}
      onClick={p.onClick}
    >
      {p.children}
    </button>
  )
}

/** Looks like a button and goes to an address. */
export function ButtonLink(p: Common & { href: string; download?: boolean }): JSX.Element {
  return (
    <a class={classes(p)} href={p.href} download={p.download} aria-label={p.label} title={p.title ?? p.label}>
      {p.children}
    </a>
  )
}
