// How things look in a scene. A scene is dark in both schemes, as its picture is
// dimmed, so its colours are its own. Every class has a shape as well as a colour.

import type { Class } from '../api'

export type Shape = 'circle' | 'square' | 'diamond' | 'ring'

export interface Look {
  word: string
  shape: Shape
  color: string
}

const looks: Record<Class, Look> = {
  person: { word: 'person', shape: 'circle', color: '#ffe08a' },
  car: { word: 'car', shape: 'square', color: '#ffffff' },
  motor: { word: 'motor', shape: 'diamond', color: '#ffb08a' },
}

const unknown: Look = { word: 'unknown', shape: 'ring', color: '#cbd5e1' }

/** The look of a class; of a target whose class is not known yet when it is not given. */
export function lookOf(of: Class | undefined): Look {
  return of ? looks[of] : unknown
}

/** A duration in seconds as people read it: 1.4 s, 48 s, 12 min, 3 h. */
export function seconds(s: number): string {
  if (s < 9.95) return `${s.toFixed(1)} s`
  if (s < 89.5) return `${Math.round(s)} s`
  if (s < 89.5 * 60) return `${Math.round(s / 60)} min`
  return `${Math.round(s / 3600)} h`
}
