import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Adopted, Page, Recipe, Rule, Zone } from '../../api'
import { cameras, mayEdit, ruleSet, session, status } from '../../state'
import { ButtonLink } from '../../ui/button'
import { count } from '../../ui/format'
import { useLoad } from '../../ui/load'
import { Empty, Notice, Skeleton, ViewHead } from '../../ui/parts'
import { AddCamera } from '../system/add'
import { Restart } from '../system/restart'
import { useSystem } from '../system/store'
import { UnknownDevices } from '../system/unknown'
import { PickRecipe, ToDraw } from './pick'
import { Steps } from './steps'
import type { StepState } from './steps'
import { undrawn } from './undrawn'
import { FirstFrame, ShadowRules } from './watch'

/** What leads from nothing to a rule that acts. */
export default function View(): JSX.Element {
  const system = useSystem()
  const zones = useLoad<Page<Zone>>('zones', ruleSet.value)
  const rules = useLoad<Page<Rule>>('rules', ruleSet.value)
  const recipes = useLoad<Page<Recipe>>('recipes')
  const [written, setWritten] = useState<Adopted>()
  const [adding, setAdding] = useState(false)
  const [open, setOpen] = useState<string>()

  const all = cameras.value
  const st = status.value
  const ready = all && st && zones.data && rules.data && system.data
  const framed = (all ?? []).filter((c) => c.frames > 0)
  const restartFirst = written !== undefined || system.data?.restart_needed === true
  const added = (a: Adopted): void => {
    setWritten(a)
    setAdding(false)
    setTold((n) => n + 1)
    system.reload()
  }
  // What was written is said at the top of its step: it is brought into view, and read out.
  const [told, setTold] = useState(0)
  const notice = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (told === 0) return
    notice.current?.scrollIntoView({ block: 'center' })
    notice.current?.focus({ preventScroll: true })
  }, [told])
  const restarted = (): void => {
    setWritten(undefined)
    system.reload()
    rules.reload()
  }
  const list = rules.data?.items ?? []
  const live = list.filter((r) => r.mode === 'live').length
  const waiting = undrawn(zones.data?.items ?? [], recipes.data?.items ?? [])
  const drawn = (zones.data?.items.length ?? 0) - waiting.length
  const toDraw = (rule?: string): JSX.Element => <ToDraw zones={zones.data?.items ?? []} recipes={recipes.data?.items ?? []} {...(rule !== undefined && { rule })} />

  const steps: StepState[] = [
    {
      id: 'password',
      title: 'Set a password',
      done: session.value?.password_set ? 'it is set' : undefined,
      children: (
        <div class="stack">
          <p>
            Without one whoever uses this machine is an editor, and other machines cannot reach the console. It can wait while you try things out.
          </p>
          <div>
            <ButtonLink kind="primary" href="?sheet=you">
              {session.value?.password_set ? 'Change it' : 'Set a password'}
            </ButtonLink>
          </div>
        </div>
      ),
    },
    {
      id: 'camera',
      title: 'Add a camera',
      done: all && all.length > 0 && !restartFirst ? count(all.length, 'camera') : undefined,
      children: (
        <div class="stack">
          {restartFirst && (
            <div ref={notice} tabIndex={-1}>
              <Notice tone="wait">
                <p>{written ? `${written.camera} is in the site file.` : 'The site file was changed.'} It counts after a restart.</p>
                <Restart primary done={restarted} />
              </Notice>
            </div>
          )}
          <h3>Devices that post here already</h3>
          <UnknownDevices
            adopted={added}
            empty={
              <p class="muted">
                None. {system.data && <>A camera’s HTTP POST set-up should name <span class="mono">{system.data.post_to}</span></>}
              </p>
            }
          />
          <h3>A camera at its address</h3>
          {adding || (all && all.length === 0 && !written) ? (
            <AddCamera added={added} />
          ) : (
            <div>
              <button type="button" class="linklike" onClick={() => setAdding(true)}>
                Add another one
              </button>
            </div>
          )}
        </div>
      ),
    },
    {
      id: 'frame',
      title: 'See its first frame',
      done: framed.length > 0 ? `frames of ${framed.map((c) => c.name).join(', ')}` : undefined,
      children: <FirstFrame postTo={system.data?.post_to} siteFile={system.data?.site_file} />,
    },
    {
      id: 'zone',
      title: 'Draw a zone',
      done: drawn > 0 && waiting.length === 0 ? count(drawn, 'zone or line', 'zones and lines') : undefined,
      children: (
        <div class="stack">
          <p>A zone is the part of a camera’s picture that a rule is about. Draw it over the picture; those who walk there show whether it fits.</p>
          {toDraw()}
          <div>
            <ButtonLink kind={drawn > 0 ? 'plain' : 'primary'} href={framed[0] ? `/zones/${encodeURIComponent(framed[0].name)}` : '/zones'}>
              Draw a zone
            </ButtonLink>
          </div>
        </div>
      ),
    },
    {
      id: 'recipe',
      title: 'Pick what is to happen',
      done: list.length > 0 ? count(list.length, 'rule') : undefined,
      children: <PickRecipe saved={() => setOpen('shadow')} />,
    },
    {
      id: 'shadow',
      title: 'See it fire, and make it live',
      done: live > 0 ? `${count(live, 'rule')} live` : undefined,
      children: <ShadowRules made={rules.reload} toDraw={toDraw} />,
    },
  ]
  // The first step that is left is open at first. A password can wait.
  const first = ready ? (steps.find((s) => s.done === undefined && s.id !== 'password')?.id ?? '') : undefined
  useEffect(() => {
    if (first !== undefined && open === undefined) setOpen(first)
  }, [first, open])

  // What was just reached gives way to what is next.
  const reached = open !== undefined && open !== 'password' && steps.find((s) => s.id === open)?.done !== undefined
  const before = useRef<{ open: string | undefined; reached: boolean }>({ open: undefined, reached: false })
  useEffect(() => {
    const was = before.current
    before.current = { open, reached }
    if (first !== undefined && was.open === open && !was.reached && reached) setOpen(first)
  }, [first, open, reached])

  if (!mayEdit.value)
    return (
      <>
        <ViewHead title="First steps" />
        <Empty action={<ButtonLink href="/live">Go to Live</ButtonLink>}>Only editors set things up.</Empty>
      </>
    )
  return (
    <>
      <ViewHead title="First steps">
        <ButtonLink kind="quiet" href="/live">
          Go to Live
        </ButtonLink>
      </ViewHead>
      {!ready ? <Skeleton lines={6} /> : <Steps all={steps} open={open} toggle={(id) => setOpen(open === id ? '' : id)} />}
    </>
  )
}
