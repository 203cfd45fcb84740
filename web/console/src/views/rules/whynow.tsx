import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Happening, Look, Rule } from '../../api'
import { go, path, place, withQuery } from '../../app/router'
import { ruleTicks } from '../../state'
import { clockOrDate } from '../../ui/format'
import { Failed, Section, Skeleton } from '../../ui/parts'
import { Ago } from '../../ui/time'
import { about, marks, missing, Why } from '../../ui/why'
import { type Asked, lookID, standsNow, useWhy } from './looks'

interface Choice {
  id: string
  look: Look
  /** now: it stands so. then: a moment that is over. gone: when it came nearest. */
  when: 'now' | 'then' | 'gone'
}

/** So many are offered by name; a busy street has more. */
const most = 24

/** What can be looked at: what stands now, then moments, newest first, then what has gone. */
function choices(asked: Asked): Choice[] {
  const why = asked.why
  if (!why) return []
  const now = why.looks.filter((l) => standsNow(why, l))
  const then = why.looks.filter((l) => !standsNow(why, l)).reverse()
  return [
    ...now.map((look): Choice => ({ id: lookID(look), look, when: 'now' })),
    ...then.map((look): Choice => ({ id: `${look.at} ${lookID(look)}`, look, when: 'then' })),
    ...asked.gone.map((look): Choice => ({ id: `gone ${lookID(look)}`, look, when: 'gone' })),
  ]
}

/** The rule's why tree: live for whoever is there, or of the moments it was last looked at. */
export function WhyNow({ rule }: { rule: Rule }): JSX.Element {
  const tick = ruleTicks.value.get(rule.name)
  const asked = useWhy(rule.name, tick)
  const all = useMemo(() => choices(asked), [asked])
  const wanted = place.value.query.get('look') ?? ''
  // What was chosen may have gone since: then it is the one that went.
  const chosen = all.find((c) => c.id === wanted) ?? all.find((c) => c.id === `gone ${wanted}`) ?? best(all)
  return (
    <Section title={chosen?.when === 'then' ? 'Why, at its last looks' : 'Why'} aside={chosen && <When c={chosen} />}>
      {asked.error !== undefined && <Failed error={asked.error} />}
      {!asked.why && asked.error === undefined && <Skeleton lines={4} />}
      {asked.why && !chosen && <Nobody rule={rule} />}
      {all.length > 1 && (
        <div class="look-choice" role="group" aria-label="Looked at for">
          {all.slice(0, most).map((c) => (
            <LookChip key={c.id} c={c} on={c.id === chosen?.id} />
          ))}
          {all.length > most && <span class="muted small-text">and {all.length - most} more</span>}
        </div>
      )}
      {chosen && (
        <div class={chosen.when === 'gone' ? 'look-gone' : undefined}>
          <p class="look-about">
            {(all.length === 1 || chosen.look.plate) && <b>{about(chosen.look)}</b>}
            {chosen.when === 'now' && chosen.look.camera && chosen.look.target !== undefined && (
              <a class="small-text" href={`${path('live', chosen.look.camera)}?target=${encodeURIComponent(`${chosen.look.camera}/${chosen.look.target}`)}`}>
                See it on the picture
              </a>
            )}
          </p>
          <Why look={chosen.look} live={chosen.when === 'now'} />
        </div>
      )}
      {asked.why && asked.why.happenings.length > 0 && <Lately all={asked.why.happenings} />}
    </Section>
  )
}

/** The look that says most: what is furthest on its way, else the first. */
function best(all: Choice[]): Choice | undefined {
  const order = ['active', 'holding', 'pending', 'barred']
  for (const state of order) {
    const c = all.find((x) => x.when === 'now' && x.look.state === state)
    if (c) return c
  }
  return all[0]
}

function When({ c }: { c: Choice }): JSX.Element {
  return (
    <span class="muted small-text">
      {c.when === 'now' ? (
        'as it stands now'
      ) : (
        <>
          {c.when === 'gone' && 'gone; it came nearest '}
          <Ago at={c.look.at} />
        </>
      )}
    </span>
  )
}

function LookChip({ c, on }: { c: Choice; on: boolean }): JSX.Element {
  const { look } = c
  const m = marks[look.answer]
  const fired = look.did.some((h) => h.type === 'firing')
  const lack = missing(look.when).length
  const word = c.when === 'gone' ? 'gone' : fired ? 'fired' : look.held || (look.state !== 'idle' ? look.state : lack > 0 ? `${lack} missing` : '')
  return (
    <button type="button" class={`look-chip look-${look.answer}`} aria-pressed={on} onClick={() => go(withQuery({ look: c.id }), { replace: true })}>
      <span class="look-mark" role="img" aria-label={m.word}>
        {m.sign}
      </span>
      <span class="look-name">{look.plate || about(look)}</span>
      {c.when === 'then' && <span class="num muted">{clockOrDate(look.at, look.at)}</span>}
      {word && <span class="muted">{word}</span>}
    </button>
  )
}

/** a plate, an alarm */
const withArticle = (word: string): string => `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`

/** Nothing is there that the rule could be looked at for. */
function Nobody({ rule }: { rule: Rule }): JSX.Element {
  const where = rule.cameras.length > 0 ? ` at ${rule.cameras.join(', ')}` : ''
  const text = rule.on.includes('target')
    ? `Nobody is seen${where} at the moment. Walk past, and watch each part here.`
    : rule.on.length > 0
      ? `It is looked at when ${rule.on.map((k) => withArticle(k.replaceAll('_', ' '))).join(' or ')} comes${where}. None came since these rules were put in force.`
      : 'It is not looked at: its mode is off.'
  return <p class="rule-nobody muted">{rule.mode === 'off' ? 'The rule is off.' : text}</p>
}

/** What came of it lately, newest first. */
function Lately({ all }: { all: Happening[] }): JSX.Element {
  const words = { firing: 'fired', end: 'ended', suppressed: 'did not fire' } as const
  return (
    <details class="rule-lately">
      <summary>
        What came of it lately <span class="muted num">{all.length}</span>
      </summary>
      <ul>
        {[...all].reverse().map((h, i) => (
          <li key={i}>
            <Ago at={h.at} />
            <span>
              {h.step ? `did not do ${h.step}` : words[h.type]}
              {h.key ? ` for ${h.key}` : ''}
              {h.reason ? ` (${h.reason})` : ''}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
