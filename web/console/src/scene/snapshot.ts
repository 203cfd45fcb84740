import { useEffect, useState } from 'preact/hooks'

/** A camera's picture that is ready to be shown. */
export interface Snapshot {
  url: string
  width: number
  height: number
}

/** How long a picture is kept before a newer one is asked for, in milliseconds. */
const keepFor = 2000

/**
 * The camera's newest picture, asked for anew when `at` (Camera.snapshot_at) changes, and
 * only while `seen`; undefined while there is none. The one before stays until the next is
 * there whole, so that nothing blinks.
 */
export function useSnapshot(camera: string, at: string | undefined, seen: boolean): Snapshot | undefined {
  const [shown, setShown] = useState<{ camera: string; at: string; asked: number; snapshot: Snapshot }>()
  const wanted = seen && at !== undefined && (shown?.camera !== camera || shown.at !== at)
  useEffect(() => {
    if (!wanted || at === undefined) return
    const end = new AbortController()
    const wait = shown?.camera === camera ? Math.max(0, shown.asked + keepFor - performance.now()) : 0
    const timer = setTimeout(() => {
      const asked = performance.now()
      load(`/api/v1/cameras/${encodeURIComponent(camera)}/snapshot`, end.signal).then(
        (snapshot) => {
          if (end.signal.aborted) URL.revokeObjectURL(snapshot.url)
          else setShown({ camera, at, asked, snapshot })
        },
        // No picture, or one that cannot be read, is a plain grid.
        () => undefined,
      )
    }, wait)
    return () => {
      clearTimeout(timer)
      end.abort()
    }
  }, [camera, at, wanted])
  useEffect(() => {
    const url = shown?.snapshot.url
    return url === undefined ? undefined : () => URL.revokeObjectURL(url)
  }, [shown?.snapshot.url])
  return shown?.camera === camera && at !== undefined ? shown.snapshot : undefined
}

async function load(path: string, signal: AbortSignal): Promise<Snapshot> {
  const answer = await fetch(path, { signal })
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  const url = URL.createObjectURL(await answer.blob())
  const image = new Image()
  image.src = url
  try {
    await image.decode()
  } catch (e) {
    URL.revokeObjectURL(url)
    throw e
  }
  return { url, width: image.naturalWidth, height: image.naturalHeight }
}
