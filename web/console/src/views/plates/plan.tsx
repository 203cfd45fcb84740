import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { SyncPlan } from '../../api'
import { Button } from '../../ui/button'
import { count } from '../../ui/format'
import { Badge } from '../../ui/mark'
import { Notice } from '../../ui/parts'
import { Plate } from './reads'

type Camera = SyncPlan['cameras'][number]
type PlanStep = Camera['steps'][number]

const signs: Record<PlanStep['op'], { sign: string; word: string }> = {
  add: { sign: '+', word: 'add' },
  change: { sign: '~', word: 'change' },
  move: { sign: '>', word: 'move' },
  remove: { sign: '−', word: 'take off' },
}
const bad = ['refused', 'conflict', 'unfit']
const step = 50

/** What a synchronization would do, or did, camera by camera. */
export function Plan({ plan, done }: { plan: SyncPlan; done: boolean }): JSX.Element {
  return (
    <div class="sync-plan">
      {plan.cameras.map((c) => (
        <OfCamera key={c.camera} camera={c} done={done} />
      ))}
    </div>
  )
}

function OfCamera({ camera: c, done }: { camera: Camera; done: boolean }): JSX.Element {
  const [shown, setShown] = useState(step)
  const over = c.steps.filter((s) => s.done).length
  const failed = c.steps.filter((s) => s.failed).length
  const wrong = c.findings.filter((f) => bad.includes(f.kind))
  const notes = c.findings.filter((f) => !bad.includes(f.kind))
  return (
    <section class="sync-camera">
      <h4>
        {c.camera} <span class="muted small-text num">{done ? `${over} of ${count(c.steps.length, 'step')} done${failed ? `, ${failed} refused` : ''}` : c.error ? '' : summary(c)}</span>
      </h4>
      {c.error && <Notice tone="bad">{c.error}</Notice>}
      {!c.error && c.steps.length === 0 && wrong.length === 0 && <p class="muted small-text">Nothing to do: {count(c.same, 'plate')} as they shall be.</p>}
      {wrong.map((f, i) => (
        <Notice key={i} tone="wait">
          {f.plate && <Plate number={f.plate} />} {f.list ? `${f.list}: ` : ''}
          {f.text}. Nothing is done with it.
        </Notice>
      ))}
      {c.steps.length > 0 && (
        <ul class="sync-steps">
          {c.steps.slice(0, shown).map((s, i) => (
            <li key={i} class={`sync-step sync-${s.op}`}>
              <span class="sync-sign" aria-hidden="true">
                {signs[s.op].sign}
              </span>
              <span>
                <span class="visually-hidden">{signs[s.op].word} </span>
                <Plate number={s.plate} /> {s.from_list ? `${s.from_list} to ${s.list}` : s.list}
                {s.text && <span class="muted">: {s.text}</span>}
                {s.failed && <span class="sync-failed"> {s.failed}</span>}
              </span>
              {s.failed ? <Badge tone="bad">refused</Badge> : s.done ? <Badge tone="ok">done</Badge> : null}
            </li>
          ))}
        </ul>
      )}
      {c.steps.length > shown && (
        <Button small onClick={() => setShown(shown + step)}>
          Show {Math.min(step, c.steps.length - shown)} more
        </Button>
      )}
      {notes.length > 0 && (
        <details class="sync-notes">
          <summary class="muted small-text">{count(notes.length, 'note')}</summary>
          <ul>
            {notes.slice(0, 200).map((f, i) => (
              <li key={i} class="small-text">
                {f.plate && <Plate number={f.plate} />} {f.list ? `${f.list}: ` : ''}
                {f.text}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}

function summary(c: Camera): string {
  const n = (op: PlanStep['op']): number => c.steps.filter((s) => s.op === op).length
  const parts = [
    n('add') && `${n('add')} to add`,
    n('change') && `${n('change')} to change`,
    n('move') && `${n('move')} to move`,
    n('remove') && `${n('remove')} to take off`,
    c.same && `${c.same} as they are`,
  ].filter(Boolean)
  return parts.join(', ')
}
