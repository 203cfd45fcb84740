import type { ComponentChildren, JSX } from 'preact'

/** A titled part of this view, right under its name. */
export function Part({ title, aside, children }: { title: string; aside?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <section class="section">
      <div class="section-head">
        <h2 class="system-part">{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}
