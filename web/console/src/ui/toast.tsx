// Short words about what was just done, at the lower edge. One action at most.
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { errorText } from './parts'

interface Told {
  id: number
  text: string
  tone: 'ok' | 'bad'
  action?: { label: string; do: () => void }
}

const told = signal<readonly Told[]>([])
let next = 1
const drop = (id: number): void => {
  told.value = told.value.filter((t) => t.id !== id)
}

/** Says something for 6 s; what went wrong stays for 12 s. */
export function toast(text: string, more: { tone?: 'ok' | 'bad'; action?: { label: string; do: () => void } } = {}): void {
  const t: Told = { id: next++, text, tone: more.tone ?? 'ok', ...(more.action && { action: more.action }) }
  told.value = [...told.value.slice(-2), t]
  setTimeout(() => drop(t.id), t.tone === 'bad' ? 12_000 : 6_000)
}

/** Takes away what was said: it does not hold any more. */
export const clearToasts = (): void => {
  told.value = []
}

/** Says what went wrong. */
export const toastError = (e: unknown): void => toast(errorText(e), { tone: 'bad' })

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {told.value.map((t) => (
        <div key={t.id} class={`toast tone-${t.tone}`}>
          <span>{t.text}</span>
          {t.action && (
            <button
              type="button"
              class="linklike"
              onClick={() => {
                drop(t.id)
                t.action?.do()
              }}
            >
              {t.action.label}
            </button>
          )}
          <button type="button" class="toast-close" aria-label="Dismiss" onClick={() => drop(t.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  )
}
