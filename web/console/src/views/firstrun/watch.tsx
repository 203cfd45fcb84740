import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Camera, Page, Rule } from '../../api'
import { path } from '../../app/router'
import { readFile, saveFile } from '../../client'
import { cameras, entries, gap, ruleSet } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { count } from '../../ui/format'
import { HoldButton } from '../../ui/hold'
import { isFiring } from '../../ui/entry'
import { useLoad } from '../../ui/load'
import { StateDot } from '../../ui/mark'
import { Empty, Failed, Skeleton } from '../../ui/parts'
import { Row, Rows } from '../../ui/table'
import { AgoShort } from '../../ui/time'
import { toast, toastError } from '../../ui/toast'
import { fileOf, ruleAddress } from '../rules/words'
import { live } from './recipe'

/** What has come from a camera so far. */
function frameWords(c: Camera): { tone: 'ok' | 'wait' | 'bad'; text: string } {
  if (c.frames > 0) return { tone: 'ok', text: `${count(c.frames, 'frame')}, ${c.rate.toFixed(1)} a second now` }
  if (c.posts > 0) return { tone: 'wait', text: c.problems[0]?.text ?? 'It posts, and no frame has come yet. Walk past it.' }
  return { tone: 'bad', text: 'Nothing has come yet.' }
}

/** A path as one word of a command line. */
const shellWord = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** Waits for the first frames, camera by camera. */
export function FirstFrame({ postTo, siteFile }: { postTo: string | undefined; siteFile: string | undefined }): JSX.Element {
  const all = cameras.value ?? []
  const asked = all.filter((c) => c.device && c.frames === 0)
  if (all.length === 0) return <p class="muted">There is no camera yet.</p>
  return (
    <div class="stack">
      <Rows label="What has come from each camera">
        {all.map((c) => {
          const w = frameWords(c)
          return <Row key={c.name} href={path('live', c.name)} lead={<StateDot tone={w.tone} word={w.tone === 'ok' ? 'frames come' : 'waiting'} />} title={c.name} sub={w.text} />
        })}
      </Rows>
      {all.some((c) => c.frames === 0) && (
        <ol class="first-how">
          {postTo && (
            <li>
              In the camera’s page, under HTTP POST, enter <span class="mono">{postTo}</span>.
            </li>
          )}
          {siteFile !== undefined &&
            asked.map((c) => (
              <li key={c.name}>
                Or let Sallyport enter it: on this machine, in a terminal, run <code>sallyport camera subscribe {c.name} -c {shellWord(siteFile)}</code>
                {!siteFile.startsWith('/') && ' in the folder that Sallyport was started in'}.
              </li>
            ))}
          <li>Tick “Smart track data”. Some firmware needs a reboot after that.</li>
          <li>Switch the perimeter detection on, with a zone of its own, and walk past.</li>
        </ol>
      )}
    </div>
  )
}

/** Rules that only say what they would do: whether they did, and a way to make them live. */
export function ShadowRules({ made, toDraw }: { made: () => void; toDraw: (rule: string) => JSX.Element }): JSX.Element {
  // Journal entries say when it is worth to ask again.
  const newest = entries.value.find((e) => isFiring(e) || e.kind === 'suppressed')?.id
  const all = useLoad<Page<Rule>>('rules', `${ruleSet.value} ${newest} ${gap.value}`)
  if (!all.data) return all.error === undefined ? <Skeleton /> : <Failed error={all.error} retry={all.reload} />
  const shadow = all.data.items.filter((r) => r.mode === 'shadow')
  if (shadow.length === 0)
    return <Empty action={<ButtonLink href="/rules">Show the rules</ButtonLink>}>{all.data.items.length > 0 ? 'All rules are live.' : 'There is no rule yet.'}</Empty>
  return (
    <ul class="system-cards">
      {shadow.map((r) => (
        <ShadowRule
          key={r.name}
          rule={r}
          toDraw={toDraw}
          made={() => {
            all.reload()
            made()
          }}
        />
      ))}
    </ul>
  )
}

function ShadowRule({ rule: r, made, toDraw }: { rule: Rule; made: () => void; toDraw: (rule: string) => JSX.Element }): JSX.Element {
  const [busy, setBusy] = useState(false)
  const [fresh, setFresh] = useState(false)
  const at = r.last_firing?.at
  useEffect(() => {
    if (at === undefined) return
    setFresh(true)
    const t = setTimeout(() => setFresh(false), 3000)
    return () => clearTimeout(t)
  }, [at])
  const go = async (): Promise<void> => {
    setBusy(true)
    try {
      const name = fileOf(r.file)
      const file = await readFile(name)
      const text = live(file.text, r.name)
      if (text === undefined) throw new Error(`${name} does not say mode: shadow for this rule; look at the rule itself`)
      await saveFile(name, text, file.etag)
      toast(`“${r.name}” is live.`)
      made()
    } catch (e) {
      toastError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <li class={`system-card${fresh ? ' first-fresh' : ''}`}>
      <div class="system-card-head">
        <strong>
          <a href={ruleAddress(r.name)}>{r.name}</a>
        </strong>
        <span class="muted small-text">{r.state}</span>
      </div>
      <p>
        {at ? (
          <>
            It would have acted <AgoShort at={at} />.
          </>
        ) : (
          'It has not fired yet. Do what it waits for, and see why not under its name.'
        )}
      </p>
      {toDraw(r.name)}
      <div class="system-buttons">
        {at ? (
          <HoldButton label={`Hold to make it live: ${r.name}`} busy={busy} onHeld={() => void go()}>
            Hold to make it live
          </HoldButton>
        ) : (
          <>
            <ButtonLink small href={ruleAddress(r.name)}>
              Why not
            </ButtonLink>
            <Button small kind="quiet" busy={busy} onClick={() => void go()}>
              Make it live all the same
            </Button>
          </>
        )}
      </div>
    </li>
  )
}
