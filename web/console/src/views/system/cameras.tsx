import type { JSX } from 'preact'
import { path } from '../../app/router'
import type { Camera } from '../../api'
import { cameras, mayEdit } from '../../state'
import { ButtonLink } from '../../ui/button'
import { StateDot } from '../../ui/mark'
import { Empty, Skeleton } from '../../ui/parts'
import { Row, Rows } from '../../ui/table'
import { AgoShort } from '../../ui/time'
import { Part } from './part'
import { UnknownDevices } from './unknown'

/** How a camera is, in one word. */
export function cameraState(c: Camera): { tone: 'ok' | 'wait' | 'bad'; word: string } {
  if (!c.online) return { tone: 'bad', word: c.last_seen ? 'offline' : 'never seen' }
  return c.problems.length > 0 ? { tone: 'wait', word: 'something is wrong' } : { tone: 'ok', word: 'online' }
}

/** All cameras, and the devices that are none yet. */
export function Cameras({ postTo, adopted }: { postTo: string | undefined; adopted: () => void }): JSX.Element {
  const all = cameras.value
  return (
    <>
      <Part
        title="Cameras"
        aside={
          mayEdit.value && (
            <ButtonLink small href="/system/add">
              Add a camera
            </ButtonLink>
          )
        }
      >
        {!all ? (
          <Skeleton lines={4} />
        ) : all.length === 0 ? (
          <Empty
            action={
              <ButtonLink kind="primary" href="/first-run">
                Show me how
              </ButtonLink>
            }
          >
            No camera is set up yet. {postTo && <>Point one at {postTo}.</>}
          </Empty>
        ) : (
          <Rows label="Cameras">
            {all.map((c) => {
              const s = cameraState(c)
              return (
                <Row
                  key={c.name}
                  href={path('system', 'cameras', c.name)}
                  lead={<StateDot tone={s.tone} word={s.word} />}
                  title={c.name}
                  sub={c.problems[0]?.text ?? (c.online ? `${c.rate.toFixed(1)} frames/s` : s.word)}
                  aside={c.last_seen && <span class="muted small-text">{c.online ? s.word : <AgoShort at={c.last_seen} />}</span>}
                />
              )
            })}
          </Rows>
        )}
      </Part>
      <Part title="Devices that post and are no cameras">
        <UnknownDevices adopted={adopted} />
        {postTo && (
          <p class="muted small-text system-post">
            A camera’s HTTP POST set-up should name <span class="mono">{postTo}</span>
          </p>
        )}
      </Part>
    </>
  )
}
