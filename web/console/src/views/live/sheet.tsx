import type { JSX } from 'preact'
import type { Zone } from '../../api'
import { withQuery } from '../../app/router'
import { useMotion } from '../../scene/feed'
import { Sheet } from '../../ui/sheet'
import { Facts, targetTitle, useTarget } from './facts'
import type { TargetName } from './names'

/** A target's facts, opened by a tap. */
export function TargetSheet({ of, zones }: { of: TargetName; zones: readonly Zone[] }): JSX.Element {
  const motion = useMotion(of.camera)
  const { target } = useTarget(motion, of.id)
  return (
    <Sheet title={`${targetTitle(target, of.id)} · ${of.camera}`} under={withQuery({ target: undefined })}>
      <Facts camera={of.camera} id={of.id} motion={motion} zones={zones} />
    </Sheet>
  )
}
