import { useEffect, useState } from 'preact/hooks'
import type { System } from '../../api'
import { useLoad } from '../../ui/load'
import type { Loaded } from '../../ui/load'

/** A number that grows every so many seconds while the tab is shown. */
export function useEvery(seconds: number): number {
  const [turn, set] = useState(0)
  useEffect(() => {
    const t = setInterval(() => document.visibilityState === 'visible' && set((n) => n + 1), seconds * 1000)
    return () => clearInterval(t)
  }, [seconds])
  return turn
}

/** How the program and its machine are, asked for every 10 s. */
export const useSystem = (): Loaded<System> => useLoad<System>('system', useEvery(10))

/** A camera's name as the site file takes it, out of any text; may be empty. */
export const cameraName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '')
    .slice(0, 32)
    .replace(/-+$/, '')

/** What is wrong with a camera's name; undefined when nothing is. */
export function wrongName(name: string, taken: readonly string[]): string | undefined {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) return 'Small letters, digits and dashes, a letter first.'
  if (name.length > 48) return 'At most 48 letters.'
  if (taken.includes(name)) return 'There is a camera of this name.'
  return undefined
}
