import type { RuleProblem } from '../api'

/** Whether a problem is in the file of this path below the rules folder. */
export function concerns(p: RuleProblem, path: string): boolean {
  return p.file === path || p.file.endsWith(`/${path}`)
}
