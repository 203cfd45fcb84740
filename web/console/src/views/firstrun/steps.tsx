import type { ComponentChildren, JSX } from 'preact'
import { Icon } from '../../ui/icon'
import { Hidden } from '../../ui/parts'

export interface StepState {
  id: string
  title: string
  /** What was reached, in a few words. */
  done?: string | undefined
  children: ComponentChildren
}

/** Steps one below the other; the one that is open shows what there is to do. */
export function Steps({ all, open, toggle }: { all: readonly StepState[]; open: string | undefined; toggle: (id: string) => void }): JSX.Element {
  return (
    <ol class="steps">
      {all.map((s, i) => (
        <li key={s.id} class={`step${s.done !== undefined ? ' done' : ''}${open === s.id ? ' open' : ''}`}>
          <h2>
            <button type="button" aria-expanded={open === s.id} onClick={() => toggle(s.id)}>
              <span class="step-mark" aria-hidden="true">
                {s.done !== undefined ? <Icon name="check" size={16} /> : i + 1}
              </span>
              <span class="step-title">
                {s.title}
                {s.done !== undefined ? (
                  <span class="step-done">
                    <Hidden>done: </Hidden>
                    {s.done}
                  </span>
                ) : (
                  <Hidden>, to be done</Hidden>
                )}
              </span>
            </button>
          </h2>
          {open === s.id && <div class="step-body">{s.children}</div>}
        </li>
      ))}
    </ol>
  )
}
