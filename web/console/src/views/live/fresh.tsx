import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Camera } from '../../api'
import { call, seg } from '../../client'
import { mayOperate } from '../../state'
import { Button } from '../../ui/button'
import { Icon } from '../../ui/icon'
import { toastError } from '../../ui/toast'

/** Asks the camera itself for a picture of now. It comes with the camera's next state. */
export function FreshPicture({ camera }: { camera: Camera }): JSX.Element | null {
  const [busy, setBusy] = useState(false)
  if (!camera.device || !camera.online || !mayOperate.value) return null
  const ask = async (): Promise<void> => {
    setBusy(true)
    try {
      const answer = await call(`cameras/${seg(camera.name)}/snapshot?fresh=1`)
      await answer.arrayBuffer()
    } catch (e) {
      toastError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button small busy={busy} label="New picture" onClick={() => void ask()}>
      <Icon name="picture" size={16} /> <span class="live-tool">New picture</span>
    </Button>
  )
}
