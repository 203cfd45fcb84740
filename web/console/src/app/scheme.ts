// Light, dark, or as the system has it. scheme.ts beside main.tsx applies it before the first paint.
import { signal } from '@preact/signals'

export type Scheme = 'system' | 'light' | 'dark'
const key = 'scheme'

const stored = localStorage.getItem(key)
export const scheme = signal<Scheme>(stored === 'light' || stored === 'dark' ? stored : 'system')

export function setScheme(s: Scheme): void {
  scheme.value = s
  if (s === 'system') {
    localStorage.removeItem(key)
    delete document.documentElement.dataset.scheme
  } else {
    localStorage.setItem(key, s)
    document.documentElement.dataset.scheme = s
  }
}
