// Ways through the page: addresses, the back key, sheets.
import { expect, open, settled, test } from './demo'

test('the back key leads where one came from', async ({ page, demo }) => {
  await open(page, demo, '/rules')
  await page.getByRole('link', { name: /gate for residents/ }).click()
  await expect(page).toHaveURL(`${demo.url}/rules/gate%20for%20residents`)
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Relays' }).click()
  await expect(page.getByRole('heading', { name: 'Relays', level: 1 })).toBeVisible()
  await page.getByRole('article').filter({ hasText: 'gate' }).getByRole('link', { name: 'gate' }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page).toHaveURL(`${demo.url}/relays`)
  await page.goBack()
  await expect(page.getByRole('heading', { name: 'gate for residents', level: 1 })).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('heading', { name: 'Rules', level: 1 })).toBeVisible()
  await page.goForward()
  await expect(page.getByRole('heading', { name: 'gate for residents', level: 1 })).toBeVisible()
})

test('a sheet has an address, and Escape closes it', async ({ page, demo }) => {
  await open(page, demo, '/relays/gate')
  const sheet = page.getByRole('dialog')
  await expect(sheet.getByRole('heading', { level: 2 })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(sheet).toHaveCount(0)
  await expect(page).toHaveURL(`${demo.url}/relays`)
})

test('a firing has an address that can be sent to somebody', async ({ page, demo }) => {
  await open(page, demo, '/live')
  const firing = page.getByRole('complementary', { name: 'Now' }).getByRole('link', { name: /porch light after hours/ }).last()
  await expect(firing).toBeVisible({ timeout: 50_000 })
  await firing.click()
  await expect(page).toHaveURL(/\/journal\/\d+$/)
  const address = page.url()
  const fresh = await page.context().newPage()
  await fresh.goto(address)
  await settled(fresh)
  const sheet = fresh.getByRole('dialog')
  await expect(sheet).toContainText('porch light after hours')
  await sheet.getByRole('button', { name: 'Close' }).click()
  await expect(fresh).toHaveURL(`${demo.url}/journal`)
})

test('what is not there says so, and leads back', async ({ page, demo, watch }) => {
  watch.expected.push(/status of 404/)
  await open(page, demo, '/rules/no%20such%20rule')
  await expect(page.locator('main')).toContainText('no such rule')
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Live' }).click()
  await expect(page.getByRole('heading', { name: 'Live' })).toBeAttached()
})
