// Fails when the first view is too large: index.html, the style sheet, the
// scripts that it names and everything that those import at once, compressed.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const most = 250 * 1024
const out = join(dirname(fileURLToPath(import.meta.url)), '..', 'static')

const waiting = ['index.html', 'assets/app.css', 'assets/scheme.js', 'assets/app.js', 'assets/live.js']
const seen = new Set(waiting)
let sum = 0
for (const file of waiting) {
  const text = await readFile(join(out, file), 'utf8')
  const size = gzipSync(text, { level: 9 }).length
  sum += size
  console.log(`${(size / 1024).toFixed(1).padStart(7)} KB  ${file}`)
  if (!file.endsWith('.js')) continue
  for (const m of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) {
    const found = `assets/${m[1]}`
    if (!seen.has(found)) {
      seen.add(found)
      waiting.push(found)
    }
  }
}
console.log(`${(sum / 1024).toFixed(1).padStart(7)} KB  the first view; at most ${most / 1024} KB`)
if (sum > most) process.exit(1)
