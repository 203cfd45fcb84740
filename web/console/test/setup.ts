// Builds the program once for all tests, unless SALLYPORT names one.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export default function setup(): (() => void) | undefined {
  if (process.env['SALLYPORT']) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'))
  const program = join(folder, 'sallyport')
  execFileSync('go', ['build', '-o', program, './cmd/sallyport'], { cwd: fileURLToPath(new URL('../../..', import.meta.url)), stdio: 'inherit' })
  process.env['SALLYPORT'] = program
  return () => rmSync(folder, { recursive: true, force: true })
}
