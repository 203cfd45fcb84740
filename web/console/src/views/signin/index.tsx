import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Session } from '../../api'
import { ApiError, post } from '../../client'
import { session, siteName } from '../../state'
import { Button } from '../../ui/button'
import { Field } from '../../ui/field'
import { Notice, errorText } from '../../ui/parts'

/** What the answer to a sign-in means, in words. */
function words(e: unknown, wait: number): string {
  if (e instanceof ApiError && e.status === 429) return wait > 0 ? `Too many tries. Wait ${wait} s, then try again.` : 'You can try again now.'
  if (e instanceof ApiError && e.status === 401) return 'The name and the password do not belong together.'
  return errorText(e)
}

/** What stays on this machine needs no encryption. */
const loopback = (): boolean => location.hostname === 'localhost' || location.hostname === '[::1]' || location.hostname.startsWith('127.')

/** Name and password. What was asked for is shown after it, at the same address. */
export default function SignIn(): JSX.Element {
  const [user, setUser] = useState('admin')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [wait, setWait] = useState(0)

  useEffect(() => {
    document.title = `Sign in · ${siteName.value}`
  }, [])
  const waiting = wait > 0
  useEffect(() => {
    if (!waiting) return
    const t = setInterval(() => setWait((n) => Math.max(0, n - 1)), 1000)
    return () => clearInterval(t)
  }, [waiting])

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault()
    if (busy || waiting) return
    setBusy(true)
    setError(undefined)
    try {
      session.value = await post<Session>('session', { user: user.trim(), password })
    } catch (x) {
      setPassword('')
      setError(x)
      if (x instanceof ApiError && x.retryAfter) setWait(Math.ceil(x.retryAfter))
    } finally {
      setBusy(false)
    }
  }

  return (
    <main class="signin">
      <form class="signin-card stack" onSubmit={(e) => void submit(e)}>
        <img src="/assets/icon.svg" width="40" height="40" alt="" />
        <h1>{siteName.value}</h1>
        <Field label="User" autocomplete="username" value={user} onInput={setUser} required maxLength={64} />
        <Field label="Password" type="password" autocomplete="current-password" value={password} onInput={setPassword} required autofocus maxLength={200} />
        {error !== undefined && <Notice tone={waiting || !(error instanceof ApiError && error.status === 429) ? 'bad' : 'off'}>{words(error, wait)}</Notice>}
        <Button kind="primary" submit busy={busy} disabled={waiting || !user || !password}>
          {waiting ? `Wait ${wait} s` : 'Sign in'}
        </Button>
        {session.value?.tls === false && !loopback() && <p class="muted small-text">This connection is not encrypted.</p>}
        {session.value?.fingerprint && (
          <details class="small-text">
            <summary>The certificate is this machine's own</summary>
            <p class="muted">Its SHA-256 fingerprint, as the program printed it at its first start:</p>
            <p class="mono fingerprint">{session.value.fingerprint}</p>
          </details>
        )}
      </form>
    </main>
  )
}
