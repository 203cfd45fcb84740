import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { go, withQuery } from '../../app/router'
import { cameras, relays } from '../../state'
import { Button } from '../../ui/button'
import { Field, Select } from '../../ui/field'
import { keepDraft } from './drafts'
import { fileAddress } from './words'

type Kind = 'target' | 'plate' | 'test' | 'empty'

const kinds: { value: Kind; label: string }[] = [
  { value: 'target', label: 'A rule about somebody in a zone' },
  { value: 'plate', label: 'A rule about plates' },
  { value: 'test', label: 'Tests of rules' },
  { value: 'empty', label: 'Nothing yet' },
]

/** Asks for the name of a new rule file and what to begin with. It is written when it is saved. */
export function NewFile({ taken }: { taken: string[] }): JSX.Element {
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Kind>('target')
  const path = complete(name, kind)
  const wrong = !name ? undefined : !/^[a-z0-9][a-z0-9._-]*$/i.test(path) ? 'Letters, digits, dots and dashes.' : taken.includes(path) ? 'A file of this name is there.' : undefined
  return (
    <form
      class="rules-new"
      onSubmit={(e) => {
        e.preventDefault()
        if (!name || wrong) return
        keepDraft(path, begin(kind, path), '')
        go(fileAddress(path))
      }}
    >
      <Field label="Name of the file" value={name} onInput={setName} placeholder="yard-light" autofocus mono {...(wrong ? { error: wrong } : { hint: name ? path : 'It ends in .yaml.' })} />
      <Select label="Begin with" value={kind} onChange={setKind} options={kinds} />
      <div class="rules-new-buttons">
        <Button submit kind="primary" disabled={!name || wrong !== undefined}>
          Write it
        </Button>
        <Button kind="quiet" onClick={() => go(withQuery({ new: undefined }))}>
          Cancel
        </Button>
      </div>
    </form>
  )
}

/** The name with the ending that its kind needs. */
function complete(name: string, kind: Kind): string {
  const bare = name.trim().replace(/\.ya?ml$/, '').replace(/_test$/, '')
  return kind === 'test' ? `${bare}_test.yaml` : `${bare}.yaml`
}

/** What a new file begins with. Its rule is called as the file is: a name is used once over all files. */
function begin(kind: Kind, path: string): string {
  const rule = path.replace(/\.yaml$/, '').replace(/[-_.]+/g, ' ').trim()
  const camera = cameras.peek()?.[0]?.name ?? 'front'
  const relay = relays.peek()?.[0]?.name
  const step = relay ? `{relay: ${relay}, follow: true}` : '{log: "somebody is there"}'
  switch (kind) {
    case 'target':
      return `rules:
  - name: ${rule}
    on: target
    when: camera.name == "${camera}" && target.class == "person" && night()
    for: 2s
    hold: 30s
    mode: shadow        # decides and shows, but does nothing; take this line out when it does what you want
    do: [${step}]
`
    case 'plate':
      return `rules:
  - name: ${rule}
    on: plate
    when: plate.list == "allow" && plate.heading == "approach" && plate.confidence >= 90
    mode: shadow        # decides and shows, but does nothing; take this line out when it does what you want
    do: [{log: "\${plate.number} (\${plate.owner}) came"}]
`
    case 'test':
      return `tests:
  - name: somebody walks by
    at: 2026-03-02 22:00
    cameras:
      ${camera}:
        - {walk: person, from: [500, 9000], to: [5000, 9000], over: 2s}
        - {stay: 10s}
    expect: {nothing: true}
`
    case 'empty':
      return ''
  }
}
