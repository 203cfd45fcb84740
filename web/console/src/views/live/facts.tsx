import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Target, TargetFacts, Zone } from '../../api'
import { path } from '../../app/router'
import { ApiError, get, seg } from '../../client'
import { hue } from '../../scene/geometry'
import { lookOf } from '../../scene/look'
import type { Motion } from '../../scene/motion'
import { Badge } from '../../ui/mark'
import { errorText } from '../../ui/parts'
import { Why } from '../../ui/why'
import { duration, number } from '../../ui/format'
import { stateTone } from './rulesnow'
import { whyNot } from './whynot'

/** How often the rules are asked what they say of a target, and how often its times grow, in milliseconds. */
const askEvery = 1000
const growEvery = 200

export interface FactsProps {
  camera: string
  id: number
  motion: Motion
  zones: readonly Zone[]
  /** Under a pointer: nothing in it can be pressed. */
  brief?: boolean
}

/** One target's facts: where it is for how long, where it goes, and which rules look at it and why not yet. */
export function Facts({ camera, id, motion, zones, brief }: FactsProps): JSX.Element {
  const { target, gone } = useTarget(motion, id)
  const said = useRulesOf(camera, id, gone)
  const t = target ?? said.facts?.target
  if (!t) return <p class="muted">{gone ? `Nobody with the number ${id} is in the picture of ${camera} any more.` : '…'}</p>
  const now = performance.now()
  const inside = Object.keys(t.zones)
  return (
    <div class={`target-facts ${gone ? 'target-gone' : ''}`}>
      {gone && (
        <p class="target-left" role="status">
          It has left the picture. This is how it was last seen.
        </p>
      )}
      <dl class="target-line">
        <div>
          <dt>in the picture for</dt>
          <dd class="num">{duration(gone ? t.age : (motion.age(id, now) ?? t.age))}</dd>
        </div>
        <div>
          <dt>heading</dt>
          <dd>{t.heading !== undefined ? <Heading degrees={t.heading} /> : t.speed === undefined ? 'not known yet' : 'none: it is still'}</dd>
        </div>
        {t.speed !== undefined && t.heading !== undefined && (
          <div>
            <dt>speed</dt>
            <dd class="num">{number(t.speed)} units/s</dd>
          </div>
        )}
      </dl>
      <h3>Zones</h3>
      {inside.length === 0 ? (
        <p class="muted">In none.</p>
      ) : (
        <ul class="target-zones">
          {inside.map((z) => (
            <li key={z}>
              <span class="zone-swatch" style={{ '--hue': String(hue(z)) }} aria-hidden="true" />
              {brief || !zones.some((x) => x.name === z) ? <span>{z}</span> : <a href={path('zones', camera, 'zone', z)}>{z}</a>}
              <span class="num">{duration(gone ? (t.zones[z] ?? 0) : (motion.dwell(id, z, now) ?? t.zones[z] ?? 0))}</span>
            </li>
          ))}
        </ul>
      )}
      <h3>Rules that look at it</h3>
      <RulesOf said={said} brief={brief ?? false} />
    </div>
  )
}

function RulesOf({ said, brief }: { said: Said; brief: boolean }): JSX.Element {
  if (said.error !== undefined && !said.facts) return <p class="muted">{errorText(said.error)}</p>
  if (!said.facts) return <p class="muted">…</p>
  if (said.facts.rules.length === 0) return <p class="muted">None.</p>
  return (
    <ul class="target-rules">
      {said.facts.rules.map((r) => (
        <li key={r.rule}>
          {brief || !r.look ? (
            <RuleLine rule={r} />
          ) : (
            <details>
              <summary>
                <RuleLine rule={r} />
              </summary>
              <Why look={r.look} live />
              <a href={path('rules', r.rule)}>Show the rule</a>
            </details>
          )}
        </li>
      ))}
    </ul>
  )
}

function RuleLine({ rule }: { rule: TargetFacts['rules'][number] }): JSX.Element {
  const why = whyNot(rule.state, rule.look)
  return (
    <span class="target-rule">
      <span class="target-rule-name">{rule.rule}</span>
      <Badge tone={stateTone[rule.state]}>{rule.state}</Badge>
      {why !== rule.state && <span class="target-rule-why">{why}</span>}
    </span>
  )
}

const ways = ['up', 'up and right', 'right', 'down and right', 'down', 'down and left', 'left', 'up and left']

/** A direction as an arrow and in words. */
function Heading({ degrees }: { degrees: number }): JSX.Element {
  return (
    <span class="heading">
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" style={{ transform: `rotate(${degrees}deg)` }}>
        <path d="M8 2v12M8 2L4 6.5M8 2l4 4.5" />
      </svg>
      {ways[Math.round((((degrees % 360) + 360) % 360) / 45) % 8]}
    </span>
  )
}

/** The word and number by which a target is called. */
export function targetTitle(t: Target | undefined, id: number): string {
  return t ? `${lookOf(t.class).word} ${id}` : `target ${id}`
}

/** A target as the newest frame has it, and as it was last seen when it is gone; drawn anew as its times grow. */
export function useTarget(motion: Motion, id: number): { target: Target | undefined; gone: boolean } {
  const [last, setLast] = useState<{ id: number; target: Target | undefined }>({ id, target: motion.get(id)?.target })
  const [, grow] = useState(0)
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'hidden') return
      const target = motion.get(id)?.target
      setLast((was) => (target ? { id, target } : was.id === id ? was : { id, target: undefined }))
      grow((n) => n + 1)
    }
    look()
    const timer = setInterval(look, growEvery)
    return () => clearInterval(timer)
  }, [motion, id])
  return { target: last.id === id ? last.target : undefined, gone: !motion.get(id) }
}

interface Said {
  facts: TargetFacts | undefined
  error: unknown
}

function useRulesOf(camera: string, id: number, gone: boolean): Said {
  const [said, setSaid] = useState<Said>({ facts: undefined, error: undefined })
  useEffect(() => setSaid({ facts: undefined, error: undefined }), [camera, id])
  useEffect(() => {
    if (gone) return
    const end = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = () => {
      if (!end.signal.aborted) timer = setTimeout(ask, askEvery)
    }
    const ask = () => {
      if (document.visibilityState === 'hidden') {
        again()
        return
      }
      get<TargetFacts>(`cameras/${seg(camera)}/targets/${id}`, end.signal).then(
        (facts) => {
          if (end.signal.aborted) return
          setSaid({ facts, error: undefined })
          again()
        },
        (error: unknown) => {
          if (end.signal.aborted) return
          // Who has just left is said by the scene.
          if (error instanceof ApiError && error.status === 404) return
          setSaid((was) => ({ facts: was.facts, error }))
          again()
        },
      )
    }
    ask()
    return () => {
      clearTimeout(timer)
      end.abort()
    }
  }, [camera, id, gone])
  return said
}
