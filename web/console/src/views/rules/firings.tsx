import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Entry } from '../../api'
import { address, seg } from '../../client'
import { path } from '../../app/router'
import { onEntry } from '../../stream'
import { Button } from '../../ui/button'
import { isEnd, isShadow } from '../../ui/entry'
import { Section } from '../../ui/parts'
import { Ago } from '../../ui/time'

const most = 20
/** So many are shown at first. */
const few = 8
/** An entry comes before its pictures are on disk; so long they are waited for, in milliseconds. */
const written = 1500

/** The rule's last firings, and what was held back, with their pictures; new ones come in at the top. */
export function Firings({ rule, first, fired }: { rule: string; first: Entry[]; fired: boolean }): JSX.Element {
  const [fresh, setFresh] = useState<Entry[]>([])
  useEffect(() => {
    setFresh([])
    const timers = new Set<ReturnType<typeof setTimeout>>()
    const stop = onEntry((e) => {
      if (e.rule !== rule || isEnd(e) || (e.kind !== 'firing' && e.kind !== 'suppressed')) return
      const { picture: _, images: __, ...bare } = e
      setFresh((all) => [bare, ...all].slice(0, most))
      const t = setTimeout(() => {
        timers.delete(t)
        setFresh((all) => all.map((f) => (f.id === e.id ? e : f)))
      }, written)
      timers.add(t)
    })
    return () => {
      stop()
      for (const t of timers) clearTimeout(t)
    }
  }, [rule, first])
  const [whole, setWhole] = useState(false)
  const all = [...fresh.filter((e) => !first.some((f) => f.id === e.id)), ...first].slice(0, most)
  return (
    <Section
      title="Last firings"
      aside={
        <a class="small-text" href={`/journal?rule=${encodeURIComponent(rule)}`}>
          All in the journal
        </a>
      }
    >
      {all.length === 0 ? (
        <p class="rule-nobody muted">{fired ? 'It fired. The journal does not tell of it yet, or none is kept.' : 'It has not fired yet, and nothing held it back.'}</p>
      ) : (
        <ul class="firings">
          {all.slice(0, whole ? most : few).map((e) => (
            <li key={e.id}>
              <a href={path('journal', e.id)}>
                <Thumb e={e} />
                <span class="firing-main">
                  <span class={e.kind === 'firing' && !isShadow(e) ? 'firing-word' : 'firing-word firing-held'}>
                    {e.kind === 'firing' ? (isShadow(e) ? '○ fired in shadow' : '● fired') : '○ held back'}
                    {e.key ? ` · ${e.key}` : ''}
                  </span>
                  <span class="firing-text muted">{e.text}</span>
                </span>
                <span class="firing-at">
                  <Ago at={e.at} />
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {!whole && all.length > few && (
        <Button kind="quiet" small onClick={() => setWhole(true)}>
          Show {all.length - few} more
        </Button>
      )}
    </Section>
  )
}

/** The picture that shows an entry: the server's choice, else its own. */
export function pictureOf(e: Entry): { id: number; name: string } | undefined {
  if (e.picture) return e.picture
  const own = e.images?.find((i) => !i.missing)
  return own && { id: e.id, name: own.name }
}

function Thumb({ e }: { e: Entry }): JSX.Element {
  const p = pictureOf(e)
  const [broken, setBroken] = useState<number>()
  return p && p.id !== broken ? (
    <img class="firing-thumb" loading="lazy" decoding="async" width={72} height={46} alt="" onError={() => setBroken(p.id)} src={address(`journal/${p.id}/images/${seg(p.name)}`)} />
  ) : (
    <span class="firing-thumb firing-blank" aria-hidden="true" />
  )
}
