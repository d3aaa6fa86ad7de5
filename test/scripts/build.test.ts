import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { plainEnvironment } from '../helpers/plain-environment.ts'

const root = join(import.meta.dirname, '../..')

/** Few settings and a small library: each build here takes a good half second. */
const compilerOptions = { target: 'es2023', lib: ['es5'], types: [], module: 'nodenext', strict: true, allowImportingTsExtensions: true, rewriteRelativeImportExtensions: true, noEmit: true }

const files = {
  'package.json': '{ "type": "module" }',
  'tsconfig.json': JSON.stringify({ compilerOptions }),
  'schemas/tool.ts': 'export const tool: string = "hammer"\n',
  'schemas/config.schema.json': '{}',
  'src/index.ts': "export { tool } from '../schemas/tool.ts'\n",
  'src/lib/old.ts': 'export const old: number = 1\n',
  'src/lib/page.html': '<p>'
}

/** Outside this project, so that no compiler is found above it. */
const folders = mkdtempSync(join(tmpdir(), 'gantry-build-'))
t.teardown(() => rmSync(folders, { recursive: true }))

const fresh = join(folders, 'fresh')
for (const [file, text] of Object.entries(files)) {
  mkdirSync(dirname(join(fresh, file)), { recursive: true })
  writeFileSync(join(fresh, file), text)
}
mkdirSync(join(fresh, 'scripts'))
for (const file of ['scripts/build.mjs', 'tsconfig.build.json']) copyFileSync(join(root, file), join(fresh, file))
mkdirSync(join(fresh, 'node_modules'))
symlinkSync(join(root, 'node_modules/typescript'), join(fresh, 'node_modules/typescript'))

const built = join(folders, 'built')
cpSync(fresh, built, { recursive: true })
const firstBuild = build(built)

let copies = 0

/** A small project of its own for one test, with the real build script; built already, if not said otherwise. */
function project (template = built) {
  const folder = join(folders, `copy-${++copies}`)
  cpSync(template, folder, { recursive: true, verbatimSymlinks: true })
  return { path: (...parts: string[]) => join(folder, ...parts), build: () => build(folder) }
}

function build (folder: string): { code: number | null, output: string } {
  const run = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: folder, env: plainEnvironment(), encoding: 'utf8' })
  return { code: run.status, output: run.stdout + run.stderr }
}

t.test('the sources are built, and other files beside them come along', async (t) => {
  t.match(firstBuild, { code: 0, output: /^Built dist\/ from 5 files/m })
  t.match(readFileSync(join(built, 'dist/src/index.js'), 'utf8'), '../schemas/tool.js')
  for (const file of ['src/index.d.ts', 'schemas/tool.js', 'schemas/config.schema.json', 'src/lib/page.html']) t.ok(existsSync(join(built, 'dist', file)), file)
})

t.test('what is built already is not built again, whatever the clock says of the sources', async (t) => {
  const { path, build } = project()
  const before = statSync(path('dist/src/index.js')).mtimeMs
  utimesSync(path('src/index.ts'), new Date(), new Date(Date.now() + 60_000))
  t.strictSame(build(), { code: 0, output: '' })
  t.equal(statSync(path('dist/src/index.js')).mtimeMs, before)
})

t.test('a changed source, a lost result and a removed source are each made good', async (t) => {
  const { path, build } = project()
  writeFileSync(path('schemas/tool.ts'), 'export const tool: string = "saw"\n')
  rmSync(path('dist/src/index.js'))
  rmSync(path('src/lib'), { recursive: true })
  t.match(build(), { code: 0, output: /^Built/ })
  t.match(readFileSync(path('dist/schemas/tool.js'), 'utf8'), 'saw')
  t.ok(existsSync(path('dist/src/index.js')))
  t.notOk(existsSync(path('dist/src/lib')))
})

t.test('a fault in the sources stops the build, leaves the last result and is reported again the next time', async (t) => {
  const { path, build } = project()
  writeFileSync(path('schemas/tool.ts'), 'export const tool: string = 42\n')
  for (const time of ['first', 'second']) t.match(build(), { code: 1, output: /schemas\/tool\.ts.*TS2322[^]*stopped/ }, time)
  t.match(readFileSync(path('dist/schemas/tool.js'), 'utf8'), 'hammer')
})

t.test('without the compiler a whole build is enough', async (t) => {
  const { path, build } = project()
  rmSync(path('node_modules'), { recursive: true })
  t.strictSame(build(), { code: 0, output: '' })
  rmSync(path('src'), { recursive: true })
  rmSync(path('schemas'), { recursive: true })
  t.strictSame(build(), { code: 0, output: '' }, 'a package without sources')
})

t.test('without the compiler a build that is missing, incomplete or of other sources is refused with what to do', async (t) => {
  const unbuilt = project(fresh)
  rmSync(unbuilt.path('node_modules'), { recursive: true })
  t.match(unbuilt.build(), { code: 1, output: /dist\/ is missing.*compiler is not installed[^]*npm ci/ })

  const { path, build } = project()
  rmSync(path('node_modules'), { recursive: true })
  rmSync(path('dist/src/lib/old.js'))
  t.match(build(), { code: 1, output: /dist\/src\/lib\/old\.js is missing/ })
  writeFileSync(path('dist/src/lib/old.js'), '')
  writeFileSync(path('schemas/tool.ts'), '')
  t.match(build(), { code: 1, output: /built from other sources/ })
})
