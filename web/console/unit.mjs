// Runs the unit tests: every src/**/*.test.ts, bundled for Node.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

async function tests(folder) {
  const found = []
  for (const f of await readdir(join(here, folder), { withFileTypes: true })) {
    const path = join(folder, f.name)
    if (f.isDirectory()) found.push(...(await tests(path)))
    else if (/\.test\.tsx?$/.test(f.name)) found.push(path)
  }
  return found.sort()
}

const out = await mkdtemp(join(tmpdir(), 'console-test-'))
try {
  const entries = await tests('src')
  await build({
    absWorkingDir: here,
    entryPoints: Object.fromEntries(entries.map((p) => [p.replace(/[^A-Za-z0-9]+/g, '-'), p])),
    bundle: true, platform: 'node', format: 'esm', target: 'node18', outdir: out, outExtension: { '.js': '.mjs' },
    jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning',
  })
  const files = (await readdir(out)).map((f) => join(out, f))
  process.exitCode = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' }).status ?? 1
} finally {
  await rm(out, { recursive: true, force: true })
}
