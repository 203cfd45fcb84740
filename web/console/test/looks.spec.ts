// Every view in every size, light and dark: it opens, fits, and keeps nobody out.
import { barriers, expect, open, test, tooWide, views } from './demo'

for (const v of views) {
  test(v.name, async ({ page, demo }) => {
    await open(page, demo, v.path)
    await expect(page.getByRole('heading', { name: new RegExp(`^${v.heading}`, 'i') }).first()).toBeAttached()
    expect(await tooWide(page), 'pixels that the page is wider than the window').toBeLessThanOrEqual(0)
    expect(await barriers(page), 'what axe finds').toEqual([])
  })
}

test('nothing there', async ({ page, demo }) => {
  await open(page, demo, '/live/no-such-camera')
  await expect(page.locator('main')).toContainText('no-such-camera')
  expect(await tooWide(page)).toBeLessThanOrEqual(0)
  expect(await barriers(page)).toEqual([])
})
