import type { ComponentChildren, JSX } from 'preact'

export interface Column<T> {
  title: string
  cell: (item: T) => ComponentChildren
  /** Numbers and times stand at the right. */
  right?: boolean
  /** Left out below 700 px. */
  wideOnly?: boolean
  /** Takes what room there is. */
  grow?: boolean
}

/** Rows and columns. A row with an address is a link at its first column, and can be pressed anywhere. */
export function Table<T>(p: { label: string; columns: readonly Column<T>[]; items: readonly T[]; id: (item: T) => string | number; href?: (item: T) => string | undefined }): JSX.Element {
  const cls = (c: Column<T>): string => [c.right && 'right', c.wideOnly && 'wide-only', c.grow && 'grow'].filter(Boolean).join(' ')
  return (
    <div class="table-frame">
      <table class="table" aria-label={p.label}>
        <thead>
          <tr>
            {p.columns.map((c) => (
              <th key={c.title} scope="col" class={cls(c)}>
                {c.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {p.items.map((it) => {
            const href = p.href?.(it)
            return (
              <tr key={p.id(it)} class={href ? 'pressable' : undefined}>
                {p.columns.map((c, i) => (
                  <td key={c.title} class={cls(c)}>
                    {i === 0 && href ? (
                      <a class="row-link" href={href}>
                        {c.cell(it)}
                      </a>
                    ) : (
                      c.cell(it)
                    )}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

/** A list of rows: a mark, a name with a line under it, something at the right. */
export function Row(p: { href?: string; lead?: ComponentChildren; title: ComponentChildren; sub?: ComponentChildren; aside?: ComponentChildren; current?: boolean }): JSX.Element {
  const inner = (
    <>
      {p.lead && <span class="row-lead">{p.lead}</span>}
      <span class="row-main">
        <span class="row-title">{p.title}</span>
        {p.sub && <span class="row-sub">{p.sub}</span>}
      </span>
      {p.aside && <span class="row-aside">{p.aside}</span>}
    </>
  )
  return (
    <li class="row">
      {p.href ? (
        <a href={p.href} aria-current={p.current ? 'true' : undefined}>
          {inner}
        </a>
      ) : (
        <div>{inner}</div>
      )}
    </li>
  )
}

export const Rows = ({ children, label }: { children: ComponentChildren; label: string }): JSX.Element => (
  <ul class="rows" aria-label={label}>
    {children}
  </ul>
)
