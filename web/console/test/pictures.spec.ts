// The pictures of the README: SALLYPORT_SCREENSHOTS=1 npx playwright test --project=pictures
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, open, test, type Page } from './demo'

const folder = fileURLToPath(new URL('../../../docs/images', import.meta.url))

async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
}

test.describe.configure({ mode: 'serial' })
test.setTimeout(120_000)

test.describe('on a desk', () => {
  test.use({ viewport: { width: 1440, height: 900 } })

  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(colorScheme, () => {
      test.use({ colorScheme })
      test('live', async ({ page, demo }) => {
        await open(page, demo, '/live')
        // Somebody is on the porch, the light is on, and there are firings to show.
        await expect(page.getByRole('complementary', { name: 'Now' }).getByRole('link', { name: /gate for residents/ }).first()).toBeVisible({ timeout: 60_000 })
        await expect(page.getByRole('list', { name: 'In the picture of porch' }).getByRole('listitem').first()).toBeAttached({ timeout: 60_000 })
        await expect(page.getByRole('complementary', { name: 'Now' })).toContainText(/porch.*on.*somebody waits/, { timeout: 60_000 })
        await expect(page.getByText(/picture (now|.* ago)$/)).toHaveCount(2)
        await shoot(page, `live-${colorScheme}`)
      })
    })
  }

  test('why', async ({ page, demo }) => {
    await open(page, demo, '/rules/gate%20for%20residents')
    await expect(page.getByRole('list', { name: /^when: / })).toBeVisible({ timeout: 60_000 })
    await shoot(page, 'why')
  })

  test('zones', async ({ page, demo }) => {
    await open(page, demo, '/zones/gate/zone/driveway')
    await expect(page.getByRole('list', { name: 'Zones and lines of gate' })).toContainText('driveway')
    await shoot(page, 'zones')
  })

  test('journal', async ({ page, demo }) => {
    await open(page, demo, '/journal')
    await shoot(page, 'journal')
  })
})

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, colorScheme: 'dark' })

  test('relays', async ({ page, demo }) => {
    await open(page, demo, '/relays')
    await shoot(page, 'phone-relays')
  })
})
