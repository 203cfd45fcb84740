// What every test stands on: a demonstration that runs, and a page that is watched.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, test as base, type Locator, type Page } from '@playwright/test'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A demonstration that runs until it is stopped. */
export interface Demo {
  url: string
  stop: () => Promise<void>
}

/** The origins of demonstrations that were started here. */
const origins = new Set<string>()

/** Starts one on a free port. */
export const startDemo = (): Promise<Demo> => start(['demo', '--for', '15m', '--console', '127.0.0.1:0'])

/** Starts the program on a new site, with a site file of these lines, and two free ports. */
export async function startSite(lines: string, rules: Record<string, string> = {}): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-site-'))
  const file = join(folder, 'sallyport.yaml')
  await mkdir(join(folder, 'rules.d'))
  for (const [name, text] of Object.entries(rules)) await writeFile(join(folder, 'rules.d', name), text)
  await writeFile(file, `listen: {cameras: "127.0.0.1:0", console: "127.0.0.1:0"}\nlocation: {timezone: UTC}\n${lines}`)
  const site = await start(['run', '-c', file])
  return {
    url: site.url,
    stop: async () => {
      await site.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function start(args: string[]): Promise<Demo> {
  const child = spawn(process.env['SALLYPORT'] ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let stopping = false
  const ended = new Promise<void>((resolve) =>
    child.once('exit', (code, signal) => {
      if (!stopping) console.error(`sallyport ${args[0]} ended with ${code ?? signal}:\n${said.slice(-2000)}`)
      resolve()
    }),
  )
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (text: string): void => {
      said += text
      const at = /the console is at (http:\/\/\S+)/.exec(said)
      if (at?.[1]) resolve(at[1])
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the program ended with ${code}:\n${said}`)))
  })
  origins.add(url)
  return {
    url,
    stop: async () => {
      stopping = true
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** What a page did that it must not do. */
export class Watch {
  readonly wrong: string[] = []
  /** Console errors that a test brings about itself. */
  readonly expected: RegExp[] = []

  constructor(page: Page) {
    page.on('console', (m) => {
      const text = `${m.text()} (${m.location().url})`
      if (m.type() === 'error' && !this.expected.some((e) => e.test(text))) this.wrong.push(`console: ${text}`)
    })
    page.on('pageerror', (e) => this.wrong.push(`error: ${e.message}`))
    page.on('request', (r) => {
      const url = new URL(r.url())
      if (!origins.has(url.origin) && url.protocol !== 'data:' && url.protocol !== 'blob:') this.wrong.push(`request to ${r.url()}`)
    })
  }
}

interface Own {
  /** The demonstration of the test: shared with others, who change nothing. */
  demo: Demo
  /** One of its own, for tests that change something. */
  ownDemo: Demo
  watch: Watch
}
interface Shared {
  sharedDemo: Demo
}

export const test = base.extend<Own, Shared>({
  sharedDemo: [
    async ({}, use) => {
      const demo = await startDemo()
      await use(demo)
      await demo.stop()
    },
    { scope: 'worker' },
  ],
  demo: async ({ sharedDemo }, use) => use(sharedDemo),
  ownDemo: async ({ page }, use) => {
    const demo = await startDemo()
    await use(demo)
    await page.close() // before it misses the program
    await demo.stop()
  },
  watch: [
    async ({ page }, use) => {
      const watch = new Watch(page)
      await use(watch)
      expect(watch.wrong, 'what the page did that it must not do').toEqual([])
    },
    { auto: true },
  ],
})

export { expect, type Locator, type Page }

/** Opens an address and waits until what it shows is there. */
export async function open(page: Page, demo: Demo, path: string): Promise<void> {
  await page.goto(demo.url + path)
  await settled(page)
}

/** Waits until nothing stands in for what is still to come. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('main')).toBeVisible()
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
}

/** What keeps somebody from using the page, by axe; empty when nothing does. */
export async function barriers(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).setLegacyMode().analyze() // there are no frames, for which it would open another page
  return found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .flatMap((v) => v.nodes.map((n) => `${v.id}: ${v.help}: ${n.target.join(' ')}: ${n.failureSummary ?? ''}`))
}

/** How far the page is wider than the window. */
export const tooWide = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** The views, and an address of each. */
export const views: readonly { name: string; path: string; heading: string }[] = [
  { name: 'Live', path: '/live', heading: 'Live' },
  { name: 'a camera', path: '/live/gate', heading: 'gate' },
  { name: 'Rules', path: '/rules', heading: 'Rules' },
  { name: 'a rule', path: '/rules/gate%20for%20residents', heading: 'gate for residents' },
  { name: 'a rule file', path: '/rules/file/demo.yaml', heading: 'demo.yaml' },
  { name: 'Zones', path: '/zones', heading: 'Zones' },
  { name: 'a zone', path: '/zones/gate/zone/driveway', heading: 'Zones' },
  { name: 'Journal', path: '/journal', heading: 'Journal' },
  { name: 'Plates', path: '/plates', heading: 'Plates' },
  { name: 'Relays', path: '/relays', heading: 'Relays' },
  { name: 'a relay', path: '/relays/gate', heading: 'Relays' },
  { name: 'System', path: '/system', heading: 'System' },
  { name: 'first steps', path: '/first-run', heading: 'First' },
  { name: 'what is wrong', path: '/live?sheet=health', heading: 'What is wrong' },
  { name: 'flags', path: '/relays?sheet=flags', heading: 'Flags' },
  { name: 'you', path: '/system?sheet=you', heading: 'You and this page' },
]
