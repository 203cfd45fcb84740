import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Page, Zone } from '../../api'
import { go, place, withQuery } from '../../app/router'
import type { ViewProps } from '../../app/views'
import { cameras, ruleSet } from '../../state'
import { ButtonLink } from '../../ui/button'
import { useLoad } from '../../ui/load'
import { Empty, Hidden } from '../../ui/parts'
import { Grid } from './grid'
import { HoverFacts } from './hover'
import type { Hover } from './hover'
import { Large } from './large'
import { targetNamed, targetText } from './names'
import { Now } from './now'
import { TargetSheet } from './sheet'
import { Swipe } from './swipe'

const noZones: readonly Zone[] = []

/** What the cameras see, and what comes of it: /live, and /live/{camera} for one of them. */
export default function View({ rest }: ViewProps): JSX.Element {
  const loaded = useLoad<Page<Zone>>('zones', ruleSet.value)
  const zones = useMemo(() => byCamera(loaded.data?.items ?? []), [loaded.data])
  const [hover, setHover] = useState<Hover>()
  const narrow = useNarrow()
  const all = cameras.value
  const name = rest[0]
  const picked = targetNamed(place.value.query.get('target'))
  const zonesOf = (camera: string): readonly Zone[] => zones.get(camera) ?? noZones
  const scenes = {
    cameras: all ?? [],
    zonesOf,
    picked,
    onHover: setHover,
    onPick: (t: { camera: string; id: number }) => {
      setHover(undefined)
      go(withQuery({ target: targetText(t) }), { replace: picked !== undefined })
    },
  }

  return (
    <div class="live">
      <h1>
        <Hidden>Live</Hidden>
      </h1>
      <div class="live-main">
        {!all ? (
          <div class="live-waiting" role="status" aria-label="Loading" />
        ) : all.length === 0 ? (
          <Empty
            action={
              <ButtonLink kind="primary" href="/first-run">
                Show me how
              </ButtonLink>
            }
          >
            No camera is set up yet. Add one by its address, or point it here.
          </Empty>
        ) : name !== undefined && !all.some((c) => c.name === name) ? (
          <Empty
            action={
              <ButtonLink kind="primary" href="/live">
                Show all cameras
              </ButtonLink>
            }
          >
            There is no camera “{name}”.
          </Empty>
        ) : narrow ? (
          <Swipe name={name} {...scenes} />
        ) : name !== undefined || all.length === 1 ? (
          <Large name={name ?? all[0]?.name ?? ''} {...scenes} />
        ) : (
          <Grid {...scenes} />
        )}
      </div>
      <Now />
      {picked ? <TargetSheet key={targetText(picked)} of={picked} zones={zonesOf(picked.camera)} /> : <HoverFacts hover={hover} />}
    </div>
  )
}

function byCamera(zones: readonly Zone[]): Map<string, Zone[]> {
  const all = new Map<string, Zone[]>()
  for (const z of zones) {
    const of = all.get(z.camera)
    if (of) of.push(z)
    else all.set(z.camera, [z])
  }
  return all
}

/** True on a phone: as in theme.css. */
function useNarrow(): boolean {
  const [query] = useState(() => matchMedia('(max-width: 699.98px)'))
  const [narrow, setNarrow] = useState(query.matches)
  useEffect(() => {
    const changed = () => setNarrow(query.matches)
    query.addEventListener('change', changed)
    return () => query.removeEventListener('change', changed)
  }, [query])
  return narrow
}
