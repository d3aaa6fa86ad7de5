import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { formatFaults } from '../src/config/format-faults.ts'
import { validateConfig } from '../src/validate.ts'
import { root } from './helpers/server.ts'
import { fencedBlocks } from './helpers/shell-example.ts'

const page = readFileSync(join(root, 'docs/databases.md'), 'utf8')

t.test('the configuration that the page shows is sound', async (t) => {
  const [block = ''] = fencedBlocks(page, 'json')
  const file = join(t.testdir(), 'gantry.json')
  writeFileSync(file, block)
  const { faults, notices } = await validateConfig({ file, env: { DB_SECRET: 'x' } })
  t.equal(formatFaults(faults, 'databases.md'), '')
  t.strictSame(notices, [])
})

t.test('the program on the page fits the types that it imports', async (t) => {
  const [block = ''] = fencedBlocks(page, 'ts')
  const folder = t.testdir()
  mkdirSync(join(folder, 'handlers'))
  const file = join(folder, 'handlers/restock.ts')
  writeFileSync(file, block)
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, 'tsconfig.json'), (file) => readFileSync(file, 'utf8')).config, ts.sys, root)
  const program = ts.createProgram([file], { ...options, noEmit: true, paths: { 'mcp-gantry': [join(root, 'src/index.ts')] } })
  t.strictSame(program.getSemanticDiagnostics(program.getSourceFile(file)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
})

t.test('every file that the page links to is there', async (t) => {
  for (const [, link = ''] of page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) t.ok(existsSync(join(root, 'docs', link)), link)
})
