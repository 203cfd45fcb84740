// Addresses of this view. A target's sheet is ?target=camera/12 over any of them.

/** A target as an address names it. */
export interface TargetName {
  camera: string
  id: number
}

export function targetText(t: TargetName): string {
  return `${t.camera}/${t.id}`
}

/** The target that an address names; undefined for none, or for what is no target. */
export function targetNamed(text: string | null): TargetName | undefined {
  const cut = text?.lastIndexOf('/') ?? -1
  if (!text || cut < 1) return undefined
  const digits = text.slice(cut + 1)
  if (!/^[0-9]{1,15}$/.test(digits)) return undefined
  return { camera: text.slice(0, cut), id: Number(digits) }
}
