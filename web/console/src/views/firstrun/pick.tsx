import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { CheckResult, Names, Page, Recipe, Rule, RuleFile, RuleProblem } from '../../api'
import { ApiError, post, saveFile } from '../../client'
import { ruleSet } from '../../state'
import { Button } from '../../ui/button'
import { Check, Select } from '../../ui/field'
import { useLoad } from '../../ui/load'
import { Failed, Notice, Skeleton } from '../../ui/parts'
import { toast } from '../../ui/toast'
import { defined, fit, free } from './recipe'
import type { Mapping, Taken } from './recipe'

const own = ' ' // not a name

type Kind = keyof Mapping
const words: Record<Kind, string> = { cameras: 'camera', zones: 'zone', lines: 'line', relays: 'relay', contacts: 'contact', lists: 'list' }
const kinds: readonly Kind[] = ['cameras', 'zones', 'lines', 'relays', 'contacts', 'lists']

/** Picks a shipped rule file, fits it to the site, and saves it. */
export function PickRecipe({ saved }: { saved: (file: string) => void }): JSX.Element {
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
        options={(recipes.data?.items ?? []).map((r) => ({ value: r.file, label: r.title.length > 90 ? r.title.slice(0, 88) + '…' : r.title }))}
      />
      <Fit key={recipe.file} recipe={recipe} saved={saved} />
    </div>
  )
}

function Fit({ recipe, saved }: { recipe: Recipe; saved: (file: string) => void }): JSX.Element {
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
    if (list.includes(name)) return name
    return keeps(kind) ? own : (list[0] ?? '')
  }
  const map = useMemo((): Mapping => {
    const m: Mapping = { cameras: {}, zones: {}, lines: {}, relays: {}, contacts: {}, lists: {} }
    for (const kind of kinds)
      for (const name of recipe[kind]) {
        const to = pick(kind, name)
        if (to && to !== own) m[kind][name] = to
      }
    return m
  }, [recipe, chosen, choices])
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

  const failed = names.error ?? rules.error ?? files.error
  if (failed !== undefined) return <Failed error={failed} retry={names.reload} />
  if (!choices || text === undefined || path === undefined) return <Skeleton />
  const wrong = found?.text === text ? found.problems.filter((p) => !p.warning) : undefined
  const save = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await saveFile(path, text)
      toast(`${path} is saved${shadow ? ': its rules say what they would do' : ' and counts'}.`)
      saved(path)
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
            onChange={(to) => setChosen((c) => ({ ...c, [kind]: { ...c[kind], [name]: to } }))}
            options={[
              ...(choices[kind] ?? []).map((o) => ({ value: o, label: o })),
              ...(keeps(kind) ? [{ value: own, label: ownLabel(kind, recipe, name) }] : (choices[kind] ?? []).length === 0 ? [{ value: '', label: `There is no ${words[kind]} yet: the site file describes them` }] : []),
            ]}
          />
        )),
      )}
      <Check label="Only say what it would do, until I make it live (mode: shadow)" checked={shadow} onChange={setShadow} />
      <details class="first-text">
        <summary>What is written to {path}</summary>
        <pre class="system-lines">{text}</pre>
      </details>
      {wrong && wrong.length > 0 && (
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
        <Button kind="primary" busy={busy} disabled={!wrong || wrong.length > 0} onClick={() => void save()}>
          {shadow ? 'Save it in shadow' : 'Save it'}
        </Button>
      </div>
    </div>
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
