import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

interface Label {
  label: string
  hint?: ComponentChildren
  /** What is wrong with what stands in it. */
  error?: string
}

function Frame(p: Label & { id: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="field">
      <label for={p.id}>{p.label}</label>
      {p.children}
      {(p.error ?? p.hint) && (
        <div id={`${p.id}-hint`} class={p.error ? 'field-error' : 'field-hint'}>
          {p.error ?? p.hint}
        </div>
      )}
    </div>
  )
}

const describes = (p: Label, id: string): Record<string, string | undefined> => ({
  'aria-describedby': p.error || p.hint ? `${id}-hint` : undefined,
  'aria-invalid': p.error ? 'true' : undefined,
})

/** A line of text. */
export function Field(
  p: Label & {
    value: string
    onInput: (v: string) => void
    type?: 'text' | 'password' | 'search' | 'number' | 'date' | 'time' | 'datetime-local' | 'url'
    placeholder?: string
    autocomplete?: string
    disabled?: boolean
    required?: boolean
    mono?: boolean
    autofocus?: boolean
    maxLength?: number
    min?: string
    max?: string
    step?: string
    list?: string
  },
): JSX.Element {
  const id = useId()
  return (
    <Frame {...p} id={id}>
      <input
        id={id}
        class={`input${p.mono ? ' mono' : ''}`}
        type={(p.type ?? 'text') as 'text'}
        value={p.value}
        placeholder={p.placeholder}
        autocomplete={(p.autocomplete ?? 'off') as 'off'}
        disabled={p.disabled}
        required={p.required}
        autoFocus={p.autofocus}
        maxLength={p.maxLength}
        min={p.min}
        max={p.max}
        step={p.step}
        list={p.list}
        spellcheck={false}
        {...describes(p, id)}
        onInput={(e) => p.onInput(e.currentTarget.value)}
      />
    </Frame>
  )
}

/** Some lines of text. */
export function TextArea(p: Label & { value: string; onInput: (v: string) => void; rows?: number; mono?: boolean }): JSX.Element {
  const id = useId()
  return (
    <Frame {...p} id={id}>
      <textarea id={id} class={`input${p.mono ? ' mono' : ''}`} rows={p.rows ?? 3} value={p.value} spellcheck={false} {...describes(p, id)} onInput={(e) => p.onInput(e.currentTarget.value)} />
    </Frame>
  )
}

/** One of a few. */
export function Select<T extends string>(
  p: Label & { value: T; onChange: (v: T) => void; options: readonly (T | { value: T; label: string })[]; disabled?: boolean },
): JSX.Element {
  const id = useId()
  return (
    <Frame {...p} id={id}>
      <select id={id} class="input" value={p.value} disabled={p.disabled} {...describes(p, id)} onChange={(e) => p.onChange(e.currentTarget.value as T)}>
        {p.options.map((o) => {
          const it = typeof o === 'string' ? { value: o, label: o } : o
          return (
            <option key={it.value} value={it.value}>
              {it.label}
            </option>
          )
        })}
      </select>
    </Frame>
  )
}

/** Yes or no. */
export function Check(p: { label: ComponentChildren; checked: boolean; onChange: (v: boolean) => void; disabled?: boolean }): JSX.Element {
  return (
    <label class="check">
      <input type="checkbox" checked={p.checked} disabled={p.disabled} onChange={(e) => p.onChange(e.currentTarget.checked)} />
      <span>{p.label}</span>
    </label>
  )
}

/** One of two to four words, all in sight: a mode, a scheme. */
export function Choice<T extends string>(p: {
  label: string
  value: T
  onChange: (v: T) => void
  options: readonly { value: T; label: string }[]
  disabled?: boolean
}): JSX.Element {
  const name = useId()
  return (
    <fieldset class="choice" disabled={p.disabled}>
      <legend class="visually-hidden">{p.label}</legend>
      {p.options.map((o) => (
        <label key={o.value}>
          <input type="radio" name={name} value={o.value} checked={o.value === p.value} onChange={() => p.onChange(o.value)} />
          <span>{o.label}</span>
        </label>
      ))}
    </fieldset>
  )
}
