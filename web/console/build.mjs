// Builds the page into ../static. The same sources give the same bytes.
// All style sheets under src become one app.css: a view's sheet lies in its
// folder and needs no import.
import { build, transform } from 'esbuild'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? join(here, '..', 'static')
const target = 'es2022'

/** All files under a folder that end in ext, in name order, as paths from here. */
async function under(folder, ext) {
  const found = []
  for (const f of await readdir(join(here, folder), { withFileTypes: true })) {
    const path = join(folder, f.name)
    if (f.isDirectory()) found.push(...(await under(path, ext)))
    else if (f.name.endsWith(ext)) found.push(path)
  }
  return found.sort()
}

/** A name for a chunk that stays while its first module stays in it. */
function chunkName(inputs) {
  const first = Object.keys(inputs).sort((a, b) => Number(a.startsWith('node_modules')) - Number(b.startsWith('node_modules')) || (a < b ? -1 : 1))[0]
  const name = first.startsWith('node_modules')
    ? first.replace(/^node_modules\//, '').replace(/\/(dist|src)\/.*$/, '')
    : relative('src', first)
  return 'shared-' + name.replace(/\.[a-z]+$/, '').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')
}

const entries = { app: 'src/main.tsx', scheme: 'src/scheme.ts' }
for (const view of await readdir(join(here, 'src/views'))) entries[view] = `src/views/${view}/index.tsx`

const result = await build({
  absWorkingDir: here,
  entryPoints: entries,
  bundle: true,
  format: 'esm',
  splitting: true,
  minify: true,
  target,
  outdir: out,
  entryNames: '[name]',
  chunkNames: 'chunk-[hash]',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  charset: 'utf8',
  metafile: true,
  write: false,
  logLevel: 'warning',
})

// Chunks get names that say what they are and do not change with every letter.
const names = new Map()
for (const [path, o] of Object.entries(result.metafile.outputs)) {
  const file = basename(path)
  if (!file.startsWith('chunk-')) continue
  let name = chunkName(o.inputs)
  for (let n = 2; [...names.values()].includes(`${name}.js`); n++) name = `${chunkName(o.inputs)}-${n}`
  names.set(file, `${name}.js`)
}
const renamed = (text) => text.replace(/chunk-[A-Z0-9]{8}\.js/g, (old) => names.get(old) ?? old)

const css = await under('src', '.css')
const first = join('src', 'theme.css')
const sheets = [first, ...css.filter((p) => p !== first)]
const style = await transform((await Promise.all(sheets.map((p) => readFile(join(here, p), 'utf8')))).join('\n'), {
  loader: 'css', minify: true, target, legalComments: 'none', charset: 'utf8',
})

const assets = join(out, 'assets')
await rm(assets, { recursive: true, force: true })
await mkdir(assets, { recursive: true })
for (const f of result.outputFiles) {
  const file = basename(f.path)
  await writeFile(join(assets, names.get(file) ?? file), renamed(f.text))
}
await writeFile(join(assets, 'app.css'), style.code)
await writeFile(join(assets, 'icon.svg'), await readFile(join(here, 'src', 'icon.svg')))
await writeFile(join(out, 'index.html'), await readFile(join(here, 'src', 'index.html')))
console.log(`${result.outputFiles.length} scripts, ${sheets.length} style sheets -> ${relative(process.cwd(), assets).split(sep).join('/')}`)
