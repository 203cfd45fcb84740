import type { ComponentType } from 'preact'
import type { IconName } from '../ui/icon'

/** What a view gets: the decoded parts of the address behind its name. */
export interface ViewProps {
  rest: readonly string[]
}

export interface ViewEntry {
  name: string
  title: string
  /** Absent for a view that is not in the rail. */
  icon?: IconName
  load: () => Promise<{ default: ComponentType<ViewProps> }>
}

/** All views; those with an icon in the order of the rail. */
export const views: readonly ViewEntry[] = [
  { name: 'live', title: 'Live', icon: 'live', load: () => import('../views/live') },
  { name: 'rules', title: 'Rules', icon: 'rules', load: () => import('../views/rules') },
  { name: 'zones', title: 'Zones', icon: 'zones', load: () => import('../views/zones') },
  { name: 'journal', title: 'Journal', icon: 'journal', load: () => import('../views/journal') },
  { name: 'plates', title: 'Plates', icon: 'plates', load: () => import('../views/plates') },
  { name: 'relays', title: 'Relays', icon: 'relays', load: () => import('../views/relays') },
  { name: 'system', title: 'System', icon: 'system', load: () => import('../views/system') },
  { name: 'first-run', title: 'First steps', load: () => import('../views/firstrun') },
]
