import { useEffect, useState } from 'preact/hooks'
import type { Zone } from '../api'
import { zoneThatCounts } from './geometry'
import { lookOf, seconds } from './look'
import type { Motion } from './motion'

/** Said in words at most so often, in milliseconds. */
const every = 2000

export interface TargetListProps {
  camera: string
  motion: Motion
  zones: readonly Zone[]
  seen: boolean
  /** Who has the keyboard's focus; undefined when none has. */
  onMark: (id: number | undefined) => void
  onPick: (id: number) => void
}

interface Line {
  id: number
  text: string
}

/** The targets of a scene as buttons for the keyboard and for screen readers; the picture shows which one has the focus. */
export function TargetList({ camera, motion, zones, seen, onMark, onPick }: TargetListProps) {
  const [lines, setLines] = useState<Line[]>([])
  useEffect(() => {
    if (!seen) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let said = -Infinity
    const say = () => {
      timer = undefined
      said = performance.now()
      setLines(describe(motion, zones, said))
    }
    const changed = () => {
      if (timer === undefined) timer = setTimeout(say, Math.max(0, said + every - performance.now()))
    }
    say()
    const stop = motion.listen(changed)
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [motion, zones, seen])
  return (
    <ul class="scene-list" aria-live="off" aria-label={`In the picture of ${camera}`}>
      {lines.map((l) => (
        <li key={l.id}>
          <button type="button" onFocus={() => onMark(l.id)} onBlur={() => onMark(undefined)} onClick={() => onPick(l.id)}>
            {l.text}
          </button>
        </li>
      ))}
    </ul>
  )
}

function describe(motion: Motion, zones: readonly Zone[], now: number): Line[] {
  return motion.all().map(({ target }) => {
    const zone = zoneThatCounts(target, zones)
    const dwell = zone && motion.dwell(target.id, zone.name, now)
    const where = zone && dwell !== undefined ? `, in ${zone.name} for ${seconds(dwell)}` : ''
    return { id: target.id, text: `${lookOf(target.class).word} ${target.id}${where}` }
  })
}
