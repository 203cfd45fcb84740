import type { JSX } from 'preact'
import { path } from '../../app/router'
import { StateDot } from '../../ui/mark'
import { Grid } from './grid'
import type { ScenesProps } from './grid'

/** One camera as large as the window allows, with the others a press away. */
export function Large({ name, cameras, ...rest }: ScenesProps & { name: string }): JSX.Element | null {
  const camera = cameras.find((c) => c.name === name)
  if (!camera) return null
  return (
    <div class="live-large">
      {cameras.length > 1 && (
        <nav class="live-others" aria-label="Cameras">
          <a href="/live">All</a>
          {cameras.map((c) => (
            <a key={c.name} href={path('live', c.name)} aria-current={c.name === name ? 'page' : undefined}>
              {!c.online && <StateDot tone="bad" word="offline" />}
              {c.name}
            </a>
          ))}
        </nav>
      )}
      <Grid cameras={[camera]} {...rest} large />
    </div>
  )
}
