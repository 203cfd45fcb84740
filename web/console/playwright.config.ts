// The end-to-end tests: a real demonstration in a real Chromium.
import { defineConfig } from '@playwright/test'

const launchOptions = {
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
}

const sizes = [
  { name: 'phone', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  { name: 'laptop', viewport: { width: 1024, height: 768 } },
  { name: 'desk', viewport: { width: 1600, height: 1000 } },
]

export default defineConfig({
  testDir: 'test',
  outputDir: process.env['PLAYWRIGHT_OUTPUT'] ?? 'test-results',
  globalSetup: './test/setup.ts',
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: { launchOptions, locale: 'en-GB', timezoneId: 'UTC', trace: 'off' },
  projects: [
    // How it looks, in every size and scheme.
    ...sizes.flatMap(({ name, ...size }) =>
      (['light', 'dark'] as const).map((colorScheme) => ({ name: `${name} ${colorScheme}`, testMatch: /looks\.spec\.ts/, use: { ...size, colorScheme } })),
    ),
    // What it does, once.
    { name: 'does', testIgnore: /(looks|pictures)\.spec\.ts/, use: { viewport: { width: 1024, height: 768 } } },
    // The pictures of the README; only when they are asked for.
    ...(process.env['SALLYPORT_SCREENSHOTS'] ? [{ name: 'pictures', testMatch: /pictures\.spec\.ts/, use: { deviceScaleFactor: 1 } }] : []),
  ],
})
