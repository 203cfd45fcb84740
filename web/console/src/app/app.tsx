import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { signedOut } from '../client'
import { cameras, loadSession, mayEdit, session, siteName, status } from '../state'
import { Button } from '../ui/button'
import { Icon } from '../ui/icon'
import { Empty, Hidden, Skeleton } from '../ui/parts'
import { Toasts } from '../ui/toast'
import { drafts } from '../views/rules/drafts'
import SignIn from '../views/signin'
import { go, parts, place } from './router'
import { GlobalSheet } from './sheets'
import { TopLine } from './topline'
import { View } from './view'
import { views } from './views'

const rail = views.filter((v) => v.icon)

function Rail({ current }: { current: string }): JSX.Element {
  return (
    <nav class="rail" aria-label="Views">
      {rail.map((v) => (
        <a key={v.name} href={`/${v.name}`} aria-current={v.name === current ? 'page' : undefined}>
          {v.icon && <Icon name={v.icon} />}
          <span>{v.title}</span>
          {v.name === 'rules' && drafts.value.size > 0 && (
            <span class="rail-mark" title="A text is not saved">
              <Hidden>, not saved</Hidden>
            </span>
          )}
        </a>
      ))}
    </nav>
  )
}

/** The whole page. Without a session it is the sign-in, at whatever address, which is kept. */
export function App(): JSX.Element {
  const s = session.value
  const name = parts.value[0] ?? 'live'
  const entry = views.find((v) => v.name === name)
  const asked = signedOut.value
  useEffect(() => {
    if (asked > 0) void loadSession().catch(() => undefined)
  }, [asked])
  useEffect(() => {
    document.title = entry ? `${entry.title} · ${siteName.value}` : siteName.value
  }, [entry, siteName.value])
  // A site without a camera or a rule begins with the first steps, asked for or not.
  const bare = s?.signed_in && place.value.path === '/' && mayEdit.value && (cameras.value?.length === 0 || status.value?.rules.count === 0)
  useEffect(() => {
    if (bare) go('/first-run', { replace: true })
  }, [bare])
  useEffect(() => {
    if (s?.signed_in && place.value.path === '/sign-in') go('/live', { replace: true })
  }, [s?.signed_in, place.value.path])

  if (!s) return <Skeleton lines={4} />
  if (!s.signed_in)
    return (
      <>
        <SignIn />
        <Toasts />
      </>
    )
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the view
      </a>
      <TopLine />
      <Rail current={entry?.name ?? ''} />
      <main id="main" class={`view view-${entry?.name ?? 'none'}`} tabIndex={-1}>
        {entry ? (
          <View key={entry.name} entry={entry} rest={parts.value.slice(1)} />
        ) : (
          <Empty
            action={
              <Button kind="primary" onClick={() => go('/live')}>
                Go to Live
              </Button>
            }
          >
            There is nothing at {place.value.path}.
          </Empty>
        )}
      </main>
      <GlobalSheet />
      <Toasts />
    </div>
  )
}
