import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EntryFaultsError } from '../../../src/app.ts'
import { build, modern, rest, textOf, type GantryApp, type JsonObject } from '../../helpers/build.ts'
import { keepingLogger } from '../../helpers/exchange.ts'

interface Files { [name: string]: string | Files }

/** An app with one tool, `work`, whose handler is a file. */
async function open (t: Tap, files: Files, handler: JsonObject, more: { cwd?: string, server?: JsonObject, logger?: unknown } = {}): Promise<GantryApp> {
  const baseDir = t.testdir(files)
  const { server = {}, cwd = baseDir, logger } = more
  return await build(t, { server, tools: [{ name: 'work', inputSchema: { type: 'object' }, handler: { type: 'file', ...handler } }] }, { baseDir, cwd, ...(logger !== undefined && { logger: logger as never }) })
}
interface Tap { testdir (files: Files): string, testdirName: string, teardown (fn: () => unknown): unknown }

const esm = 'export default (args, context) => `${context.metadata.toolName} ${args.x}`\nexport async function other ({ x }) { return [x] }\nexport const number = 5\n'
const typed = 'interface Args { x: string }\nenum Tone { Calm = "calm" }\nexport default async function work ({ x }: Args): Promise<string> { return `${x satisfies string} ${Tone.Calm}` }\n'

t.test('a function of a module is the handler, whatever kind of module it is', async (t) => {
  const rows: [path: string, text: string, exportName: string | undefined, answer: string][] = [
    ['esm.js', esm, undefined, 'work 1'],
    ['esm.mjs', esm, undefined, 'work 1'],
    ['named.mjs', esm, 'other', '["1"]'],
    ['function.cjs', 'module.exports = ({ x }) => `cjs ${x}`', undefined, 'cjs 1'],
    ['default.cjs', 'Object.defineProperty(exports, "__esModule", { value: true })\nexports.default = ({ x }) => `compiled ${x}`', undefined, 'compiled 1'],
    ['member.cjs', 'exports.other = ({ x }) => `member ${x}`', 'other', 'member 1'],
    ['literal.cjs', 'const make = () => ({ other: ({ x }) => `made ${x}` })\nmodule.exports = make()', 'other', 'made 1'],
    ['typed.ts', typed, undefined, '1 calm'],
    ['typed.mts', typed, undefined, '1 calm'],
    ['await.mjs', 'const word = await Promise.resolve("awaited")\nexport default () => word', undefined, 'awaited'],
    ['import.mjs', 'import { basename } from "node:path"\nimport { helper } from "./helper.mjs"\nexport default ({ x }) => basename(helper(x))', undefined, 'b1'],
    ['ein ordner/ä b.mjs', esm, undefined, 'work 1']
  ]
  for (const [path, text, exportName, answer] of rows) {
    const [folder, file] = path.includes('/') ? path.split('/') : [undefined, path]
    const content = { [file ?? '']: text, 'helper.mjs': 'export const helper = (x) => `/a/b${x}`' }
    const app = await open(t, folder === undefined ? content : { [folder]: content }, { path, ...(exportName !== undefined && { export: exportName }) })
    t.equal(textOf(await modern(app, 'tools/call', { name: 'work', arguments: { x: '1' } })), answer, path)
  }
})

t.test('a module that has no such function is refused with what it has', async (t) => {
  const rows: [path: string, text: string, exportName: string | undefined, words: RegExp][] = [
    ['a.mjs', esm, 'missing', /tools\.0\.handler\.export: "a\.mjs" does not export a function as "missing"\. It exports these functions: default, other\./],
    ['a.mjs', esm, 'number', /does not export a function as "number"\. It exports these functions: default, other/],
    ['b.mjs', 'export const run = () => 1', undefined, /does not export a function as "default"\. It exports these functions: run/],
    ['c.mjs', 'export const a = 1', undefined, /It exports no function at all/],
    ['d.mjs', '', undefined, /It exports no function at all/],
    ['e.mjs', 'export default { run () {} }', undefined, /does not export a function as "default"/],
    ['f.mjs', esm, 'toString', /does not export a function as "toString"/],
    ['f.mjs', esm, '__proto__', /does not export a function as "__proto__"/],
    ['g.cjs', 'module.exports = { run () {}, walk () {} }', 'fly', /It exports these functions: .*run, walk/]
  ]
  for (const [path, text, exportName, words] of rows) {
    await t.rejects(open(t, { [path]: text }, { path, ...(exportName !== undefined && { export: exportName }) }), { name: 'EntryFaultsError', message: words }, `${path} ${exportName ?? ''}`)
  }
})

t.test('a module that does not load is refused with its reason', async (t) => {
  const rows: [path: string, text: string, words: RegExp][] = [
    ['broken.mjs', 'export default (', /tools\.0\.handler\.path: "broken\.mjs" could not be loaded: /],
    ['throws.mjs', 'throw new Error("no licence")', /could not be loaded: no licence/],
    ['odd.mjs', 'throw null', /could not be loaded: null/],
    ['imports.mjs', 'import "./gone.mjs"', /could not be loaded: .*gone\.mjs/],
    ['broken.ts', 'export default (x: ) => 1', /could not be loaded: /]
  ]
  for (const [path, text, words] of rows) await t.rejects(open(t, { [path]: text }, { path }), { message: words }, path)
})

t.test('what is no module is refused before anything is read', async (t) => {
  for (const path of ['data.json', 'handler', 'handler.tsx', 'handler.py', 'handler.js.txt', '.js', 'dir.js']) {
    await t.rejects(open(t, { 'data.json': '{}', handler: '', 'handler.tsx': '', 'handler.py': '', 'handler.js.txt': '', 'dir.js': {} }, { path }), { message: /tools\.0\.handler\.path: / }, path)
  }
  await t.rejects(open(t, {}, { path: 'gone.mjs' }), { message: /There is no file "gone\.mjs"/ })
})

t.test('a module outside of the roots is refused: by "..", by absolute path, by link', async (t) => {
  const top = t.testdir({ config: { 'in.mjs': esm, links: {} }, 'out.mjs': 'globalThis.escaped = true\nexport default () => 1' })
  symlinkSync(join(top, 'out.mjs'), join(top, 'config/links/file.mjs'))
  symlinkSync(top, join(top, 'config/links/up'))
  const baseDir = join(top, 'config')
  const openAt = (path: string, cwd: string, server = {}): Promise<GantryApp> => build(t, { server, tools: [{ name: 'work', handler: { type: 'file', path } }] }, { baseDir, cwd })
  for (const path of ['../out.mjs', 'links/../../out.mjs', join(top, 'out.mjs'), 'links/file.mjs', 'links/up/out.mjs']) {
    for (const cwd of [baseDir, top, '/']) await t.rejects(openAt(path, cwd), { message: /outside of the allowed directories: move it, or add its directory to server\.handlerRoots/ }, `${path} from ${cwd === '/' ? cwd : cwd.slice(top.length)}`)
  }
  t.notOk('escaped' in globalThis, 'and none of them was run')
  t.equal((await rest(await openAt(join(baseDir, 'in.mjs'), top), 'work')).status, 200)
  t.equal((await rest(await openAt('../out.mjs', top, { handlerRoots: ['..'] }), 'work')).status, 200)
})

t.test('a module that only the working directory has serves, and the log says so once', async (t) => {
  const cwd = t.testdir({ config: {}, handlers: { 'work.mjs': esm } })
  const logger = keepingLogger()
  const handler = { type: 'file', path: 'handlers/work.mjs' }
  const app = await build(t, { tools: [{ name: 'work', handler }, { name: 'again', handler: { ...handler, export: 'other' } }] }, { baseDir: join(cwd, 'config'), cwd, logger: Object.assign(logger, { fatal: logger.error, silent: logger.error, child: () => logger, level: 'info' }) as never })
  t.equal((await rest(app, 'work', {})).status, 200)
  t.equal(logger.lines.filter(({ level, facts }) => level === 'warn' && String(facts).includes('handlers/work.mjs')).length, 1)
})

t.test('the shorter of the times of tool and handler counts', async (t) => {
  const files = { 'hang.mjs': 'export default () => new Promise(() => {})' }
  for (const [tool, handler, ms] of [[20, undefined, 20], [undefined, 20, 20], [20, 5_000, 20], [5_000, 20, 20]] as const) {
    const baseDir = t.testdir(files)
    const app = await build(t, { tools: [{ name: 'work', ...(tool !== undefined && { timeout: tool }), handler: { type: 'file', path: 'hang.mjs', ...(handler !== undefined && { timeout: handler }) } }] }, { baseDir })
    t.match(await rest(app, 'work'), { status: 504, body: { detail: `work did not finish within ${ms} ms.` } })
  }
})

t.test('every fault is told at once, each with its place', async (t) => {
  const tools = [
    { name: 'a', handler: { type: 'file', path: 'gone.mjs' } }, { name: 'b', handler: { type: 'registry', name: 'nobody' } },
    { name: 'c', inputSchema: { type: 'object', properties: { x: { type: 'strin' } } }, handler: { type: 'registry', name: 'gantry.echo' } },
    { name: 'd', outputSchema: { $ref: 'https://example.com/x' }, handler: { type: 'registry', name: 'gantry.echo' } }
  ]
  const fault: unknown = await build(t, { tools, resources: [{ uri: 'a:b', name: 'r', file: 'gone.txt' }], prompts: [{ name: 'p', handler: { type: 'file', path: 'gone.mjs' } }] }).catch((error: unknown) => error)
  if (!(fault instanceof EntryFaultsError)) throw new Error('The start was expected to fail.')
  t.strictSame(fault.faults.map(({ path }) => path.join('.')).sort(), ['prompts.0.handler.path', 'resources.0.file', 'tools.0.handler.path', 'tools.1.handler.name', 'tools.2.inputSchema', 'tools.3.outputSchema'])
  t.match(fault.message, /No handler is registered as "nobody"/)
  t.match(fault.message, /never fetched/)
})
