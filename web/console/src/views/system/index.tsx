import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Adopted } from '../../api'
import { go } from '../../app/router'
import type { ViewProps } from '../../app/views'
import { cameras, mayEdit, status } from '../../state'
import { Failed, Notice, Skeleton, ViewHead } from '../../ui/parts'
import { Sheet } from '../../ui/sheet'
import { Tabs } from '../../ui/tabs'
import { toast } from '../../ui/toast'
import { fileAddress, fileOf } from '../rules/words'
import { AddCamera } from './add'
import { CameraSheet } from './camera'
import { Cameras } from './cameras'
import { Machine } from './machine'
import { People } from './people'
import { Restart } from './restart'
import { useSystem } from './store'

const tabs = [
  { id: 'cameras', label: 'Cameras', href: '/system' },
  { id: 'machine', label: 'Machine', href: '/system/machine' },
  { id: 'people', label: 'People', href: '/system/people' },
]

/** Cameras, the machine, and who may use it: /system, /system/cameras/NAME, /system/add, /system/machine, /system/people. */
export default function View({ rest }: ViewProps): JSX.Element {
  const system = useSystem()
  const [written, setWritten] = useState(false)
  const tab = rest[0] === 'machine' || rest[0] === 'people' ? rest[0] : 'cameras'
  const s = system.data
  const adopted = (): void => {
    setWritten(true)
    system.reload()
  }
  const restarted = (): void => {
    setWritten(false)
    system.reload()
  }
  const problems = status.value?.rules.problems ?? []
  return (
    <>
      <ViewHead title="System" />
      <Tabs label="System" items={tabs} current={tab} />
      <div class="system">
        {(s?.restart_needed || written) && (
          <Notice tone="wait">
            <p>The site file was changed. It counts after a restart, by which relays go off.</p>
            {mayEdit.value && <Restart primary done={restarted} said={s?.site_problems ?? []} />}
          </Notice>
        )}
        {s && s.site_problems.length > 0 && (
          <Notice tone="bad">
            <p>The site file {s.site_file}:</p>
            <ul class="system-notes">
              {s.site_problems.map((p) => (
                <li key={p}>{p}</li>
              ))}
            </ul>
          </Notice>
        )}
        {problems.length > 0 && (
          <Notice tone={problems.some((p) => !p.warning) ? 'bad' : 'wait'}>
            <p>{problems.some((p) => !p.warning) ? 'The rule files have errors; the set before is in use.' : 'The rule files have warnings.'}</p>
            <ul class="system-notes">
              {problems.slice(0, 20).map((p, i) => (
                <li key={i}>
                  {p.line && p.line > 0 ? <a href={fileAddress(fileOf(p.file), p.line)}>{`${fileOf(p.file)}:${p.line}`}</a> : fileOf(p.file)} {p.message}
                </li>
              ))}
            </ul>
          </Notice>
        )}
        {system.error !== undefined && !s && <Failed error={system.error} retry={system.reload} />}
        {tab === 'cameras' && <Cameras postTo={s?.post_to} adopted={adopted} />}
        {tab === 'machine' && (s ? <Machine system={s} reload={system.reload} /> : system.error === undefined && <Skeleton lines={8} />)}
        {tab === 'people' && <People />}
      </div>
      {rest[0] === 'cameras' && rest[1] !== undefined && cameras.value && (
        <CameraSheet key={rest[1]} name={rest[1]} camera={cameras.value.find((c) => c.name === rest[1])} />
      )}
      {rest[0] === 'add' && mayEdit.value && (
        <Sheet title="Add a camera" under="/system">
          <AddCamera
            added={(a: Adopted) => {
              toast(`${a.camera} is in the site file. It counts after a restart.`)
              adopted()
              go('/system', { replace: true })
            }}
          />
        </Sheet>
      )}
    </>
  )
}
