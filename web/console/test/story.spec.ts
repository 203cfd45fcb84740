// The whole story once: a zone is drawn, somebody walks through it, a rule on it fires, it says why, and the journal
// tells it. And a gate is opened by hand.
import { expect, open, settled, test, type Page } from './demo'

/** Pastes a text into the editor in place of what is there. */
async function write(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+a')
  await page.locator('.cm-content').evaluate((e, t) => {
    const data = new DataTransfer()
    data.setData('text/plain', t)
    e.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
  }, text)
}

test('draw a zone, see it work', async ({ page, ownDemo, watch }) => {
  test.setTimeout(120_000)
  // A new file is asked for all the same: somebody may have written it meanwhile.
  watch.expected.push(/status of 404 .*\/files\/step\.yaml/)
  await open(page, ownDemo, '/zones/porch')

  // Four corners on the ground in front of the door.
  await page.getByRole('button', { name: 'Zone', exact: true }).click()
  const board = page.getByRole('application', { name: /^Drawing a zone/ })
  const box = await board.boundingBox()
  if (!box) throw new Error('there is nothing to draw on')
  for (const [x, y] of [
    [0.3, 0.62],
    [0.72, 0.62],
    [0.72, 0.96],
    [0.3, 0.96],
  ] as const)
    await page.mouse.click(box.x + x * box.width, box.y + y * box.height)
  await page.getByRole('button', { name: 'Close it' }).click()
  await page.getByLabel('Name', { exact: true }).fill('step')
  await page.getByRole('button', { name: /^Save/ }).click()
  const review = page.getByRole('dialog')
  await expect(review).toContainText('step')
  await review.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(review).toHaveCount(0)
  await expect(page.getByRole('list', { name: 'Zones and lines of porch' })).toContainText('step')

  // A rule on it.
  await open(page, ownDemo, '/rules')
  await page.getByRole('button', { name: 'New file' }).click()
  await page.getByLabel('Name of the file').fill('step')
  await page.getByRole('button', { name: 'Write it' }).click()
  await write(page, 'rules:\n  - name: somebody on the step\n    on: target\n    when: target.class == "person" && dwell("step") > "500ms"\n    do: [{relay: bell, pulse: 1s}]\n')
  await expect(page.getByText('no problems')).toBeVisible()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByText('not saved')).toHaveCount(0)

  // It says why not, until somebody comes; then it fires.
  await open(page, ownDemo, '/rules/somebody%20on%20the%20step')
  await expect(page.getByRole('heading', { name: 'somebody on the step', level: 1 })).toBeVisible()
  const fired = page.getByRole('link', { name: /somebody on the step fired/ }).first()
  await expect(fired).toBeVisible({ timeout: 60_000 })
  const why = page.getByRole('list', { name: /^when: / })
  await expect(why).toContainText('dwell("step") > "500ms"')

  // The journal tells it, from the cause to the bell.
  await fired.click()
  await expect(page).toHaveURL(/\/journal\/\d+$/)
  await settled(page)
  await expect(page.getByRole('dialog')).toContainText('somebody on the step')
  await expect(page.getByRole('dialog')).toContainText('bell')
  await page.goBack()
  await expect(page.getByRole('heading', { name: 'somebody on the step', level: 1 })).toBeVisible()
})

test('open the gate by hand', async ({ page, ownDemo }) => {
  await open(page, ownDemo, '/relays')
  const gate = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'gate' }) })
  const press = gate.getByRole('button', { name: /^Pulse gate/ })

  // A touch is not enough.
  await press.click()
  await expect(gate).toContainText('Hold it until it is full')

  // Held, it opens, and says who did it.
  const box = await press.boundingBox()
  if (!box) throw new Error('there is no button')
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down()
  await expect(gate).toContainText(/by hand|on/i)
  await expect
    .poll(async () => {
      const r = await page.request.get(`${ownDemo.url}/api/v1/journal?kind=relay&relay=gate&order=newest&limit=10`)
      return ((await r.json()) as { items: { who?: string; on?: boolean }[] }).items.some((e) => e.on === true && e.who === 'console at 127.0.0.1')
    })
    .toBe(true)
  await page.mouse.up()
})

test('hold it with a key', async ({ page, ownDemo }) => {
  await open(page, ownDemo, '/relays')
  const bell = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'bell' }) })
  await bell.getByRole('button', { name: /^Pulse bell/ }).focus()
  await page.keyboard.down('Space')
  await expect
    .poll(async () => {
      const r = await page.request.get(`${ownDemo.url}/api/v1/relays/bell`)
      return ((await r.json()) as { today: number }).today
    })
    .toBeGreaterThan(0)
  await page.keyboard.up('Space')
})
