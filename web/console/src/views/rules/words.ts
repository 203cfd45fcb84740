// The words that rules are shown with.
import type { Mode, Rule, RuleKey, RuleState } from '../../api'
import type { Tone } from '../../ui/mark'

export const stateTone: Record<RuleState, Tone> = {
  idle: 'off',
  pending: 'wait',
  barred: 'wait',
  active: 'live',
  holding: 'wait',
  unknown: 'wait',
}

export const modeTone: Record<Mode, Tone> = { live: 'ok', shadow: 'wait', off: 'off' }

/** What a mode does, in one sentence. */
export const modeHelp: Record<Mode, string> = {
  live: 'It decides and acts.',
  shadow: 'It decides and shows what it would do, and does nothing.',
  off: 'It is not looked at.',
}

/** A rule file's path below the rules folder: rules stand in the folder itself. */
export const fileOf = (file: string): string => file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)

/** The address of a rule's own page. */
export const ruleAddress = (name: string): string => `/rules/${encodeURIComponent(name)}`

/** The address of a file's editor, with the caret in a line. */
export function fileAddress(path: string, line?: number): string {
  return `/rules/file/${path.split('/').map(encodeURIComponent).join('/')}${line ? `?line=${line}` : ''}`
}

/** What holds a key back or keeps it, in a word behind its name. */
export const keyWord = (k: RuleKey): string => (k.held && k.held !== k.state ? `${k.state}, ${k.held}` : k.state)

/** What a rule is looked at for: plate, target; a standing rule has none. */
export const onWords = (r: Pick<Rule, 'on' | 'per'>): string => (r.on.length > 0 ? `on ${r.on.join(', ')}` : 'whenever what it reads changes')

export interface Wanted {
  text: string
  /** live, shadow, off, active, problem: all that is asked for besides the text. */
  mode?: string
}

/** Whether a rule is among those asked for: every word must be found somewhere. */
export function matches(r: Rule, state: RuleState, w: Wanted): boolean {
  if (w.mode) {
    switch (w.mode) {
      case 'shadow':
      case 'off':
      case 'live':
        if (r.mode !== w.mode) return false
        break
      case 'now':
        if (state === 'idle') return false
        break
      case 'problem':
        if (r.problems.length === 0) return false
        break
      case 'override':
        if (!r.override) return false
        break
    }
  }
  const words = w.text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const all = [r.name, fileOf(r.file), ...r.cameras, ...r.relays, ...r.on, r.mode, state, ...r.keys.map((k) => k.key)].join('\n').toLowerCase()
  return words.every((x) => all.includes(x))
}
