import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Page, PlateEntry, PlateList } from '../../api'
import { path, place, withQuery } from '../../app/router'
import { query, seg } from '../../client'
import { mayEdit, mayOperate, ruleSet } from '../../state'
import { Button, ButtonLink } from '../../ui/button'
import { Icon } from '../../ui/icon'
import { useLoad } from '../../ui/load'
import { Badge } from '../../ui/mark'
import { Empty, Failed, Notice, Skeleton } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { toast, toastError } from '../../ui/toast'
import { Plate, Search } from './reads'
import { changed, putPlate, removePlate, written } from './store'
import { validity } from './words'

/** So many are drawn; the rest is found by searching. */
const most = 300

/** One list with its entries. */
export function ListSheet({ name, under }: { name: string; under: string }): JSX.Element {
  const [search, setSearch] = useState('')
  const again = `${ruleSet.value} ${changed.value}`
  const lists = useLoad<Page<PlateList>>('plates/lists', again)
  const loaded = useLoad<Page<PlateEntry>>(`plates/lists/${seg(name)}${query({ q: search })}`, again)
  const list = lists.data?.items.find((l) => l.name === name)
  const fixed = list?.fixed
  const may = mayOperate.value && list !== undefined && !fixed
  const items = loaded.data?.items ?? []
  return (
    <Sheet
      title={name}
      under={under}
      actions={
        may && (
          <ButtonLink small kind="primary" href={withQuery({ put: '', list: name })}>
            Add a plate
          </ButtonLink>
        )
      }
    >
      {list && (
        <p class="muted small-text plates-where">
          {mayEdit.value ? <a href={path('rules', 'files', list.file)}>{list.file}</a> : list.file}
          {list.belongs.map((b) => ` · also the list ${b.list} in camera ${b.camera}`)}
        </p>
      )}
      {fixed && <Notice tone="wait">This list cannot be changed here: {fixed}.</Notice>}
      {((list?.entries ?? 0) > 8 || search) && <Search value={search} set={setSearch} hint="A plate, an owner or a note. Look-alikes are forgiven." />}
      {loaded.error !== undefined && <Failed error={loaded.error} retry={loaded.reload} />}
      {!loaded.data && loaded.loading && <Skeleton lines={4} />}
      {loaded.data && items.length === 0 && <Empty>{search ? `Nothing on this list is like ${search}.` : 'Nobody is on this list.'}</Empty>}
      <ul class="plate-entries">
        {items.slice(0, most).map((e, i) => (
          <EntryRow key={`${e.plate} ${i}`} list={name} entry={e} may={may} />
        ))}
      </ul>
      {items.length > most && <p class="muted small-text">The first {most} of {items.length}; search for the others.</p>}
    </Sheet>
  )
}

function EntryRow({ list, entry: e, may }: { list: string; entry: PlateEntry; may: boolean }): JSX.Element {
  const [busy, setBusy] = useState(false)
  const remove = async (): Promise<void> => {
    setBusy(true)
    try {
      await removePlate(list, e.plate)
      toast(`${e.plate} is off ${list}.`, { action: { label: 'Put it back', do: () => void putPlate(list, e.plate, written(e)).catch(toastError) } })
    } catch (err) {
      toastError(err)
    }
    setBusy(false)
  }
  return (
    <li class={`plate-entry${e.valid ? '' : ' plate-entry-off'}`}>
      <Plate number={e.plate} />
      <span class="plate-entry-who">
        <span>{e.owner ?? <span class="muted">no owner</span>}</span>
        {e.note && <span class="muted small-text">{e.note}</span>}
      </span>
      <span class="plate-entry-when">
        <span class="num">{validity(e)}</span>
        {!e.valid && <Badge tone="wait">{e.why ?? 'does not count now'}</Badge>}
      </span>
      {may && (
        <span class="plate-entry-do">
          <ButtonLink kind="quiet" small label={`Change ${e.plate}`} href={`${place.value.path}${query({ put: e.plate, list })}`}>
            <Icon name="edit" size={16} />
          </ButtonLink>
          <Button kind="quiet" small label={`Take ${e.plate} off ${list}`} busy={busy} onClick={() => void remove()}>
            <Icon name="trash" size={16} />
          </Button>
        </span>
      )}
    </li>
  )
}
