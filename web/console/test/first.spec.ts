// The first steps of a site that has a camera, a drawn zone and relays.
import { expect, open, startSite, test } from './demo'

const site = `cameras: {front: {match: {mac: "58:5b:69:00:00:01"}}}
relays: {gate: {memory: true, max_on: 5s}, lamp: {memory: true, max_on: 1h}}
`
const walk = `zones:
  walk: {camera: front, polygon: [[1000, 1000], [4000, 1000], [4000, 9000]]}
`

test('a recipe asks for the relay, takes the drawn zone, and says who else would count there', async ({ page }) => {
  const own = await startSite(site, { 'zones.yaml': walk })
  try {
    await open(page, own, '/first-run')
    await page.getByRole('button', { name: /Pick what is to happen/ }).click()
    await page.getByLabel('What is to happen').selectOption('porch light')
    await expect(page.getByLabel('The zone “porch”')).toHaveValue('walk')
    // No relay is guessed.
    await expect(page.getByLabel('The relay “porch”')).toHaveValue('')
    const save = page.getByRole('button', { name: 'Save it in shadow' })
    await expect(save).toBeDisabled()
    await page.getByLabel('The relay “porch”').selectOption('lamp')
    await expect(save).toBeEnabled()
    await expect(page.getByText('car, motor would count as well')).toBeVisible()
    await page.getByRole('button', { name: 'Let only person count in walk' }).click()
    await expect(page.getByText('car, motor would count as well')).toBeHidden()
    await save.click()
    await expect(page.getByText('It has not fired yet.')).toBeVisible()
  } finally {
    await page.close()
    await own.stop()
  }
})

test('a zone that lies where the recipe has it is to be drawn still', async ({ page }) => {
  const own = await startSite(site)
  try {
    await open(page, own, '/first-run')
    await page.getByRole('button', { name: /Pick what is to happen/ }).click()
    await page.getByLabel('What is to happen').selectOption('porch light')
    await page.getByLabel('The relay “porch”').selectOption('lamp')
    await page.getByRole('button', { name: 'Save it in shadow' }).click()
    await expect(page.getByText('The zone “porch” lies where the recipe has it.')).toBeVisible()
    await expect(page.getByRole('button', { name: /Draw a zone/ })).toContainText('to be done')
    await page.getByRole('link', { name: 'Draw porch' }).click()
    await expect(page).toHaveURL(/\/zones\/front\/zone\/porch$/)
  } finally {
    await page.close()
    await own.stop()
  }
})
