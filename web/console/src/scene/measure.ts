import { useEffect, useRef, useState } from 'preact/hooks'
import type { RefObject } from 'preact'

export interface Size {
  width: number
  height: number
}

/** The size of an element's content in CSS pixels as it changes; 0 by 0 before it is known. */
export function useSize<E extends Element>(): [RefObject<E | null>, Size] {
  const ref = useRef<E | null>(null)
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const watch = new ResizeObserver((entries) => {
      const box = entries[entries.length - 1]?.contentRect
      if (box) setSize((was) => (was.width === box.width && was.height === box.height ? was : { width: box.width, height: box.height }))
    })
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  return [ref, size]
}

/** True while some of the element is on the screen and the page is in front. */
export function useSeen(ref: RefObject<Element | null>): boolean {
  const [onScreen, setOnScreen] = useState(true)
  const [inFront, setInFront] = useState(document.visibilityState === 'visible')
  useEffect(() => {
    const changed = () => setInFront(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', changed)
    return () => document.removeEventListener('visibilitychange', changed)
  }, [])
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const watch = new IntersectionObserver((entries) => setOnScreen(entries[entries.length - 1]?.isIntersecting ?? true))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  return onScreen && inFront
}

/** True for people who asked their system for less motion. */
export function useLessMotion(): boolean {
  const [less, setLess] = useState(() => matchMedia('(prefers-reduced-motion: reduce)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-reduced-motion: reduce)')
    const changed = () => setLess(query.matches)
    query.addEventListener('change', changed)
    return () => query.removeEventListener('change', changed)
  }, [])
  return less
}
