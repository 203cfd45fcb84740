// Small pieces that every view uses.
import type { ComponentChildren, JSX } from 'preact'
import { ApiError } from '../client'

/** Nothing is here: one sentence that says what to do next, and at most one button. */
export function Empty({ children, action }: { children: ComponentChildren; action?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p>{children}</p>
      {action}
    </div>
  )
}

/** Stands where something will be. */
export function Skeleton({ lines = 3 }: { lines?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} class="skeleton-line" />
      ))}
    </div>
  )
}

/** What went wrong, in words, with a way to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  return (
    <Notice tone="bad">
      {errorText(error)}{' '}
      {retry && (
        <button type="button" class="linklike" onClick={retry}>
          Try again
        </button>
      )}
    </Notice>
  )
}

/** The words of whatever was thrown. */
export function errorText(e: unknown): string {
  const text = e instanceof Error ? e.message : String(e)
  const sentence = text.charAt(0).toUpperCase() + text.slice(1)
  const end = /[.!?…]$/.test(sentence) ? sentence : sentence + '.'
  if (e instanceof ApiError && e.retryAfter) return `${end} Try again in ${e.retryAfter} s.`
  return end
}

/** A framed remark; bad ones are announced at once. */
export function Notice({ tone = 'off', children }: { tone?: 'ok' | 'wait' | 'bad' | 'off'; children: ComponentChildren }): JSX.Element {
  return (
    <div class={`notice tone-${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <div>{children}</div>
    </div>
  )
}

/** The head of a view: its name, and what can be done beside it. */
export function ViewHead({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <header class="view-head">
      <h1>{title}</h1>
      {children && <div class="view-tools">{children}</div>}
    </header>
  )
}

/** A titled part of a view or sheet. */
export function Section({ title, aside, children }: { title: string; aside?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <section class="section">
      <div class="section-head">
        <h3>{title}</h3>
        {aside}
      </div>
      {children}
    </section>
  )
}

/** Words for those who do not see the page. */
export const Hidden = ({ children }: { children: ComponentChildren }): JSX.Element => <span class="visually-hidden">{children}</span>

/** Pairs of a name and a value. */
export function Facts({ items }: { items: readonly (readonly [string, ComponentChildren] | false | undefined)[] }): JSX.Element {
  return (
    <dl class="facts">
      {items.map(
        (it) =>
          it && (
            <div key={it[0]}>
              <dt>{it[0]}</dt>
              <dd>{it[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}
