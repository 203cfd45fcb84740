// What was changed here is asked for again wherever it is shown.
import { signal } from '@preact/signals'
import type { PlateEntry } from '../../api'
import { del, put, seg } from '../../client'

/** Grows when a list was changed from here. */
export const changed = signal(0)

export type Written = Omit<PlateEntry, 'plate' | 'valid' | 'why'>

const at = (list: string, plate: string): string => `plates/lists/${seg(list)}/${seg(plate)}`

/** Puts a plate on a list, or makes its entry say just this. */
export async function putPlate(list: string, plate: string, e: Written): Promise<PlateEntry> {
  const got = await put<PlateEntry>(at(list, plate), e)
  changed.value++
  return got
}

export async function removePlate(list: string, plate: string): Promise<void> {
  await del(at(list, plate))
  changed.value++
}

/** An entry without what is not written. */
export function written(e: PlateEntry): Written {
  const { owner, from, until, schedule, note } = e
  return { ...(owner && { owner }), ...(from && { from }), ...(until && { until }), ...(schedule && { schedule }), ...(note && { note }) }
}
