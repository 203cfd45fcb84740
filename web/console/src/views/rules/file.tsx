import type { JSX } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { RuleProblem } from '../../api'
import { go, place, withQuery } from '../../app/router'
import { deleteFile } from '../../client'
import { concerns } from '../../editor/concerns'
import type { Editor } from '../../editor/mount'
import { withLocal } from '../../editor/local'
import { mayEdit, ruleSet } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { count } from '../../ui/format'
import { Icon } from '../../ui/icon'
import { Badge } from '../../ui/mark'
import { errorText, Failed, Notice, Skeleton } from '../../ui/parts'
import { toast, toastError } from '../../ui/toast'
import { Difference } from './difference'
import { dropDraft, drafts, keepDraft } from './drafts'
import { type Base, check, load, save, useFile, useKnowledge } from './editing'
import { ProblemList } from './problems'
import { WhatIf } from './whatif'

/** One file with its editor: problems as one types, what would have happened, save. */
export function FilePage({ path }: { path: string }): JSX.Element {
  const { base, setBase, error, again } = useFile(path)
  const host = useRef<HTMLDivElement>(null)
  const editor = useRef<Editor | undefined>(undefined)
  const known = useKnowledge()
  const [ready, setReady] = useState(false)
  const [dirty, setDirty] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problems, setProblems] = useState<RuleProblem[] | undefined>()
  const [refused, setRefused] = useState<string | undefined>()
  const [theirs, setTheirs] = useState<Base | undefined>()
  const [comparing, setComparing] = useState(false)
  const over = useRef<Base>({ text: '', etag: '' })
  const trying = place.value.query.has('try')
  const readOnly = !mayEdit.value

  const text = (): string => editor.current?.text() ?? over.current.text

  const saveNow = useCallback(
    async (etag?: string): Promise<void> => {
      if (!mayEdit.peek()) return
      setBusy(true)
      setRefused(undefined)
      const mine = text()
      const s = await save(path, mine, etag ?? over.current.etag)
      setBusy(false)
      switch (s.how) {
        case 'saved':
          over.current = s.base
          setBase(s.base)
          setTheirs(undefined)
          setComparing(false)
          setProblems(s.problems)
          // Somebody typed on while it was saved.
          if (text() === s.base.text) {
            dropDraft(path)
            setDirty(false)
          } else keepDraft(path, text(), s.base.etag)
          toast(`${path} is saved and in force.`)
          return
        case 'changed':
          setTheirs(s.theirs)
          setComparing(true)
          return
        case 'problems': {
          setProblems(s.problems)
          setRefused(s.problems.length > 0 ? 'It is not saved: first put right what stands below.' : s.text)
          const mineFirst = s.problems.find((p) => !p.warning && concerns(p, path))
          if (mineFirst) editor.current?.show(mineFirst)
          return
        }
        case 'refused':
          setRefused(errorText(s.error))
      }
    },
    [path],
  )

  // The editor comes when both its script and the text are there.
  useEffect(() => {
    if (!base || !host.current || editor.current) return
    const draft = drafts.peek().get(path)
    over.current = draft && draft.etag !== base.etag ? { text: base.text, etag: draft.etag } : base
    if (draft && draft.etag !== base.etag && draft.text !== base.text) setTheirs(base)
    let gone = false
    const at = host.current
    import('../../editor/mount').then(
      ({ mount }) => {
        if (gone) return
        editor.current = mount(at, {
          text: draft?.text ?? base.text,
          label: `Text of ${path}. Escape, then Tab leaves it.`,
          path,
          readOnly: !mayEdit.peek(),
          known: () => {
            const names = withLocal(known.current.names, editor.current?.text() ?? '')
            return { ...(names ? { names } : {}), ...(known.current.schema ? { schema: known.current.schema } : {}) }
          },
          check: (t, signal) => check(path, t, signal),
          changed: (t) => {
            const differs = t !== over.current.text || over.current.etag === ''
            setDirty(differs)
            setRefused(undefined)
            if (differs) keepDraft(path, t, over.current.etag)
            else dropDraft(path)
          },
          found: setProblems,
          save: () => void saveNow(),
        })
        setDirty(draft !== undefined || base.etag === '')
        setReady(true)
      },
      () => !gone && setRefused('The editor could not be loaded. Load the page again.'),
    )
    return () => {
      gone = true
    }
  }, [base !== undefined])
  useEffect(() => () => editor.current?.close(), [])
  useEffect(() => editor.current?.setReadOnly(readOnly), [readOnly, ready])
  // It can be focused only when it is shown.
  useEffect(() => {
    if (!ready) return
    const line = Number(place.peek().query.get('line'))
    if (line > 0) editor.current?.line(line)
    else if (matchMedia('(pointer: fine)').matches) editor.current?.focus()
  }, [ready])

  // Ctrl-S saves wherever the focus is on this page.
  useEffect(() => {
    const key = (e: KeyboardEvent): void => {
      if (e.key.toLowerCase() !== 's' || !(e.ctrlKey || e.metaKey) || e.altKey || e.shiftKey || e.defaultPrevented) return
      e.preventDefault()
      void saveNow()
    }
    document.addEventListener('keydown', key)
    return () => document.removeEventListener('keydown', key)
  }, [saveNow])

  // Another set is in force: perhaps somebody else saved this very file.
  const set = ruleSet.value
  const first = useRef(true)
  useEffect(() => {
    if (first.current) {
      first.current = false
      return
    }
    editor.current?.checkAgain()
    if (!over.current.etag) return
    const stop = new AbortController()
    load(path, stop.signal).then((now) => {
      if (stop.signal.aborted || now.etag === over.current.etag || !editor.current) return
      if (editor.current.text() === over.current.text) {
        over.current = now
        editor.current.replace(now.text)
        setDirty(false)
        dropDraft(path)
      } else if (now.text !== editor.current.text()) setTheirs(now)
    }, () => undefined)
    return () => stop.abort()
  }, [set])

  const takeTheirs = (): void => {
    if (!theirs) return
    over.current = theirs
    editor.current?.replace(theirs.text)
    dropDraft(path)
    setDirty(false)
    setTheirs(undefined)
    setComparing(false)
    editor.current?.focus()
  }
  const revert = (): void => {
    const mine = text()
    editor.current?.replace(over.current.text)
    setRefused(undefined)
    toast('Your changes are taken back.', { action: { label: 'Undo', do: () => editor.current?.replace(mine) } })
  }
  const remove = async (): Promise<void> => {
    const was = over.current
    if (!was.etag) {
      dropDraft(path)
      go('/rules')
      return
    }
    setBusy(true)
    try {
      await deleteFile(path, was.etag)
      dropDraft(path)
      go('/rules')
      toast(`${path} is deleted.`, {
        action: { label: 'Undo', do: () => void save(path, was.text, '').then((s) => (s.how === 'saved' ? toast(`${path} is back.`) : toastError(s.how === 'refused' ? s.error : 'It could not be put back.'))) },
      })
    } catch (e) {
      setRefused(errorText(e))
    } finally {
      setBusy(false)
    }
  }

  const errors = problems?.filter((p) => !p.warning).length ?? 0
  const warnings = (problems?.length ?? 0) - errors
  return (
    <div class={`edit${trying ? ' edit-trying' : ''}`}>
      <header class="edit-head">
        <ButtonLink kind="quiet" href="/rules" label="All rules">
          <Icon name="back" />
        </ButtonLink>
        <h1>{path}</h1>
        <span class="edit-state" role="status">
          {readOnly ? <Badge>to be read only</Badge> : dirty ? <Badge tone="wait">{over.current.etag ? 'not saved' : 'new, not saved'}</Badge> : null}
          {problems === undefined ? null : errors > 0 ? (
            <Badge tone="bad">{count(errors, 'problem')}</Badge>
          ) : warnings > 0 ? (
            <Badge tone="wait">{count(warnings, 'warning')}</Badge>
          ) : (
            <Badge tone="ok">no problems</Badge>
          )}
        </span>
        <div class="edit-tools">
          {!readOnly && (
            <>
              <Button kind="quiet" label="Undo" onClick={() => editor.current?.undo()}>
                <Icon name="undo" />
              </Button>
              <Button kind="quiet" label="Redo" onClick={() => editor.current?.redo()}>
                <Icon name="redo" />
              </Button>
              <Button kind="quiet" label={over.current.etag ? 'Delete the file' : 'Throw it away'} onClick={() => void remove()} disabled={busy || !ready}>
                <Icon name="trash" />
              </Button>
            </>
          )}
          {!readOnly && dirty && over.current.etag !== '' && (
            <Button kind="quiet" class="edit-revert" onClick={revert} disabled={busy}>
              Revert
            </Button>
          )}
          <Button pressed={trying} onClick={() => go(withQuery({ try: trying ? undefined : '1' }), { replace: true })} disabled={!ready}>
            <Icon name="play" size={18} /> <span class="edit-long">What would have happened</span>
            <span class="edit-short">Try</span>
          </Button>
          {!readOnly && (
            <Button kind="primary" onClick={() => void saveNow()} busy={busy} disabled={!ready || !dirty} title="Save (Ctrl-S)">
              Save
            </Button>
          )}
        </div>
      </header>
      {error !== undefined && <Failed error={error} retry={again} />}
      {refused && <Notice tone="bad">{refused}</Notice>}
      {theirs && !comparing && (
        <Notice tone="wait">
          Somebody else changed this file meanwhile.{' '}
          <button type="button" class="linklike" onClick={() => setComparing(true)}>
            Compare
          </button>
        </Notice>
      )}
      {theirs && comparing && (
        <Conflict
          theirs={theirs}
          mine={text()}
          busy={busy}
          take={takeTheirs}
          keep={() => {
            over.current = { text: theirs.text, etag: theirs.etag }
            void saveNow(theirs.etag).then(() => editor.current?.focus())
          }}
          later={() => setComparing(false)}
        />
      )}
      <div class="edit-main">
        <div class="edit-text">
          {!ready && error === undefined && <Skeleton lines={10} />}
          <div ref={host} class="edit-host" hidden={!ready} />
          {problems && problems.length > 0 && (
            <div class="edit-problems">
              <ProblemList problems={problems} open={path} show={(p) => editor.current?.show(p)} />
            </div>
          )}
        </div>
        {trying && ready && <WhatIf path={path} text={text} dirty={dirty} close={() => go(withQuery({ try: undefined }), { replace: true })} />}
      </div>
    </div>
  )
}

/** Somebody else saved first: what differs, and whose text it is to be. */
function Conflict(p: { theirs: Base; mine: string; busy: boolean; take: () => void; keep: () => void; later: () => void }): JSX.Element {
  return (
    <section class="conflict" role="alertdialog" aria-label="Somebody else changed this file">
      <p>
        <b>{p.theirs.etag ? 'Somebody else saved this file while you changed it.' : 'Somebody else deleted this file while you changed it.'}</b> Below, − is theirs and + is yours.
      </p>
      <Difference before={p.theirs.text} after={p.mine} label="Theirs and yours" />
      <div class="conflict-buttons">
        <Button onClick={p.take} disabled={p.busy}>
          Take theirs
        </Button>
        <Button kind="primary" onClick={p.keep} busy={p.busy}>
          Keep mine
        </Button>
        <Button kind="quiet" onClick={p.later}>
          Back to the text
        </Button>
      </div>
    </section>
  )
}
