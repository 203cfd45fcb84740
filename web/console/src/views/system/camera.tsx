import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Camera } from '../../api'
import { path } from '../../app/router'
import { call, seg } from '../../client'
import { useSnapshot } from '../../scene/snapshot'
import { mayEdit, mayOperate } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { duration, number } from '../../ui/format'
import { StateDot } from '../../ui/mark'
import { Empty, Facts, Section } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { Ago } from '../../ui/time'
import { toastError } from '../../ui/toast'
import { cameraState } from './cameras'

/** How far a camera's clock is off, in words. */
export const skewWords = (s: number): string => (Math.abs(s) < 0.5 ? 'right' : `${duration(Math.abs(s))} ${s > 0 ? 'behind' : 'ahead'}`)

/** What is missing of a camera that is known by its posts alone, and how to give it that. */
export const askLines = (name: string): string => `${name}:\n  match: …   # stays as it is\n  url: http://192.168.0.52\n  username: admin\n  password: {file: /etc/sallyport/${name}.password}\n`

function AskItself({ name }: { name: string }): JSX.Element {
  return (
    <Section title="It cannot be asked">
      <p>
        The site file has no address of this camera: it is known by its posts alone. So no new picture can be had of it, its own zones cannot be taken over, and{' '}
        <code>sallyport camera</code> cannot set it up. Give it its address and login in the site file, under <code>cameras:</code>, and restart:
      </p>
      <pre class="system-lines">{askLines(name)}</pre>
    </Section>
  )
}

/** All there is to say of one camera. */
export function CameraSheet({ name, camera: c }: { name: string; camera: Camera | undefined }): JSX.Element {
  return (
    <Sheet title={name} under="/system">
      {c ? <About camera={c} /> : <Empty>No camera is called {name}.</Empty>}
    </Sheet>
  )
}

function About({ camera: c }: { camera: Camera }): JSX.Element {
  const s = cameraState(c)
  const snapshot = useSnapshot(c.name, c.snapshot_at, true)
  const [busy, setBusy] = useState(false)
  const ask = async (): Promise<void> => {
    setBusy(true)
    try {
      await (await call(`cameras/${seg(c.name)}/snapshot?fresh=1`)).arrayBuffer()
    } catch (e) {
      toastError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <p class="system-state">
        <StateDot tone={s.tone} word={s.word} /> {s.word}
        {c.last_seen && (
          <span class="muted">
            , last heard of <Ago at={c.last_seen} />
          </span>
        )}
      </p>
      <figure class="system-picture">
        {snapshot ? <img src={snapshot.url} width={snapshot.width} height={snapshot.height} alt={`What ${c.name} saw`} /> : <div class="system-nopicture" />}
        <figcaption class="muted small-text">{c.snapshot_at ? <Ago at={c.snapshot_at} /> : 'There is no picture of it yet.'}</figcaption>
      </figure>
      <div class="system-buttons">
        {c.device && mayOperate.value && (
          <Button small busy={busy} onClick={() => void ask()}>
            New picture
          </Button>
        )}
        <ButtonLink small href={path('live', c.name)}>
          Live
        </ButtonLink>
        <ButtonLink small href={path('zones', c.name)}>
          Its zones
        </ButtonLink>
        <ButtonLink small href={`/journal?camera=${seg(c.name)}`}>
          Its journal
        </ButtonLink>
      </div>
      {c.problems.length > 0 && (
        <Section title="What is wrong">
          <ul class="system-problems">
            {c.problems.map((p) => (
              <li key={p.kind ?? p.text}>
                <StateDot tone="wait" word="Warning" />
                <div>
                  <p>{p.text}</p>
                  <p class="muted small-text">
                    {p.since ? (
                      <>
                        since <Ago at={p.since} />
                      </>
                    ) : p.count ? (
                      `${number(p.count)} times`
                    ) : null}
                  </p>
                </div>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {!c.device && mayEdit.value && <AskItself name={c.name} />}
      <Section title="Numbers">
        <Facts
          items={[
            ['Frames', `${number(c.frames)}, ${c.rate.toFixed(1)} a second now`],
            ['Posts', number(c.posts)],
            ['Sends frames', c.frames > 0 ? 'yes' : c.frames_expected ? 'it should, and does not' : 'no'],
            c.clock_skew !== undefined && ['Its clock', skewWords(c.clock_skew)],
            ['Can be asked', c.device ? 'yes: it has an address in the site file' : 'no: it has no url in the site file'],
          ]}
        />
      </Section>
    </>
  )
}
