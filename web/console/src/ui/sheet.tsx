import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { leave } from '../app/router'
import { Button } from './button'
import { Icon } from './icon'

/**
 * Slides in from the right, from below on a phone, over the view it belongs to,
 * which stays usable where it is seen. It has an address of its own: `under` is
 * the address that is left when it is closed. Escape closes it.
 */
export function Sheet(p: {
  title: ComponentChildren
  under: string
  children: ComponentChildren
  /** Buttons beside the title. */
  actions?: ComponentChildren
  /** For a text beside others: an editor, a comparison. */
  wide?: boolean
}): JSX.Element {
  const id = useId()
  const me = useRef<HTMLElement>(null)
  const title = useRef<HTMLHeadingElement>(null)
  const under = useRef(p.under)
  under.current = p.under

  useEffect(() => {
    const before = document.activeElement
    title.current?.focus({ preventScroll: true })
    return () => {
      // Only when the focus went down with the sheet, not when it was moved on purpose.
      if (before instanceof HTMLElement && before.isConnected && (document.activeElement === document.body || !document.activeElement)) before.focus({ preventScroll: true })
    }
  }, [])
  useEffect(() => {
    const key = (e: KeyboardEvent): void => {
      if (e.key !== 'Escape' || e.defaultPrevented) return
      // Of sheets above each other the newest closes.
      const all = document.querySelectorAll('.sheet')
      if (all[all.length - 1] !== me.current) return
      e.preventDefault()
      leave(under.current)
    }
    document.addEventListener('keydown', key)
    return () => document.removeEventListener('keydown', key)
  }, [])

  return (
    <section ref={me} class={`sheet${p.wide ? ' wide' : ''}`} role="dialog" aria-labelledby={id}>
      <div class="sheet-head">
        <h2 id={id} ref={title} tabIndex={-1}>
          {p.title}
        </h2>
        {p.actions}
        <Button kind="quiet" label="Close" onClick={() => leave(p.under)}>
          <Icon name="close" />
        </Button>
      </div>
      <div class="sheet-body">{p.children}</div>
    </section>
  )
}
