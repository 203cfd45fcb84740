// What an entry of the journal is, where its kind says too little.
import type { Entry } from '../api'

/** The end of a firing has the kind of the firing. */
export const isEnd = (e: Entry): boolean => e.kind === 'firing' && e['type'] === 'end'

/** Whether a rule fired, also in shadow. */
export const isFiring = (e: Entry): boolean => e.kind === 'firing' && !isEnd(e)

/** Whether a rule fired without anything being done. */
export const isShadow = (e: Entry): boolean => isFiring(e) && e['reason'] === 'shadow'
