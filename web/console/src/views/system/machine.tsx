import type { JSX } from 'preact'
import type { System } from '../../api'
import { del } from '../../client'
import { go } from '../../app/router'
import { loadSession, mayEdit, session, status } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { bytes, duration, number } from '../../ui/format'
import { Facts, Notice } from '../../ui/parts'
import { Ago } from '../../ui/time'
import { toastError } from '../../ui/toast'
import { Part } from './part'
import { Restart } from './restart'

/** The program, its memory on disk, and its site file. */
export function Machine({ system: s, reload }: { system: System; reload: () => void }): JSX.Element {
  const st = status.value
  return (
    <>
      {s.data && <Storage data={s.data} />}
      <Part title="Journal and recording" aside={<a href="/journal">Open the journal</a>}>
        <Facts
          items={[
            st?.journal?.head && ['Newest entry', <>{number(st.journal.head.id)}, <Ago at={st.journal.head.at} /></>],
            st?.journal?.head && ['Its hash', <span class="mono system-hash">{st.journal.head.hash}</span>],
            st?.journal && ['Entries since the start', `${number(st.journal.written)} written, ${number(st.journal.waiting)} waiting, ${number(st.journal.dropped)} left out`],
            st?.recording && ['Recording since the start', `${number(st.recording.written)} lines, ${bytes(st.recording.bytes)}, ${number(st.recording.dropped)} left out`],
          ]}
        />
        {st?.journal?.error && <Notice tone="bad">The journal cannot be written: {st.journal.error}</Notice>}
        {st?.recording?.error && <Notice tone="bad">The recording cannot be written: {st.recording.error}</Notice>}
      </Part>
      <Part title="Program">
        <Facts
          items={[
            ['Version', `${s.version}, commit ${s.commit}`],
            ['Runs since', <Ago at={s.started} />],
            st && ['Up for', duration(st.uptime)],
            ['Memory', bytes(s.memory)],
            ['Made with', `${s.go}, ${s.platform}`],
            ['Process', s.pid],
            ['Cameras post to', <span class="mono">{s.post_to}</span>],
            ['Camera port', <span class="mono">{s.listen.cameras}</span>],
            ['Console', <><span class="mono">{s.listen.console}</span>, {s.listen.tls ? 'encrypted' : 'not encrypted'}</>],
            !!s.listen.fingerprint && ['Its certificate', <span class="mono system-hash">SHA-256 {s.listen.fingerprint}</span>],
            ['Site file', <span class="mono">{s.site_file}</span>],
          ]}
        />
      </Part>
      {mayEdit.value && (
        <Part title="Restart">
          <p class="form-note muted">The site file is read anew. Relays go off; flags, counts and cooldowns are kept. It takes a few seconds.</p>
          <Restart done={reload} said={s.site_problems} />
        </Part>
      )}
      <Part title="This browser">
        <div class="system-buttons">
          <ButtonLink href="?sheet=you">{session.value?.password_set ? 'Change your password' : 'Set a password'}</ButtonLink>
          {mayEdit.value && <ButtonLink href="/first-run">First steps</ButtonLink>}
          {session.value?.password_set && (
            <Button
              onClick={() =>
                void del('session')
                  .then(() => {
                    go('/live')
                    return loadSession()
                  })
                  .catch(toastError)
              }
            >
              Sign out
            </Button>
          )}
        </div>
      </Part>
    </>
  )
}

type Data = NonNullable<System['data']>

function Storage({ data: d }: { data: Data }): JSX.Element {
  const ours = d.journal + d.images + d.recording
  const whole = d.limit ?? (d.total || ours)
  const parts = [
    { name: 'Recording', size: d.recording, keep: d.keep['recording'], tone: 1 },
    { name: 'Pictures', size: d.images, keep: d.keep['images'], tone: 2 },
    { name: 'Journal', size: d.journal, keep: d.keep['journal'], tone: 3 },
  ]
  const share = (n: number): string => `${whole > 0 ? Math.min(100, Math.max(n > 0 ? 0.5 : 0, (100 * n) / whole)) : 0}%`
  return (
    <Part title="Storage" aside={<span class="muted small-text mono">{d.path}</span>}>
      <div class="system-bar" role="img" aria-label={`${bytes(ours)} of ${bytes(whole)} are used`}>
        {parts.map((p) => (
          <span key={p.name} class={`part-${p.tone}`} style={{ width: share(p.size) }} />
        ))}
      </div>
      <ul class="system-legend">
        {parts.map((p) => (
          <li key={p.name}>
            <span class={`swatch part-${p.tone}`} />
            <span>
              {p.name} <span class="num">{bytes(p.size)}</span> <span class="muted small-text">{p.keep === 'not kept' ? 'not kept' : p.keep && `kept for ${p.keep}`}</span>
            </span>
          </li>
        ))}
      </ul>
      <p class="muted small-text">
        {bytes(ours)} of the {bytes(whole)} that {d.limit ? 'it may take' : 'the disk has'}.
      </p>
      {d.total > 0 && (
        <>
          <div class="system-bar thin" role="img" aria-label={`${bytes(d.total - d.free)} of the disk’s ${bytes(d.total)} are used`}>
            <span class={d.free / d.total < 0.05 ? 'part-bad' : 'part-disk'} style={{ width: `${(100 * (d.total - d.free)) / d.total}%` }} />
          </div>
          <p class="muted small-text">
            The disk has {bytes(d.free)} free of {bytes(d.total)}.
          </p>
        </>
      )}
    </Part>
  )
}
