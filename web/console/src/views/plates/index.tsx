import type { JSX } from 'preact'
import { place } from '../../app/router'
import type { ViewProps } from '../../app/views'
import { mayOperate } from '../../state'
import { ButtonLink } from '../../ui/button'
import { ViewHead } from '../../ui/parts'
import { Tabs } from '../../ui/tabs'
import { Cameras } from './cameras'
import { EditSheet } from './edit'
import { ListSheet } from './list'
import { Lists } from './lists'
import { ReadSheet } from './read'
import { Reads } from './reads'

/** /plates, /plates/reads/ID, /plates/lists, /plates/lists/NAME, /plates/cameras; ?put=PLATE puts one on a list, over any of them. */
export default function View({ rest }: ViewProps): JSX.Element {
  const tab = rest[0] === 'lists' || rest[0] === 'cameras' ? rest[0] : 'reads'
  const q = place.value.query
  const put = q.get('put')
  const search = q.get('q')
  const reads = `/plates${search && tab === 'reads' ? `?q=${encodeURIComponent(search)}` : ''}`
  return (
    <>
      <ViewHead title="Plates">
        {mayOperate.value && (
          <ButtonLink kind="primary" href={`${place.value.path}?put=`}>
            Add a plate
          </ButtonLink>
        )}
      </ViewHead>
      <Tabs
        label="Plates"
        current={tab}
        items={[
          { id: 'reads', label: 'Recent reads', href: '/plates' },
          { id: 'lists', label: 'Lists', href: '/plates/lists' },
          { id: 'cameras', label: "Cameras' lists", href: '/plates/cameras' },
        ]}
      />
      {tab === 'reads' && <Reads />}
      {tab === 'lists' && <Lists />}
      {tab === 'cameras' && <Cameras />}
      {rest[0] === 'reads' && rest[1] && <ReadSheet key={rest[1]} id={rest[1]} under={reads} />}
      {rest[0] === 'lists' && rest[1] && <ListSheet key={rest[1]} name={rest[1]} under="/plates/lists" />}
      {put !== null && mayOperate.value && <EditSheet key={`${put} ${q.get('list') ?? ''}`} plate={put} list={q.get('list') ?? ''} guest={q.has('guest')} />}
    </>
  )
}
