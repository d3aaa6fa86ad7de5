import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { plainEnvironment } from '../helpers/plain-environment.ts'

const root = join(import.meta.dirname, '../..')

type Tap = Pick<typeof t, 'testdir'>

/** Runs `npm test -- FILE` of a small project that has the given tests, and gives its exit code and its lines. */
function run (t: Tap, tests: Record<string, string>, ...files: string[]) {
  const folder = t.testdir({ 'package.json': '{ "type": "module" }', scripts: {}, test: tests })
  for (const file of ['scripts/test.mjs', '.taprc']) copyFileSync(join(root, file), join(folder, file))
  mkdirSync(join(folder, 'test/helpers'))
  for (const link of ['node_modules', 'test/helpers/typescript']) symlinkSync(join(root, link), join(folder, link))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test.mjs', ...files], { cwd: folder, env: plainEnvironment(), encoding: 'utf8' })
  const lines = stdout.trimEnd().split('\n')
  return { code: status, last: lines.at(-1), output: stdout + stderr }
}

const good = { 'good.test.ts': "import t from 'tap'\nt.test('a', async (t) => { const one: number = 1; t.equal(one, 1); t.equal(2, 2) })\n" }

t.test('the last line counts what passed and what failed', async (t) => {
  t.match(run(t, good, 'test/good.test.ts'), { code: 0, last: '2 passed, 0 failed', output: /^ok {3}test\/good/m })
})

t.test('a file that fails, crashes, has no test or passes one over is a failure and shows why', async (t) => {
  const passOver = ['sk', 'ip'].join('')
  const tests = {
    ...good,
    'bad.test.ts': "import t from 'tap'\nt.test('b', async (t) => { t.equal('found', 'wanted'); t.equal(2, 2) })\n",
    'crash.test.ts': "import t from 'tap'\nt.test('c', async (t) => { t.equal(1, 1) })\nthrow new Error('out of luck')\n",
    'empty.test.ts': "import 'tap'\n",
    'passed-over.test.ts': `import t from 'tap'\nt.test('d', { ${passOver}: true }, async (t) => { t.equal(1, 1) })\n`
  }
  const { code, last, output } = run(t, tests, ...Object.keys(tests).map((file) => `test/${file}`))
  t.strictSame({ code, last }, { code: 1, last: '4 passed, 4 failed' })
  for (const shown of [/^ok {3}test\/good/m, /^FAIL test\/bad[^]*-wanted[^]*\+found/m, /^FAIL test\/crash[^]*out of luck/m, /^FAIL test\/empty/m, /^FAIL test\/passed-over/m]) t.match(output, shown)
})

t.test('where no test ran there are no counts, and that is a failure', async (t) => {
  const { code, output } = run(t, {}, 'test/nowhere.test.ts')
  t.equal(code, 1)
  t.match(output, 'nothing can be said about the tests')
  t.notMatch(output, / passed, /)
})
