import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Camera, DeviceZone, Page, Point, Track, Zone } from '../../api'
import { go, path, place, withQuery } from '../../app/router'
import type { ViewProps } from '../../app/views'
import { query, seg } from '../../client'
import { useMotion } from '../../scene/feed'
import type { Mapping } from '../../scene/geometry'
import { MovingLayer } from '../../scene/MovingLayer'
import { Picture } from '../../scene/Picture'
import { ZoneShapes } from '../../scene/ZoneShapes'
import { cameras, mayEdit, ruleSet, serverNow } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { count as counted } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Empty, Failed, Hidden, Skeleton } from '../../ui/parts'
import { toast } from '../../ui/toast'
import { FreshPicture } from '../live/fresh'
import { begin, change, current, dirty, draftOf, drop, editOf, freeName, histories, keyOf, newDraft, redo, undo } from './draft'
import type { Draft, History } from './draft'
import { Drawing } from './drawing'
import { Heat } from './heat'
import { Imports } from './imports'
import { Laying } from './laying'
import { Fields, Items } from './panel'
import type { Item } from './panel'
import { Review } from './review'
import { wrongWith } from './shape'
import { Strip } from './strip'
import { tally, walkOf } from './visits'
import type { Limits } from './visits'

const tracksAsked = 500
const nobody: ReadonlySet<number> = new Set()
const nothing: ReadonlySet<string> = new Set()

/** True below 700 px, where the picture is as wide as the page and everything else under it. */
function useNarrow(): boolean {
  const [narrow, set] = useState(() => matchMedia('(max-width: 699px)').matches)
  useEffect(() => {
    const m = matchMedia('(max-width: 699px)')
    const changed = (): void => set(m.matches)
    m.addEventListener('change', changed)
    return () => m.removeEventListener('change', changed)
  }, [])
  return narrow
}

export default function Zones({ rest }: ViewProps): JSX.Element {
  const all = useLoad<Page<Zone>>('zones', ruleSet.value)
  const list = cameras.value
  const camera = list?.find((c) => c.name === rest[0]) ?? (rest[0] === undefined ? list?.[0] : undefined)
  if (!list || (!all.data && all.error === undefined)) return <Skeleton lines={6} />
  if (!all.data) return <Failed error={all.error} retry={all.reload} />
  if (list.length === 0)
    return (
      <>
        <h1 class="visually-hidden">Zones</h1>
        <Empty
          action={
            <ButtonLink kind="primary" href="/first-run">
              Add a camera
            </ButtonLink>
          }
        >
          Zones are drawn on a camera's picture, and there is no camera yet.
        </Empty>
      </>
    )
  if (!camera)
    return (
      <Empty
        action={
          <ButtonLink kind="primary" href="/zones">
            All cameras
          </ButtonLink>
        }
      >
        No camera is called {rest[0]}.
      </Empty>
    )
  return <Board key={camera.name} camera={camera} list={list} zones={all.data.items} rest={rest.slice(1)} reload={all.reload} />
}

/** One camera's picture with everything to draw on it. */
function Board({ camera, list, zones: all, rest, reload }: { camera: Camera; list: readonly Camera[]; zones: readonly Zone[]; rest: readonly string[]; reload: () => void }): JSX.Element {
  const narrow = useNarrow()
  const motion = useMotion(camera.name)
  const [laying, setLaying] = useState<{ kind: 'zone' | 'line'; points: Point[] }>()
  const [snapping, setSnapping] = useState(true)
  const zones = useMemo(() => all.filter((z) => z.camera === camera.name), [all, camera.name])

  // What is chosen: by its address.
  const [kind, name] = rest
  const key = keyOf(camera.name, kind ?? '', name ?? '')
  const saved = zones.find((z) => z.kind === kind && z.name === name)
  const shown = useMemo(() => saved && draftOf(saved), [saved])
  const kept = histories.value.get(key)
  const history: History | undefined = kept ?? (shown && { saved: shown, steps: [shown], at: 0 })
  const draft = history && current(history)
  const changed = history !== undefined && (kept !== undefined || !history.saved) && dirty(history)
  const editable = mayEdit.value
  const what = editable ? 'Choose a zone, or draw one.' : zones.length > 0 ? 'Choose a zone to see more of it. Only editors draw.' : 'Only editors draw zones.'
  const fixed = !editable || draft?.import !== undefined
  const others = useMemo(() => zones.filter((z) => z !== saved), [zones, saved])
  const under = path('zones', camera.name, ...(kind !== undefined && name !== undefined ? [kind, name] : []))

  // The last day, once: it does not change under the hand.
  const since = useMemo(() => new Date(Math.floor(serverNow() / 60_000) * 60_000 - 86_400_000).toISOString(), [camera.name])
  const tracks = useLoad<Page<Track>>(`cameras/${seg(camera.name)}/tracks${query({ since, limit: tracksAsked })}`)
  const walks = useMemo(() => (tracks.data?.items ?? []).map(walkOf), [tracks.data])
  const count = useMemo(() => (draft && tracks.data ? tally(walks, draft.points, limitsOf(draft)) : undefined), [walks, draft, tracks.data])
  const sketch = useMemo(
    () => (laying && tracks.data && laying.points.length >= (laying.kind === 'zone' ? 3 : 2) ? tally(walks, laying.points, limitsOf(newDraft(laying.kind, camera.name, '', laying.points))) : undefined),
    [walks, laying, tracks.data, camera.name],
  )
  const before = useMemo(() => (history?.saved && changed && tracks.data ? tally(walks, history.saved.points, limitsOf(history.saved)) : undefined), [walks, history?.saved, changed, tracks.data])

  const wrong = draft && draft.import === undefined ? wrongWith(draft.kind, draft.points) : undefined
  const nameWrong = !draft
    ? undefined
    : draft.name.trim() === ''
      ? 'It needs a name: rules call it by that.'
      : draft.name !== history?.saved?.name && !/^[a-z][a-z0-9-]{0,63}$/.test(draft.name.trim())
        ? 'Small letters, digits and dashes, a letter first: porch-floor.'
        : all.some((z) => z !== saved && z.kind === draft.kind && z.name === draft.name.trim())
          ? `A ${draft.kind} has that name.`
          : undefined

  const edit = (d: Draft, tag: string): void => {
    if (history) change(key, history, d, tag)
  }
  const start = (d: Draft): void => {
    let n = 1
    while (histories.value.has(keyOf(camera.name, `new-${d.kind}`, String(n)))) n++
    begin(keyOf(camera.name, `new-${d.kind}`, String(n)), d)
    go(path('zones', camera.name, `new-${d.kind}`, n), { replace: place.value.query.has('imports') })
  }
  const taken = (k: 'zone' | 'line'): string[] => [
    ...all.filter((z) => z.kind === k).map((z) => z.name),
    ...[...histories.value.values()].map((h) => current(h).name),
  ]
  const laid = (points: Point[]): void => {
    if (!laying) return
    setLaying(undefined)
    start(newDraft(laying.kind, camera.name, freeName(laying.kind === 'zone' ? 'zone' : 'line', taken(laying.kind)), points))
  }

  // The address of a new one that was saved or discarded since: the back key comes here.
  const over = kind?.startsWith('new-') === true && !history
  useEffect(() => {
    if (over) go(path('zones', camera.name), { replace: true })
  }, [over, camera.name])

  // One step back: of a shape that is being drawn, its last corner; of one that was just drawn, the drawing is open again.
  const fresh = kept !== undefined && !kept.saved && kept.at === 0 && draft !== undefined
  const canUndo = laying ? laying.points.length > 0 : kept !== undefined && (kept.at > 0 || fresh)
  const back = (): void => {
    if (laying) setLaying({ ...laying, points: laying.points.slice(0, -1) })
    else if (fresh) {
      drop(key)
      if (draft.import === undefined) setLaying({ kind: draft.kind, points: draft.kind === 'line' ? draft.points.slice(0, -1) : draft.points })
      go(path('zones', camera.name), { replace: true })
    } else undo(key)
  }
  // Steps back and forth, from anywhere but a text.
  const latest = useRef({ key, editable, back, canUndo, laying })
  latest.current = { key, editable, back, canUndo, laying }
  useEffect(() => {
    const press = (e: KeyboardEvent): void => {
      if (!(e.ctrlKey || e.metaKey) || e.altKey || !latest.current.editable) return
      if (e.target instanceof HTMLElement && e.target.closest('input:not([type=checkbox]):not([type=radio]), textarea, select')) return
      const k = e.key.toLowerCase()
      if (k !== 'z' && k !== 'y') return
      e.preventDefault()
      if (k === 'y' || e.shiftKey) {
        if (!latest.current.laying) redo(latest.current.key)
      } else if (latest.current.canUndo) latest.current.back()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  // What was drawn and not saved is not lost by a slip.
  const unsaved = [...histories.value.values()].some(dirty)
  useEffect(() => {
    if (!unsaved) return
    const ask = (e: BeforeUnloadEvent): void => e.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [unsaved])

  const q = place.value.query
  const importsOpen = q.has('imports')
  const imports = useLoad<Page<DeviceZone>>(importsOpen ? `cameras/${seg(camera.name)}/imports` : undefined)
  const review = q.get('review')
  const items: Item[] = [
    ...zones.map((z) => {
      const h = histories.value.get(keyOf(camera.name, z.kind, z.name))
      return {
        href: path('zones', camera.name, z.kind, z.name),
        kind: z.kind,
        name: h ? current(h).name : z.name,
        rules: z.rules.length,
        chosen: z === saved,
        unsaved: h !== undefined && dirty(h),
        imported: z.import !== undefined,
      }
    }),
    ...[...histories.value].flatMap(([k, h]): Item[] => {
      const [cam, kd, n] = JSON.parse(k) as [string, string, string]
      if (cam !== camera.name || !kd.startsWith('new-')) return []
      const d = current(h)
      return [{ href: path('zones', cam, kd, n), kind: d.kind, name: d.name, rules: 0, chosen: k === key, unsaved: true, imported: false }]
    }),
  ]

  return (
    <div class={`zones${laying ? ' zones-laying' : ''}`}>
      <div class="zones-tools" role="toolbar" aria-label="Drawing">
        <h1 class={narrow ? 'visually-hidden' : ''}>Zones</h1>
        <label class="zones-camera">
          <Hidden>Camera</Hidden>
          <select
            class="input"
            value={camera.name}
            onChange={(e) => {
              setLaying(undefined)
              go(path('zones', e.currentTarget.value))
            }}
          >
            {list.map((c) => (
              <option key={c.name} value={c.name}>
                {c.name}
              </option>
            ))}
          </select>
        </label>
        {editable && (
          <>
            <Button pressed={laying?.kind === 'zone'} onClick={() => setLaying(laying?.kind === 'zone' ? undefined : { kind: 'zone', points: [] })}>
              <Icon name="plus" /> Zone
            </Button>
            <Button pressed={laying?.kind === 'line'} onClick={() => setLaying(laying?.kind === 'line' ? undefined : { kind: 'line', points: [] })}>
              <Icon name="plus" /> Line
            </Button>
            <Button kind="quiet" label="Undo (Ctrl-Z)" disabled={!canUndo} onClick={back}>
              <Icon name="undo" />
            </Button>
            <Button kind="quiet" label="Redo (Ctrl-Y)" disabled={laying !== undefined || !kept || kept.at >= kept.steps.length - 1} onClick={() => redo(key)}>
              <Icon name="redo" />
            </Button>
            <Button kind="quiet" label={snapping ? 'Snapping is on (Alt: not now)' : 'Snapping is off'} pressed={snapping} onClick={() => setSnapping(!snapping)}>
              <Icon name="magnet" />
            </Button>
          </>
        )}
        <FreshPicture camera={camera} />
        {camera.device && editable && (
          <ButtonLink href={`${under}?imports=1`} class="zones-imports" title="Zones drawn in the camera's own page">
            Camera's own
          </ButtonLink>
        )}
        <span class="top-space" />
        <span class="zones-break" />
        {editable && (
          <Button kind="primary" class="zones-save" disabled={!changed || wrong !== undefined || nameWrong !== undefined} onClick={() => go(`${under}?review=save`)}>
            Save
          </Button>
        )}
      </div>

      <div class="zones-picture">
        <Picture camera={camera.name} snapshotAt={camera.snapshot_at} contain={!narrow} class="zones-scene">
          {(map, seen) => (
            <>
              <ZoneShapes zones={others} map={map} occupied={nothing} names={!draft && !laying} />
              {importsOpen && imports.data && <Ghosts items={imports.data.items} map={map} />}
              <Heat walks={walks} who={(laying ? sketch : count)?.who ?? nobody} map={map} />
              <MovingLayer motion={motion} zones={zones} map={map} marked={undefined} seen={seen} />
              {!laying && <Choosing zones={others} camera={camera.name} map={map} />}
              {draft && !laying && <Drawing key={key} draft={draft} others={others} map={map} snapping={snapping} fixed={fixed} onChange={edit} />}
              {laying && (
                <Laying
                  kind={laying.kind}
                  others={zones}
                  map={map}
                  snapping={snapping}
                  points={laying.points}
                  onPoints={(points) => setLaying({ ...laying, points })}
                  onDone={laid}
                  onCancel={() => setLaying(undefined)}
                />
              )}
            </>
          )}
        </Picture>
      </div>

      <div class="zones-strip">
        {laying ? (
          <>
            <p class="strip-text">
              {laying.kind === 'line'
                ? laying.points.length === 0
                  ? 'Press where the line begins, then where it ends.'
                  : 'Now where it ends.'
                : laying.points.length < 3
                  ? 'Press where the corners are. They are the ground: where feet are.'
                  : 'Press the first corner again to close it, or go on.'}
              {sketch && sketch.of > 0 && (
                <>
                  {' '}
                  <strong class="num">
                    {sketch.who.size} of {sketch.of}
                  </strong>{' '}
                  {sketch.of === 1 ? 'track' : 'tracks'} of the last day would have entered so far.
                </>
              )}
            </p>
            {laying.kind === 'zone' && laying.points.length >= 3 && (
              <Button kind="primary" onClick={() => laid(laying.points)}>
                Close it
              </Button>
            )}
            <Button kind="quiet" onClick={() => setLaying(undefined)}>
              Cancel
            </Button>
          </>
        ) : draft ? (
          <Strip kind={draft.kind} tally={count} saved={before} failed={tracks.error !== undefined} byFoot={draft.kind === 'zone' && draft.anchor !== 'bottom'} more={walks.length >= tracksAsked} />
        ) : (
          <p class="muted">
            {tracks.data ? (walks.length > 0 ? `The dots are where feet were: ${walks.length >= tracksAsked ? 'the newest ' : ''}${counted(walks.length, 'track')} of the last day. ${what}` : `No tracks of the last day are recorded here. ${what}`) : what}
          </p>
        )}
      </div>

      <aside class="zones-panel" aria-label="Zones and lines">
        {items.length > 0 ? (
          <Items items={items} camera={camera.name} />
        ) : (
          <Empty
            action={
              editable && !laying ? (
                <Button kind="primary" onClick={() => setLaying({ kind: 'zone', points: [] })}>
                  Draw a zone
                </Button>
              ) : undefined
            }
          >
            {camera.name} has no zone yet.{editable && ' Draw the ground where somebody should count.'}
          </Empty>
        )}
        {draft && history && (
          <Fields
            key={key}
            draft={draft}
            saved={saved}
            fixed={!editable}
            wrong={wrong}
            nameWrong={nameWrong}
            onChange={edit}
            deletes={editable && saved ? `${under}?review=delete` : undefined}
            onDrop={
              changed
                ? () => {
                    drop(key)
                    if (!saved) go(path('zones', camera.name), { replace: true })
                  }
                : undefined
            }
          />
        )}
      </aside>

      {importsOpen && (
        <Imports
          camera={camera.name}
          under={under}
          found={imports}
          zones={zones}
          onUse={(z) => start({ ...newDraft(z.kind, camera.name, freeName(z.kind, taken(z.kind)), z.points), import: z.id })}
        />
      )}
      {review !== null && history && draft && (
        <Review
          edit={review === 'delete' && saved ? { was: saved.name, kind: saved.kind } : editOf(history)}
          title={review === 'delete' ? `Delete ${draft.name}` : `Save ${draft.name}`}
          under={withQuery({ review: undefined })}
          onSaved={(file) => {
            drop(key)
            toast(review === 'delete' ? `${draft.name} is gone from ${file}.` : `Saved in ${file}. It counts from now on.`)
            go(review === 'delete' ? path('zones', camera.name) : path('zones', camera.name, draft.kind, draft.name.trim()), { replace: true })
            reload()
          }}
        />
      )}
    </div>
  )
}

function limitsOf(d: Draft): Limits {
  return { kind: d.kind, in: d.in, classes: d.classes, margin: d.margin, settle: d.settle, linger: d.linger }
}

/** Presses on the zones that are not chosen choose them. The list does the same by keyboard. */
function Choosing({ zones, camera, map }: { zones: readonly Zone[]; camera: string; map: Mapping }): JSX.Element {
  const text = (p: readonly Point[]): string => p.map((q) => `${map.x(q[0])},${map.y(q[1])}`).join(' ')
  return (
    <svg class="scene-layer choosing" viewBox={`0 0 ${map.width} ${map.height}`} aria-hidden="true">
      {zones.map((z) => {
        if (!z.points) return null
        const choose = (): void => go(path('zones', camera, z.kind, z.name))
        return z.kind === 'zone' ? (
          <polygon key={`zone ${z.name}`} points={text(z.points)} onClick={choose} />
        ) : (
          <polyline key={`line ${z.name}`} points={text(z.points)} onClick={choose} />
        )
      })}
    </svg>
  )
}

/** What is drawn in the camera's own page, as outlines. */
function Ghosts({ items, map }: { items: readonly DeviceZone[]; map: Mapping }): JSX.Element {
  return (
    <svg class="scene-layer ghosts" viewBox={`0 0 ${map.width} ${map.height}`} aria-hidden="true">
      {items.map((z) => {
        const text = z.points.map((q) => `${map.x(q[0])},${map.y(q[1])}`).join(' ')
        const first = z.points[0]
        return (
          <g key={z.id}>
            {z.kind === 'zone' ? <polygon points={text} /> : <polyline points={text} />}
            {first && (
              <text x={map.x(first[0]) + 6} y={map.y(first[1]) + 14}>
                {z.id}
              </text>
            )}
          </g>
        )
      })}
    </svg>
  )
}
