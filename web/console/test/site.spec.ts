// A site of one's own, from its first minute.
import { expect, open, startSite, test } from './demo'

test('a site without a camera begins with the first steps', async ({ page }) => {
  const site = await startSite('site: Elm Street 4\nrelays: {gate: {memory: true, max_on: 5s, confirm: true}}\n')
  try {
    await page.goto(site.url)
    await expect(page).toHaveURL(`${site.url}/first-run`)
    await expect(page.locator('main')).toContainText(/password/i)
    for (const path of ['/live', '/rules', '/zones', '/journal', '/plates', '/system']) {
      await open(page, site, path)
      // It says what to do next, and no list is simply empty.
      await expect(page.locator('main')).not.toHaveText('')
    }
    await open(page, site, '/relays')
    await expect(page.getByRole('article').filter({ hasText: 'gate' })).toContainText('Not moved since the start')
  } finally {
    await page.close()
    await site.stop()
  }
})

test('a program that ends is said, and found again', async ({ page, watch }) => {
  watch.expected.push(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/)
  const site = await startSite('cameras: {porch: {match: {mac: "58:5b:69:00:00:01"}}}\n')
  await open(page, site, '/live')
  await site.stop()
  await expect(page.getByRole('alert')).toContainText('Not connected')
})
