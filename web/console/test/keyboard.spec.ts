// Everything is reached with the Tab key, and one sees where one is.
import { expect, open, test, views, type Page } from './demo'

/** Marks what Tab should reach, and says how much that is. */
const mark = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const seen = new Set<string>()
    let n = 0
    for (const e of document.querySelectorAll<HTMLElement | SVGElement>('a[href], button, input, select, textarea, summary, [tabindex]')) {
      if (e.tabIndex < 0 || e.matches(':disabled') || e.closest('[inert], [hidden]')) continue
      const closed = e.closest('details:not([open])')
      if (closed && !(e.localName === 'summary' && e.parentElement === closed)) continue
      if (!e.checkVisibility({ visibilityProperty: true })) continue
      if (e instanceof HTMLInputElement && e.type === 'radio') {
        // The arrows go on within a group; Tab reaches the one that is chosen.
        const group = `${e.form?.id ?? ''} ${e.name}`
        const chosen = [...document.querySelectorAll<HTMLInputElement>('input[type=radio]')].find((r) => r.name === e.name && r.checked)
        if ((chosen && chosen !== e) || (!chosen && seen.has(group))) continue
        seen.add(group)
      }
      ;(e as { toReach?: boolean }).toReach = true
      n++
    }
    return n
  })

/** What was not reached, and what was without showing it. */
const unreached = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter((e) => (e as { toReach?: boolean }).toReach && !(e as { reached?: boolean }).reached && e.checkVisibility({ visibilityProperty: true }))
      .map((e) => e.outerHTML.slice(0, 200)),
  )

/** Notes where the focus is; what is wrong with how it shows. */
const note = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => {
    const e = document.activeElement
    if (!e || e === document.body) return undefined
    ;(e as { reached?: boolean }).reached = true
    const shows = (x: Element): boolean => {
      const s = getComputedStyle(x)
      return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none'
    }
    // The frame may be drawn by a child, as a circle of a drawing, or around a label.
    const around = [e, ...e.children, e.parentElement, e.closest('label'), e.nextElementSibling].filter((x) => x !== null)
    return around.some(shows) || e.closest('.cm-editor') || e instanceof SVGElement ? undefined : e.outerHTML.slice(0, 200)
  })

for (const v of views) {
  test(v.name, async ({ page, demo }) => {
    await open(page, demo, v.path)
    const n = await mark(page)
    expect(n).toBeGreaterThan(5)
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
    const hidden = new Set<string>()
    for (let i = 0; i < 3 * n + 20; i++) {
      await page.keyboard.press('Tab')
      const wrong = await note(page)
      if (wrong) hidden.add(wrong)
      if (i >= n - 1 && (await unreached(page)).length === 0) break
      // An editor keeps Tab for itself, and lets go of it after Escape.
      if (await page.evaluate(() => document.activeElement?.closest('.cm-editor') != null)) await page.keyboard.press('Escape')
    }
    expect(await unreached(page), 'what Tab does not reach').toEqual([])
    expect([...hidden], 'what does not show that it has the focus').toEqual([])
  })
}

test('Skip to the view', async ({ page, demo }) => {
  await open(page, demo, '/rules')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the view' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.locator('#main')).toBeFocused()
})
