import type { Recipe, Zone } from '../../api'
import { defined, placeOf } from './recipe'

/** The zones and lines of a site that lie exactly where a recipe has one: nobody has drawn them yet. */
export function undrawn(zones: readonly Pick<Zone, 'name' | 'kind' | 'camera' | 'points' | 'rules'>[], recipes: readonly Pick<Recipe, 'text'>[]): Pick<Zone, 'name' | 'kind' | 'camera' | 'points' | 'rules'>[] {
  const theirs = new Set<string>()
  for (const r of recipes)
    for (const key of ['zones', 'lines'] as const)
      for (const n of defined(r.text, key)) {
        const points = placeOf(r.text, key, n)?.points
        if (points) theirs.add(`${key === 'zones' ? 'zone' : 'line'} ${JSON.stringify(points)}`)
      }
  return zones.filter((z) => z.points && theirs.has(`${z.kind} ${JSON.stringify(z.points)}`))
}
