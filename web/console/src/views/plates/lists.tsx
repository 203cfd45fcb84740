import type { JSX } from 'preact'
import type { Page, PlateList } from '../../api'
import { path } from '../../app/router'
import { mayEdit, ruleSet } from '../../state'
import { ButtonLink } from '../../ui/button'
import { count } from '../../ui/format'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Empty, Failed, Skeleton } from '../../ui/parts'
import { Row, Rows } from '../../ui/table'
import { changed } from './store'

/** The local lists. */
export function Lists(): JSX.Element {
  const loaded = useLoad<Page<PlateList>>('plates/lists', `${ruleSet.value} ${changed.value}`)
  if (!loaded.data) return loaded.error !== undefined ? <Failed error={loaded.error} retry={loaded.reload} /> : <Skeleton lines={4} />
  if (loaded.data.items.length === 0)
    return (
      <Empty action={mayEdit.value && <ButtonLink href="/rules">Go to the rule files</ButtonLink>}>
        No rule file has a list of plates. Write one in a rule file, for example lists: {'{'}residents: [{'{'}plate: ABC1234, owner: Ann{'}'}]{'}'}.
      </Empty>
    )
  return (
    <Rows label="Lists">
      {loaded.data.items.map((l) => (
        <Row
          key={`${l.file} ${l.name}`}
          href={path('plates', 'lists', l.name)}
          title={l.name}
          sub={[l.file, ...l.belongs.map((b) => `also the list ${b.list} in camera ${b.camera}`)].join(' · ')}
          aside={
            <>
              {l.fixed && <Badge tone="wait">read only</Badge>}
              <span class="num">{count(l.entries, 'plate')}</span>
            </>
          }
        />
      ))}
    </Rows>
  )
}
