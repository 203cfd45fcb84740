import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { RuleFile, RuleProblem, ZoneEdit, ZoneEdited } from '../../api'
import { ApiError, post, saveFile } from '../../client'
import { Button } from '../../ui/button'
import { Failed, Notice, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { Difference } from '../rules/difference'

function Problems({ items }: { items: readonly RuleProblem[] }): JSX.Element {
  return (
    <div class="stack">
      {items.map((p, i) => (
        <Notice key={i} tone={p.warning ? 'wait' : 'bad'}>
          {p.rule ? <strong>{p.rule}: </strong> : null}
          {p.message}
          {p.suggestion ? `, perhaps ${p.suggestion}` : ''}
          <span class="muted small-text">
            {' '}
            {p.file}
            {p.line ? `:${p.line}` : ''}
          </span>
        </Notice>
      ))}
    </div>
  )
}

/** What saving would change in the rule file, and then the saving. */
export function Review({ edit, title, under, onSaved }: { edit: ZoneEdit; title: string; under: string; onSaved: (file: string) => void }): JSX.Element {
  const [edited, setEdited] = useState<ZoneEdited>()
  const [problems, setProblems] = useState<readonly RuleProblem[]>([])
  const [error, setError] = useState<unknown>()
  const [note, setNote] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [turn, setTurn] = useState(0)
  const asked = JSON.stringify(edit)

  useEffect(() => {
    const stop = new AbortController()
    setError(undefined)
    post<ZoneEdited>('zones/edit', edit, stop.signal).then(
      (e) => {
        setEdited(e)
        setProblems(e.problems)
      },
      (e: unknown) => {
        if (stop.signal.aborted) return
        if (e instanceof ApiError && e.problems.length > 0) setProblems(e.problems)
        setError(e)
      },
    )
    return () => stop.abort()
  }, [asked, turn])

  const save = async (): Promise<void> => {
    if (!edited) return
    setBusy(true)
    setNote(undefined)
    setError(undefined)
    try {
      await saveFile<RuleFile>(edited.path, edited.text, edited.etag)
      onSaved(edited.path)
    } catch (e) {
      if (e instanceof ApiError && e.status === 412) {
        setNote(`${edited.path} was changed meanwhile. This is what your change comes to now.`)
        setEdited(undefined)
        setTurn((n) => n + 1)
      } else {
        if (e instanceof ApiError && e.problems.length > 0) setProblems(e.problems)
        setError(e)
      }
    } finally {
      setBusy(false)
    }
  }
  const refused = problems.some((p) => !p.warning)
  return (
    <Sheet title={title} under={under} wide>
      <div class="stack">
        {note && <Notice tone="wait">{note}</Notice>}
        {error !== undefined && <Failed error={error} retry={() => setTurn((n) => n + 1)} />}
        {problems.length > 0 && <Problems items={problems} />}
        {edited ? (
          <>
            <p class="muted">
              {edited.etag ? 'What changes in' : 'A new file:'} <span class="mono">{edited.path}</span>
            </p>
            <Difference before={edited.before} after={edited.text} label={`Changes in ${edited.path}`} />
            <div>
              <Button kind="primary" busy={busy} disabled={refused || edited.before === edited.text} onClick={() => void save()}>
                Save
              </Button>
            </div>
          </>
        ) : (
          error === undefined && <Skeleton />
        )}
      </div>
    </Sheet>
  )
}
