import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { go, path, place } from '../../app/router'
import { StateDot } from '../../ui/mark'
import type { ScenesProps } from './grid'
import { Tile } from './tile'

/** With more cameras than this there is a number instead of dots. */
const mostDots = 10
/** How long the finger has to be still before the address follows, in milliseconds. */
const settled = 150

/** One camera at a time, for a phone: a swipe or a dot goes to the next, and the address follows. */
export function Swipe({ name, cameras, zonesOf, ...rest }: ScenesProps & { name: string | undefined }): JSX.Element {
  const strip = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(() => indexOf(cameras, name))
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  const show = (i: number, how: ScrollBehavior) => {
    const s = strip.current
    s?.scrollTo({ left: i * s.clientWidth, behavior: how })
  }
  // The address was changed by a link or the back key, or the page begins with one.
  useEffect(() => {
    const i = indexOf(cameras, name)
    const s = strip.current
    if (s && Math.round(s.scrollLeft / s.clientWidth) !== i) show(i, 'instant')
    setAt(i)
  }, [name])

  const moved = () => {
    const s = strip.current
    if (!s || s.clientWidth === 0) return
    const i = Math.min(cameras.length - 1, Math.max(0, Math.round(s.scrollLeft / s.clientWidth)))
    setAt(i)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      const camera = cameras[i]
      if (!camera || i === indexOf(cameras, name)) return
      const query = place.peek().query.toString()
      go(path('live', camera.name) + (query ? `?${query}` : ''), { replace: true })
    }, settled)
  }

  return (
    <div class="live-swipe">
      <div ref={strip} class="live-strip" onScroll={moved} tabIndex={cameras.length > 1 ? 0 : -1} role="group" aria-label="Cameras, side by side">
        {cameras.map((c) => (
          <Tile key={c.name} camera={c} zones={zonesOf(c.name)} {...rest} large />
        ))}
      </div>
      {cameras.length > 1 && (
        <nav class="live-dots" aria-label="Cameras">
          {cameras.length > mostDots ? (
            <>
              <button type="button" disabled={at === 0} onClick={() => show(at - 1, 'smooth')}>
                Previous
              </button>
              <span class="num">
                {at + 1} of {cameras.length}
              </span>
              <button type="button" disabled={at === cameras.length - 1} onClick={() => show(at + 1, 'smooth')}>
                Next
              </button>
            </>
          ) : (
            cameras.map((c, i) => (
              <button key={c.name} type="button" class="live-dot" aria-label={c.name} aria-current={i === at ? 'true' : undefined} onClick={() => show(i, 'smooth')}>
                {c.online ? <span class="live-dot-mark" /> : <StateDot tone="bad" word="offline" />}
              </button>
            ))
          )}
        </nav>
      )}
    </div>
  )
}

function indexOf(cameras: ScenesProps['cameras'], name: string | undefined): number {
  return Math.max(
    0,
    cameras.findIndex((c) => c.name === name),
  )
}
