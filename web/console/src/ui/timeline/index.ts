export { Timeline, type TimelineProps } from './timeline'
export type { Range } from './scale'
export { momentOf, offsetOf, wallText } from './zone'
