import type { JSX } from 'preact'
import { Skeleton, ViewHead } from '../../ui/parts'

export default function View(): JSX.Element {
  return (
    <>
      <ViewHead title="Zones" />
      <Skeleton />
    </>
  )
}
