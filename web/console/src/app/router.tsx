// Addresses. A view is the first part of the path; what follows is the view's
// own, usually the sheet that is open over it. Links are plain <a>: they work
// with the middle button, and the back key goes where one came from.
import { computed, signal } from '@preact/signals'

export interface Place {
  path: string
  query: URLSearchParams
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) })

export const place = signal<Place>(here())
/** The decoded parts of the path. */
export const parts = computed(() =>
  place.value.path
    .split('/')
    .filter(Boolean)
    .map((p) => {
      try {
        return decodeURIComponent(p)
      } catch {
        return p
      }
    }),
)

interface Trail {
  /** How many steps were made inside the page to come here. */
  depth: number
}
const depth = (): number => (history.state as Trail | null)?.depth ?? 0

/** Goes to an address of the page. */
export function go(to: string, how: { replace?: boolean } = {}): void {
  const url = new URL(to, location.href)
  if (url.pathname === location.pathname && url.search === location.search) return
  if (how.replace) history.replaceState({ depth: depth() }, '', url)
  else history.pushState({ depth: depth() + 1 }, '', url)
  const moved = place.value.path.split('/')[1] !== url.pathname.split('/')[1]
  place.value = here()
  if (moved) window.scrollTo(0, 0)
}

/** Leaves a sheet: back to where it was opened from, else to the address under it. */
export function leave(under: string): void {
  if (depth() > 0) history.back()
  else go(under, { replace: true })
}

/** The address here with some of the query changed; undefined takes a value out. */
export function withQuery(change: Record<string, string | undefined>): string {
  const q = new URLSearchParams(place.value.query)
  for (const [k, v] of Object.entries(change)) {
    if (v === undefined || v === '') q.delete(k)
    else q.set(k, v)
  }
  const text = q.toString()
  return place.value.path + (text ? `?${text}` : '')
}

/** An address from parts, each encoded. */
export const path = (...all: (string | number)[]): string => '/' + all.map((p) => encodeURIComponent(p)).join('/')

/** Takes over clicks on links that stay in the page, and the back key; gives back what ends it. */
export function startRouter(): () => void {
  const click = (e: MouseEvent): void => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    const a = (e.target as Element | null)?.closest('a')
    if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin) return
    if (a.pathname.startsWith('/api/') || a.pathname.startsWith('/assets/')) return
    if (a.hash && a.pathname === location.pathname && a.search === location.search) return
    e.preventDefault()
    go(a.pathname + a.search)
  }
  const back = (): void => {
    place.value = here()
  }
  document.addEventListener('click', click)
  window.addEventListener('popstate', back)
  return () => {
    document.removeEventListener('click', click)
    window.removeEventListener('popstate', back)
  }
}
