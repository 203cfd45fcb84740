// Signing in, and what each role may.
import { barriers, expect, open, settled, test, tooWide, type Page } from './demo'

const password = 'correct horse battery'

/** Signs in on the page that asks for it. */
async function signIn(page: Page, user: string, secret: string): Promise<void> {
  await page.getByLabel('User').fill(user)
  await page.getByLabel('Password').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('a password is set, and everybody signs in from then on', async ({ page, ownDemo, browser, watch }) => {
  await open(page, ownDemo, '/live')
  await page.getByRole('link', { name: 'You and this page' }).click()
  const sheet = page.getByRole('dialog')
  await expect(sheet).toContainText('No password is set')
  await sheet.getByLabel('New password', { exact: true }).fill(password)
  await sheet.getByLabel('New password once more').fill(password)
  await sheet.getByRole('button', { name: 'Set a password' }).click()
  await expect(sheet).toContainText('Signed in as admin, editor.')

  // An editor adds somebody who may only look.
  const made = await page.request.put(`${ownDemo.url}/api/v1/users/vera`, { data: { role: 'viewer', password } })
  expect(made.status()).toBe(200)

  // Elsewhere nobody gets in without it, and what was asked for is shown after it.
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const other = await phone.newPage()
  await other.goto(`${ownDemo.url}/rules/gate%20for%20residents`)
  await expect(other.getByRole('button', { name: 'Sign in' })).toBeVisible()
  expect(await tooWide(other)).toBeLessThanOrEqual(0)
  expect(await barriers(other)).toEqual([])
  await expect(other.locator('body')).not.toContainText('residents')
  await signIn(other, 'vera', 'wrong password')
  await expect(other.getByRole('alert')).toHaveText('The name and the password do not belong together.')
  await signIn(other, 'Vera', password)
  await expect(other.getByRole('heading', { name: 'gate for residents', level: 1 })).toBeVisible()
  await settled(other)
  await expect(other.getByRole('link', { name: 'Edit' })).toHaveCount(0)

  // A viewer's page offers nothing that is refused.
  await other.goto(`${ownDemo.url}/relays`)
  await settled(other)
  await expect(other.getByRole('article').first()).toBeVisible()
  await expect(other.getByRole('button', { name: /^(Pulse|Turn) /, disabled: false })).toHaveCount(0)
  await other.goto(`${ownDemo.url}/rules`)
  await settled(other)
  await expect(other.getByRole('button', { name: 'New file' })).toHaveCount(0)
  await other.goto(`${ownDemo.url}/zones`)
  await settled(other)
  await expect(other.getByRole('button', { name: /^Save/ })).toHaveCount(0)
  const refused = await other.request.post(`${ownDemo.url}/api/v1/relays/gate`, { data: { pulse: '800ms' } })
  expect(refused.status()).toBe(403)

  // Out again.
  watch.expected.push(/status of 401/)
  await other.getByRole('link', { name: 'You: vera' }).click()
  await other.getByRole('button', { name: 'Sign out' }).click()
  await expect(other.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await phone.close()

  // The journal knows.
  await expect
    .poll(async () => {
      const journal = await page.request.get(`${ownDemo.url}/api/v1/journal?kind=login`)
      return ((await journal.json()) as { items: { text: string }[] }).items.map((e) => e.text)
    })
    .toEqual([
      'admin set the first password from 127.0.0.1',
      'admin added the user vera, viewer, with a new password from 127.0.0.1',
      'somebody was refused from 127.0.0.1: a wrong password for the user vera',
      'vera signed in from 127.0.0.1',
      'vera signed out from 127.0.0.1',
    ])
})

test('a role that is refused goes back on the page', async ({ page, ownDemo, watch }) => {
  watch.expected.push(/status of 409/)
  expect((await page.request.put(`${ownDemo.url}/api/v1/password`, { data: { new: password } })).status()).toBe(200)
  await open(page, ownDemo, '/system/people')
  const may = page.locator('main').getByLabel('May')
  await expect(may).toHaveValue('editor')
  await may.selectOption('viewer')
  await expect(page.locator('.toast')).toBeVisible()
  await expect(may).toHaveValue('editor')
})

test('whoever is removed is out at once', async ({ page, ownDemo, browser, watch }) => {
  watch.expected.push(/status of 401/)
  const admin = await browser.newContext()
  const first = await admin.request.put(`${ownDemo.url}/api/v1/password`, { data: { new: password } })
  expect(first.status()).toBe(200)
  expect((await admin.request.put(`${ownDemo.url}/api/v1/users/otto`, { data: { role: 'operator', password } })).status()).toBe(200)
  await page.goto(ownDemo.url)
  await signIn(page, 'otto', password)
  await expect(page.getByRole('heading', { name: 'Live' })).toBeAttached()
  expect((await admin.request.delete(`${ownDemo.url}/api/v1/users/otto`)).status()).toBe(204)
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await admin.close()
})
