import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { CheckResult, Names, Page, Recipe, Rule, RuleFile, RuleProblem, Zone, ZoneEdited } from '../../api'
import { path as address } from '../../app/router'
import { ApiError, post, saveFile } from '../../client'
import { ruleSet } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { Check, Select } from '../../ui/field'
import { useLoad } from '../../ui/load'
import { Failed, Notice, Skeleton } from '../../ui/parts'
import { toast, toastError } from '../../ui/toast'
import { undrawn } from './undrawn'
import { defined, fit, free, placeOf, tooMany } from './recipe'
import type { Mapping, Taken } from './recipe'

const own = ' ' // not a name

type Kind = keyof Mapping
const words: Record<Kind, string> = { cameras: 'camera', zones: 'zone', lines: 'line', relays: 'relay', contacts: 'contact', lists: 'list' }
const kinds: readonly Kind[] = ['cameras', 'zones', 'lines', 'relays', 'contacts', 'lists']

/** Picks a shipped rule file, fits it to the site, and saves it. */
export function PickRecipe({ saved }: { saved: () => void }): JSX.Element {
  const recipes = useLoad<Page<Recipe>>('recipes')
  const [file, setFile] = useState('porch-light.yaml')
  const recipe = recipes.data?.items.find((r) => r.file === file) ?? recipes.data?.items[0]
  if (!recipe) return recipes.error === undefined ? <Skeleton /> : <Failed error={recipes.error} retry={recipes.reload} />
  return (
    <div class="stack">
      <Select
        label="What is to happen"
        value={recipe.file}
        onChange={setFile}
        hint={recipe.title}
        options={(recipes.data?.items ?? []).map((r) => ({ value: r.file, label: r.file.replace(/\.yaml$/, '').replaceAll('-', ' ') }))}
      />
      <Fit key={recipe.file} recipe={recipe} saved={saved} />
    </div>
  )
}

function Fit({ recipe, saved }: { recipe: Recipe; saved: () => void }): JSX.Element {
  const places = useLoad<Page<Zone>>('zones', ruleSet.value)
  const names = useLoad<Names>('names', ruleSet.value)
  const rules = useLoad<Page<Rule>>('rules', ruleSet.value)
  const files = useLoad<Page<RuleFile>>('files', ruleSet.value)
  const [chosen, setChosen] = useState<Partial<Record<Kind, Record<string, string>>>>({})
  const [shadow, setShadow] = useState(true)
  const [found, setFound] = useState<{ text: string; problems: RuleProblem[] }>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()

  const n = names.data
  const choices = useMemo(() => (n ? options(n) : undefined), [n])
  const pick = (kind: Kind, name: string): string => {
    const here = chosen[kind]?.[name]
    if (here !== undefined) return here
    const list = choices?.[kind] ?? []
    if (kind === 'zones' || kind === 'lines') {
      // One that is drawn on that camera already is meant when it is the only one; of several one is chosen.
      const camera = placeOf(recipe.text, kind, name)?.camera
      if (camera === undefined) return list.includes(name) ? name : own
      const on = pick('cameras', camera)
      const there = (places.data?.items ?? []).filter((z) => z.kind === (kind === 'zones' ? 'zone' : 'line') && z.camera === on).map((z) => z.name)
      if (there.includes(name)) return name
      const alone = recipe[kind].filter((o) => placeOf(recipe.text, kind, o)?.camera === camera).length === 1
      return there.length === 0 || !alone ? own : there.length === 1 ? (there[0] ?? own) : ''
    }
    if (list.includes(name)) return name
    if (kind === 'lists') return own
    // Which relay or contact it is, only people know. The only camera there is is meant.
    return kind === 'cameras' && list.length === 1 ? (list[0] ?? '') : ''
  }
  const missing = kinds.flatMap((kind) => recipe[kind].filter((name) => pick(kind, name) === ''))
  const map = useMemo((): Mapping => {
    const m: Mapping = { cameras: {}, zones: {}, lines: {}, relays: {}, contacts: {}, lists: {} }
    for (const kind of kinds)
      for (const name of recipe[kind]) {
        const to = pick(kind, name)
        if (to && to !== own) m[kind][name] = to
      }
    return m
  }, [recipe, chosen, choices, places.data])
  const taken: Taken | undefined = n &&
    rules.data && {
      zones: n.zones.map((z) => z.name),
      lines: n.lines.map((l) => l.name),
      lists: n.lists,
      schedules: n.schedules,
      flags: n.flags,
      rules: rules.data.items.map((r) => r.name),
    }
  const text = taken ? fit(recipe.text, map, taken, shadow) : undefined
  const path = files.data ? free(recipe.file.replace(/\.yaml$/, ''), files.data.items.map((f) => f.path.replace(/\.yaml$/, ''))) + '.yaml' : undefined

  useEffect(() => {
    if (text === undefined || path === undefined) return
    const stop = new AbortController()
    post<CheckResult>('check', { files: { [path]: text } }, stop.signal).then(
      (r) => !stop.signal.aborted && setFound({ text, problems: r.problems.filter((p) => p.file === path || p.file.endsWith('/' + path)) }),
      (e: unknown) => !stop.signal.aborted && setError(e),
    )
    return () => stop.abort()
  }, [text, path])

  const failed = names.error ?? rules.error ?? files.error ?? places.error
  if (failed !== undefined) return <Failed error={failed} retry={names.reload} />
  if (!choices || !places.data || text === undefined || path === undefined) return <Skeleton />
  const wrong = found?.text === text ? found.problems.filter((p) => !p.warning) : undefined
  const save = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await saveFile(path, text)
      toast(`${path} is saved${shadow ? ': its rules say what they would do' : ' and counts'}.`)
      saved()
    } catch (e) {
      setError(e)
      if (e instanceof ApiError && e.problems.length > 0) setFound({ text, problems: e.problems })
    } finally {
      setBusy(false)
    }
  }
  return (
    <div class="stack">
      {kinds.map((kind) =>
        recipe[kind].map((name) => (
          <Select
            key={`${kind} ${name}`}
            label={`The ${words[kind]} “${name}”`}
            value={pick(kind, name)}
            {...(pick(kind, name) === '' && (choices[kind] ?? []).length > 0 && { hint: 'Choose one.' })}
            onChange={(to) => setChosen((c) => ({ ...c, [kind]: { ...c[kind], [name]: to } }))}
            options={[
              ...(pick(kind, name) === '' && (choices[kind] ?? []).length > 0 ? [{ value: '', label: `Choose the ${words[kind]} …` }] : []),
              ...(choices[kind] ?? []).map((o) => ({ value: o, label: o })),
              ...(keeps(kind) ? [{ value: own, label: ownLabel(kind, recipe, name) }] : (choices[kind] ?? []).length === 0 ? [{ value: '', label: `There is no ${words[kind]} yet: the site file describes them` }] : []),
            ]}
          />
        )),
      )}
      {recipe.zones.map((name) => {
        const zone = places.data?.items.find((z) => z.kind === 'zone' && z.name === pick('zones', name))
        const classes = placeOf(recipe.text, 'zones', name)?.classes
        return zone && classes && tooMany(classes, zone.classes).length > 0 ? <WhoCounts key={name} zone={zone} classes={classes} changed={places.reload} /> : null
      })}
      <Check label="Only say what it would do, until I make it live (mode: shadow)" checked={shadow} onChange={setShadow} />
      <details class="first-text">
        <summary>What is written to {path}</summary>
        <pre class="system-lines">{text}</pre>
      </details>
      {wrong && wrong.length > 0 && missing.length === 0 && (
        <Notice tone="bad">
          <ul class="system-notes">
            {wrong.slice(0, 5).map((p, i) => (
              <li key={i}>
                {p.line ? `Line ${p.line}: ` : ''}
                {p.message}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {error !== undefined && <Failed error={error} />}
      <div>
        <Button kind="primary" busy={busy} disabled={!wrong || wrong.length > 0 || missing.length > 0} onClick={() => void save()}>
          {shadow ? 'Save it in shadow' : 'Save it'}
        </Button>
      </div>
    </div>
  )
}

/** The recipe is about some classes, and in the zone of the site others count, too: said, and put right at a press. */
function WhoCounts({ zone: z, classes, changed }: { zone: Zone; classes: string[]; changed: () => void }): JSX.Element {
  const [busy, setBusy] = useState(false)
  const narrow = async (): Promise<void> => {
    setBusy(true)
    try {
      const e = await post<ZoneEdited>('zones/edit', { was: z.name, kind: z.kind, zone: { name: z.name, kind: z.kind, camera: z.camera, classes } })
      await saveFile(e.path, e.text, e.etag)
      toast(`In ${z.name} counts ${classes.join(', ')} only.`)
      changed()
    } catch (e) {
      toastError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Notice tone="wait">
      <p>
        The recipe is about {classes.join(', ')}; in the zone “{z.name}” {tooMany(classes, z.classes).join(', ')} would count as well, and set it off.
        {z.rules.length > 0 && ` It is used by ${z.rules.map((r) => `“${r}”`).join(', ')}, too.`}
      </p>
      <div>
        <Button small busy={busy} onClick={() => void narrow()}>
          Let only {classes.join(', ')} count in {z.name}
        </Button>
      </div>
    </Notice>
  )
}

/** Zones and lines that lie where a recipe has them, and wait to be drawn where they belong. */
export function ToDraw({ zones, recipes, rule }: { zones: readonly Zone[]; recipes: readonly Recipe[]; rule?: string }): JSX.Element | null {
  const left = undrawn(zones, recipes).filter((z) => rule === undefined || z.rules.includes(rule))
  if (left.length === 0) return null
  return (
    <Notice tone="wait">
      {left.map((z) => (
        <p key={`${z.kind} ${z.name}`}>
          The {z.kind} “{z.name}” lies where the recipe has it. Draw it where it belongs:{' '}
          <ButtonLink small href={address('zones', z.camera, z.kind, z.name)}>
            Draw {z.name}
          </ButtonLink>
        </p>
      ))}
    </Notice>
  )
}

/** What the site has of each kind. */
const options = (n: Names): Record<Kind, string[]> => ({
  cameras: n.cameras,
  zones: n.zones.map((z) => z.name),
  lines: n.lines.map((l) => l.name),
  relays: n.relays,
  contacts: n.contacts,
  lists: n.lists,
})

/** Recipes bring their own zones, lines and lists. */
const keeps = (kind: Kind): boolean => kind === 'zones' || kind === 'lines' || kind === 'lists'

function ownLabel(kind: Kind, r: Recipe, name: string): string {
  const section = kind === 'zones' ? 'zones' : kind === 'lines' ? 'lines' : 'lists'
  if (!defined(r.text, section).includes(name)) return 'Leave it as it is'
  return kind === 'lists' ? 'A new list, with the plates of the example' : `A new ${words[kind]}, to be drawn where it belongs afterwards`
}
