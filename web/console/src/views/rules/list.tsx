import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Page, Rule, RuleFile, RuleProblem } from '../../api'
import { go, place, withQuery } from '../../app/router'
import { mayEdit, ruleSet, ruleTicks, status } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { count } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Empty, Failed, Notice, Skeleton, ViewHead } from '../../ui/parts'
import { drafts } from './drafts'
import { NewFile } from './newfile'
import { ProblemList } from './problems'
import { RuleRow } from './row'
import { useRules } from './store'
import { fileAddress, fileOf, matches } from './words'

const narrows = [
  { id: '', label: 'All' },
  { id: 'now', label: 'Now' },
  { id: 'shadow', label: 'Shadow' },
  { id: 'off', label: 'Off' },
  { id: 'problem', label: 'Problems' },
] as const

/** All rules, by file, with the files that hold none below. */
export function RuleList({ current }: { current: string | undefined }): JSX.Element {
  const rules = useRules()
  const files = useLoad<Page<RuleFile>>('files', ruleSet.value)
  const mode = place.value.query.get('mode') ?? ''
  const [text, setText] = useState('')
  const fresh = place.value.query.has('new')
  // Only a filter by state needs every tick of every rule.
  const ticks = mode === 'now' || text ? ruleTicks.value : undefined
  const items = rules.data?.items
  const shown = useMemo(
    () => items?.filter((r) => matches(r, ticks?.get(r.name)?.state ?? r.state, { text, mode })),
    [items, ticks, text, mode],
  )
  const groups = useMemo(() => grouped(shown ?? []), [shown])
  return (
    <section class="rules-list" aria-label="All rules">
      <ViewHead title="Rules">
        {mayEdit.value && (
          <Button kind="plain" expanded={fresh} onClick={() => go(withQuery({ new: fresh ? undefined : '1' }))}>
            <Icon name="plus" /> New file
          </Button>
        )}
      </ViewHead>
      {fresh && mayEdit.value && <NewFile taken={files.data?.items.map((f) => f.path) ?? []} />}
      <Refused />
      {items && items.length > 0 && (
        <div class="rules-filter">
          <Search text={text} onText={setText} />
          <div class="rules-narrow" role="group" aria-label="Show">
            {narrows.map((n) => {
              const many = n.id ? items.filter((r) => matches(r, ruleTicks.value.get(r.name)?.state ?? r.state, { text: '', mode: n.id })).length : items.length
              if (n.id && n.id !== 'now' && many === 0 && mode !== n.id) return null
              return (
                <a key={n.id} href={withQuery({ mode: n.id || undefined })} aria-current={mode === n.id ? 'true' : undefined}>
                  {n.label} <span class="num muted">{many}</span>
                </a>
              )
            })}
          </div>
        </div>
      )}
      {rules.error !== undefined && <Failed error={rules.error} retry={rules.reload} />}
      {!items && rules.loading && <Skeleton lines={8} />}
      {items && items.length === 0 && (
        <Empty
          action={
            mayEdit.value && (
              <ButtonLink kind="primary" href="/first-run">
                Pick a recipe
              </ButtonLink>
            )
          }
        >
          No rule is in force. A rule says: when this is so, do that.
        </Empty>
      )}
      {items && items.length > 0 && shown?.length === 0 && (
        <Empty
          action={
            <Button
              onClick={() => {
                setText('')
                go(withQuery({ mode: undefined }))
              }}
            >
              Show all
            </Button>
          }
        >
          {mode === 'now' && !text ? 'No rule is active, pending or held back at the moment.' : 'No rule is like that.'}
        </Empty>
      )}
      {groups.map(([file, all]) => (
        <FileGroup key={file} file={file} rules={all} current={current} info={files.data?.items.find((f) => f.path === file)} />
      ))}
      {!text && !mode && files.data && <OtherFiles files={files.data.items} besides={groups.map(([name]) => name)} />}
    </section>
  )
}

function grouped(rules: Rule[]): [string, Rule[]][] {
  const by = new Map<string, Rule[]>()
  for (const r of rules) {
    const file = fileOf(r.file)
    const all = by.get(file)
    if (all) all.push(r)
    else by.set(file, [r])
  }
  return [...by]
}

function Search({ text, onText }: { text: string; onText: (t: string) => void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const key = (e: KeyboardEvent): void => {
      const at = e.target as HTMLElement | null
      if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || at?.closest('input, textarea, select, [contenteditable]') || at?.shadowRoot) return
      e.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', key)
    return () => document.removeEventListener('keydown', key)
  }, [])
  return (
    <div class="rules-search">
      <Icon name="search" size={18} />
      <input
        ref={input}
        class="input"
        type="search"
        value={text}
        placeholder="Name, file, camera, relay, state"
        aria-label="Filter rules"
        spellcheck={false}
        onInput={(e) => onText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape' && text) {
            e.preventDefault()
            onText('')
          }
        }}
      />
    </div>
  )
}

/** Files that were saved and do not load: the rules in force are older. */
function Refused(): JSX.Element | null {
  const bad = status.value?.rules.problems.filter((p) => !p.warning) ?? []
  if (bad.length === 0) return null
  return (
    <Notice tone="bad">
      <p>
        <b>The files do not load.</b> The rules in force are those that loaded last. {count(bad.length, 'problem')}:
      </p>
      <ProblemList problems={bad} />
    </Notice>
  )
}

function FileGroup({ file, rules, current, info }: { file: string; rules: Rule[]; current: string | undefined; info: RuleFile | undefined }): JSX.Element {
  // A row that did not change is the same one as before: 200 of them cost nothing then.
  const rows = useRef(new Map<string, { rule: Rule; current: boolean; row: JSX.Element }>())
  const row = (r: Rule): JSX.Element => {
    const was = rows.current.get(r.name)
    const is = r.name === current
    if (was && was.rule === r && was.current === is) return was.row
    const made = { rule: r, current: is, row: <RuleRow key={r.name} rule={r} current={is} /> }
    rows.current.set(r.name, made)
    return made.row
  }
  const aside = info?.problems.filter((p) => !p.rule) ?? []
  return (
    <section class="rules-file" aria-label={file}>
      <FileHead path={file} sub={count(rules.length, 'rule')} problems={aside} />
      <ul class="rule-rows">{rules.map(row)}</ul>
    </section>
  )
}

function FileHead({ path, sub, problems }: { path: string; sub: string; problems: RuleProblem[] }): JSX.Element {
  const bad = problems.filter((p) => !p.warning).length
  return (
    <div class="rules-file-head">
      <h2>
        <a href={fileAddress(path)}>{path}</a>
      </h2>
      {drafts.value.has(path) && <Badge tone="wait">not saved</Badge>}
      {bad > 0 && <Badge tone="bad">{count(bad, 'problem')}</Badge>}
      {problems.length - bad > 0 && <Badge tone="wait">{count(problems.length - bad, 'warning')}</Badge>}
      <span class="muted small-text num">{sub}</span>
    </div>
  )
}

/** Zones, lists and tests, and files that were begun and not saved: those in which no rule in force stands. */
function OtherFiles({ files, besides }: { files: RuleFile[]; besides: string[] }): JSX.Element | null {
  const other = files.filter((f) => !besides.includes(f.path))
  const begun = [...drafts.value.keys()].filter((path) => !files.some((f) => f.path === path))
  if (other.length + begun.length === 0) return null
  return (
    <section class="rules-file" aria-label="Other files">
      <div class="rules-file-head">
        <h2>Other files</h2>
      </div>
      <ul class="rules-other">
        {begun.map((path) => (
          <li key={path}>
            <a href={fileAddress(path)}>
              <span>{path}</span>
              <Badge tone="wait">new, not saved</Badge>
            </a>
          </li>
        ))}
        {other.map((f) => (
          <li key={f.path}>
            <a href={fileAddress(f.path)}>
              <span>{f.path}</span>
              {drafts.value.has(f.path) && <Badge tone="wait">not saved</Badge>}
              {f.problems.length > 0 && <Badge tone={f.problems.some((p) => !p.warning) ? 'bad' : 'wait'}>{count(f.problems.length, 'problem')}</Badge>}
              <span class="muted small-text">{what(f)}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What a file that has no rules is for. */
function what(f: RuleFile): string {
  if (/_test\.ya?ml$/.test(f.path)) return 'tests'
  if (f.path.endsWith('.csv')) return 'list'
  if (f.zones.length > 0) return count(f.zones.length, 'zone')
  return ''
}
