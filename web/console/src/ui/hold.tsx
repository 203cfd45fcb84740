import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'

/** How long it is held, in milliseconds; ui.css fills it in the same time. */
export const holdTime = 600
const armedTime = 4000

/**
 * Does something only after it was held for 600 ms, by finger, mouse, Space or
 * Enter. Let go of earlier it does nothing and says so. A screen reader cannot
 * hold: for it, two presses are needed.
 */
export function HoldButton(p: {
  children: ComponentChildren
  onHeld: () => void
  /** What it does, in words, for those who do not see it: "Open gate", or all that is shown and more: "Hold to restart". */
  label: string
  kind?: 'primary' | 'plain' | 'danger'
  disabled?: boolean
  busy?: boolean
  class?: string
}): JSX.Element {
  const [state, set] = useState<'idle' | 'holding' | 'short' | 'armed'>('idle')
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const hint = useId()
  const stopTimer = (): void => clearTimeout(timer.current)
  useEffect(() => stopTimer, [])
  const off = p.disabled || p.busy
  useEffect(() => {
    if (off) {
      stopTimer()
      set('idle')
    }
  }, [off])

  const begin = (): void => {
    if (off) return
    stopTimer()
    set('holding')
    timer.current = setTimeout(() => {
      set('idle')
      p.onHeld()
    }, holdTime)
  }
  const end = (): void => {
    if (state !== 'holding') return
    stopTimer()
    set('short')
    timer.current = setTimeout(() => set('idle'), 2000)
  }
  const click = (e: MouseEvent): void => {
    // Fingers and mice were heard of already; keys are kept from clicking.
    if (off || e.detail !== 0) return
    stopTimer()
    if (state === 'armed') {
      set('idle')
      p.onHeld()
      return
    }
    set('armed')
    timer.current = setTimeout(() => set('idle'), armedTime)
  }
  const isKey = (e: KeyboardEvent): boolean => e.key === ' ' || e.key === 'Enter'

  return (
    <span class={`hold ${p.class ?? ''}`}>
      <button
        type="button"
        class={`button hold-button ${p.kind ?? 'primary'} ${state === 'holding' ? 'holding' : ''} ${p.busy ? 'busy' : ''}`}
        disabled={off}
        aria-label={p.label.startsWith('Hold') || p.busy ? p.label : `${p.label}: hold`}
        aria-describedby={hint}
        onPointerDown={(e) => {
          if (e.button !== 0) return
          // A finger that slides off lets go.
          if (e.currentTarget.hasPointerCapture(e.pointerId)) e.currentTarget.releasePointerCapture(e.pointerId)
          begin()
        }}
        onPointerUp={end}
        onPointerLeave={end}
        onPointerCancel={end}
        onContextMenu={(e) => e.preventDefault()}
        onKeyDown={(e) => {
          if (!isKey(e)) return
          e.preventDefault()
          if (!e.repeat) begin()
        }}
        onKeyUp={(e) => {
          if (!isKey(e)) return
          e.preventDefault()
          end()
        }}
        onBlur={end}
        onClick={click}
      >
        <span class="hold-fill" aria-hidden="true" />
        <span class="hold-text">{p.children}</span>
      </button>
      <span id={hint} class="hold-hint" role="status">
        {state === 'short' ? 'Hold it until it is full' : state === 'armed' ? 'Press again to do it' : ''}
      </span>
    </span>
  )
}
