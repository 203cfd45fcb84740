import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Button } from '../ui/button'
import { Empty, Skeleton } from '../ui/parts'
import type { ViewEntry, ViewProps } from './views'

const loaded = new Map<string, ComponentType<ViewProps>>()

/** A view whose script is fetched when it is first needed. */
export function View({ entry, rest }: { entry: ViewEntry; rest: readonly string[] }): JSX.Element {
  const [, redraw] = useState(0)
  const [failed, setFailed] = useState(false)
  const Ready = loaded.get(entry.name)
  useEffect(() => {
    if (loaded.has(entry.name)) return
    let here = true
    setFailed(false)
    entry.load().then(
      (m) => {
        loaded.set(entry.name, m.default)
        if (here) redraw((n) => n + 1)
      },
      () => here && setFailed(true),
    )
    return () => {
      here = false
    }
  }, [entry])
  if (Ready) return <Ready rest={rest} />
  if (failed)
    return (
      <Empty
        action={
          <Button kind="primary" onClick={() => location.reload()}>
            Load again
          </Button>
        }
      >
        This part of the console could not be loaded: the program may have been updated or stopped.
      </Empty>
    )
  return <Skeleton lines={6} />
}
