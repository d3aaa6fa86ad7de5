import { join } from 'node:path'
import t from 'tap'
import { commandLine, root, run, start, writeConfig, type Program } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'
import { begun, ending, left, returned, thrown } from './fixtures/handlers/wild.mjs'

/** What a handler may do wrong, and what is left of it: one failed call, one line of the log, and a server that goes on. */

const handlers = join(root, 'test/e2e/fixtures/handlers')
const config = {
  server: { handlerRoots: [handlers] },
  tools: [
    { name: 'wild', inputSchema: { type: 'object' }, timeout: 60_000, handler: { type: 'file', path: join(handlers, 'wild.mjs') } },
    { name: 'never', inputSchema: { type: 'object' }, timeout: 50, handler: { type: 'file', path: join(handlers, 'wild.mjs'), export: 'never' } },
    ...['block', 'exit', 'print', 'typed'].map((name) => ({
      name, inputSchema: { type: 'object' }, timeout: 3_000, handler: { type: 'file', path: join(handlers, name === 'typed' ? 'typed-thread.ts' : 'blocking.mjs'), export: name, isolation: 'worker', memoryLimit: '64mb' }
    }))
  ]
}

interface Outcome { readonly failed: boolean, readonly text: string }
/** A server that runs, and how to call its one tool. */
interface Wild { readonly program: Program, call (args: object, tool?: string): Promise<Outcome>, logged (): { level: number, msg: string }[] }
interface Teardown { teardown (fn: () => unknown): unknown }

async function overHttp (t: Teardown): Promise<Wild> {
  const server = await start(t, { config })
  return {
    program: server,
    logged: () => faultsIn(server.stdout),
    async call (args, tool = 'wild') {
      const response = await fetch(`${server.origin}/tools/${tool}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) })
      return { failed: !response.ok, text: await response.text() }
    }
  }
}

async function overStdio (t: Teardown): Promise<Wild> {
  const program = run(t, [commandLine, 'stdio', writeConfig(t, config)])
  const waiting = new Map<number, (outcome: Outcome) => void>()
  let lastId = 0
  program.onLine((line) => {
    const { id, result } = JSON.parse(line) as { id: number, result: { isError?: boolean, content: { text: string }[] } }
    waiting.get(id)?.({ failed: result.isError === true, text: result.content.map(({ text }) => text).join() })
  })
  return {
    program,
    logged: () => faultsIn(program.stderr),
    async call (args, tool = 'wild') {
      const id = ++lastId
      const answer = new Promise<Outcome>((resolve) => { waiting.set(id, resolve) })
      const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' }, 'io.modelcontextprotocol/clientCapabilities': {} }
      program.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool, arguments: args, _meta } })}\n`)
      return await Promise.race([answer, program.exited.then(({ code, signal }) => { throw new Error(`The server ended (${signal ?? code}).`) })])
    }
  }
}

/** The log from the level of a warning on. */
function faultsIn (lines: readonly string[]): { level: number, msg: string }[] {
  return lines.filter((line) => line.startsWith('{"level":')).map((line) => JSON.parse(line) as { level: number, msg: string }).filter(({ level }) => level >= 40)
}

const groups = { thrown, returned, begun, ending }
const doors = [['HTTP', overHttp], ['stdio', overStdio]] as const

for (const [door, open] of doors) {
  t.test(`over ${door}, whatever a handler does wrong is one failed call and one line of the log, and the server goes on`, async (t) => {
    const { program, call, logged } = await open(t)
    // The first is known by its stack; from then on, calls are traced.
    t.match(await call({ group: 'left', name: 'timer' }), { failed: false })
    await until('the first failure is in the log', () => logged().length === 1)
    async function check (group: string, name: string, expected: Outcome['failed']): Promise<void> {
      const before = logged().length
      const { failed, text } = await call({ group, name })
      const title = `${group}: ${name}`
      t.equal(failed, expected, `${title} ${expected ? 'fails' : 'has answered'}: ${text.slice(0, 200)}`)
      t.ok(text.length < 100_000, `${title}: the answer has a length that somebody reads`)
      await until(`${title} is in the log`, () => logged().length > before)
      t.match(await call({}), { failed: false, text: /fine/ }, `${title}: the server goes on`)
      t.equal(logged().length, before + 1, `${title} is logged once`)
    }
    for (const [group, members] of Object.entries(groups)) for (const name of Object.keys(members)) await check(group, name, true)
    for (const name of Object.keys(left)) await check('left', name, false)
    const before = logged().length
    t.match(await call({}, 'never'), { failed: true, text: /did not finish within 50 ms/ })
    t.match(logged().slice(before), [{ msg: 'The tool never did not finish within 50 ms.' }], 'a call that never ends is logged once')
    t.match(await Promise.all([call({}, 'block'), call({}, 'print'), call({}, 'typed'), call({})]), [
      { failed: true, text: /did not finish within 3000 ms/ }, { failed: false, text: /printed/ }, { failed: false, text: /in a thread/ }, { failed: false, text: /fine/ }
    ], 'one that blocks in a thread of its own holds up no other')
    t.match(await call({}, 'exit'), { failed: true, text: /ended its thread/ })
    t.match(logged().slice(before + 1), [{ msg: 'The tool block did not finish within 3000 ms.' }, { msg: 'The tool exit failed.' }])
    t.ok([...program.stdout, ...program.stderr].every((line) => line.length < 200_000), 'no line of the log is longer than somebody reads')
    program.signal('SIGTERM')
    t.strictSame(await program.exited, { code: 0, signal: null }, 'the server itself ends as it is told to')
  })
}

t.test('before any has failed, too, what a handler leaves running ends no server, and its call fails in time', { jobs: 3 }, async (t) => {
  for (const name of ['immediate', 'socket', 'rejectionOfNothing', 'exit']) {
    t.test(name, { buffered: true }, async (t) => {
      const server = await start(t, { config: { ...config, tools: config.tools.slice(0, 1).map((tool) => ({ ...tool, timeout: 500 })) } })
      const call = async (args: object): Promise<number> => (await fetch(`${server.origin}/tools/wild`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) })).status
      t.ok(await call({ group: 'begun', name }) >= 500)
      t.match(faultsIn(server.stdout)[0], { level: 50, msg: /left something running that failed/ })
      t.equal(await call({}), 200)
    })
  }
})

t.test('what a module leaves running when it is loaded fails without the server', async (t) => {
  const folder = t.testdir({ 'late.mjs': "setImmediate(() => { throw new Error('After loading.') })\nprocess.on('SIGUSR2', () => { throw new Error('At a signal.') })\nexport default () => 'fine'\n" })
  const server = await start(t, { config: { server: { handlerRoots: [folder] }, tools: [{ name: 'late', inputSchema: { type: 'object' }, handler: { type: 'file', path: join(folder, 'late.mjs') } }] } })
  t.match(JSON.parse(await server.line(/After loading/)), { file: join(folder, 'late.mjs'), level: 50 })
  server.signal('SIGUSR2')
  t.match(JSON.parse(await server.line(/At a signal/)), { file: join(folder, 'late.mjs'), level: 50 })
  t.equal((await fetch(`${server.origin}/tools/late`, { method: 'POST' })).status, 200)
  t.strictSame(await server.stop(), { code: 0, signal: null })
})

t.test('a module that ends the process while it is loaded is a fault of the configuration', async (t) => {
  const folder = t.testdir({ 'ends.mjs': 'process.exit(0)\nexport default () => 1\n' })
  const file = writeConfig(t, { server: { handlerRoots: [folder] }, tools: [{ name: 'ends', inputSchema: { type: 'object' }, handler: { type: 'file', path: join(folder, 'ends.mjs') } }] })
  const program = run(t, [commandLine, 'start', file], { env: { PORT: '0' } })
  t.strictSame(await program.exited, { code: 78, signal: null })
  t.match(program.stderr.join('\n'), /\$\.tools\[0\]\.handler\.path[^]*could not be loaded: process\.exit\(\) was called by a handler/)
})

t.test('what comes from no handler ends the server as it always did', async (t) => {
  const preload = (code: string): Record<string, string> => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => { ${code} })`)}` })
  const rows: [code: string, exitCode: number, line: RegExp | undefined][] = [
    ["throw new Error('Nobody knows.')", 1, /The server ends: Error: Nobody knows\./],
    ["Promise.reject(new Error('Nobody knows.'))", 1, /The server ends: Error: Nobody knows\./],
    ['process.exit(7)', 7, undefined]
  ]
  for (const [code, exitCode, line] of rows) {
    const server = await start(t, { config, env: preload(code) })
    t.equal((await fetch(`${server.origin}/tools/wild`, { method: 'POST' })).status, 200)
    server.signal('SIGUSR2')
    t.strictSame(await server.exited, { code: exitCode, signal: null }, code)
    if (line !== undefined) t.match(server.stderr.join('\n'), line, code)
  }
})
