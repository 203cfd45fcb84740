import type { JSX } from 'preact'

/** Parts of a view, each with an address of its own. */
export function Tabs({ label, items, current }: { label: string; items: readonly { id: string; label: string; href: string; count?: number }[]; current: string }): JSX.Element {
  return (
    <nav class="tabs" aria-label={label}>
      {items.map((it) => (
        <a key={it.id} href={it.href} aria-current={it.id === current ? 'page' : undefined}>
          {it.label}
          {it.count !== undefined && <span class="num muted"> {it.count}</span>}
        </a>
      ))}
    </nav>
  )
}
