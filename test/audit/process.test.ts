import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { commandLine, run, serverProgram, start, untilClosed, type Server } from '../helpers/server.ts'
import { modernHeaders, modernMessage } from '../helpers/build.ts'
import { check, linesIn } from './support.ts'

const rounds = 20
const clients = 8
/** How many answers a round waits for before the server is killed. */
const answersInRound = 150

const handler = `export default async ({ n }) => { if (n % 3 === 0) await new Promise((resolve) => { setImmediate(resolve) }); return String(n) }
export const wait = () => { console.error('Waiting.'); return new Promise(() => {}) }
export const exit = () => { process.exit(3) }
`
const tools = [
  { name: 'work', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'work.mjs' } },
  { name: 'wait', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'work.mjs', export: 'wait' } },
  { name: 'exit', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'work.mjs', export: 'exit' } }
]

interface Place { folder: string, file: string, audit: string }

function place (t: Test, audit: object = {}, more: object = {}): Place {
  const folder = t.testdir({ 'work.mjs': handler, 'gantry.json': JSON.stringify({ tools, security: { audit }, ...more }) })
  return { folder, file: join(folder, 'gantry.json'), audit: join(folder, 'audit.log') }
}

/** Calls over one kept connection, by plain HTTP or by MCP, until the server is gone. Tells of each answer, whole, as it comes. */
async function load (server: Server, path: '/tools/work' | '/mcp', numbers: Iterator<number>, answered: (n: number) => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    for (;;) {
      const n = numbers.next().value as number
      if (await call(server, agent, path, n) !== n) throw new Error('That is not the answer.')
      answered(n)
    }
  } catch (error) {
    if (!/ECONNRESET|ECONNREFUSED|EPIPE|socket hang up|aborted/.test(String(error))) throw error
  } finally {
    agent.destroy()
  }
}

async function call ({ port }: Server, agent: Agent, path: string, n: number): Promise<number> {
  const params = { name: 'work', arguments: { n } }
  const [body, headers] = path === '/mcp' ? [modernMessage('tools/call', params), modernHeaders('tools/call', params)] : [{ n }, {}]
  return await new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path, agent, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => { text += part }).once('error', reject).once('end', () => {
        const answer = JSON.parse(text) as { result?: { content: [{ text: string }] }, content: [{ text: string }] }
        resolve(Number((answer.result ?? answer).content[0].text))
      })
    })
    sent.once('error', reject).end(JSON.stringify(body))
  })
}

function * count (): Generator<number, number> {
  for (let n = 1; ; n++) yield n
}

t.test(`killed without warning under load, ${rounds} times: every call that was answered has its line, and the chain is whole`, async (t) => {
  const { file, audit } = place(t, { includeArguments: true, maxFileSize: '64kb', maxFiles: 1_000 })
  const numbers = count()
  const answered: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const server = await start(t, { file })
    const enough = answered.length + answersInRound
    await Promise.all(Array.from({ length: clients }, async (_, client) => {
      await load(server, client % 2 === 0 ? '/mcp' : '/tools/work', numbers, (n) => {
        answered.push(n)
        if (answered.length === enough) server.signal('SIGKILL')
      })
    }))
    t.match(await server.exited, { signal: 'SIGKILL' })
  }
  const verdict = check(audit)
  t.equal(verdict.fault, undefined)
  t.ok(verdict.files.length > 3, 'some were put aside')
  const recorded = verdict.files.flatMap((each) => linesIn(each).filter(({ event }) => event === 'tool.call').map((line) => (line['arguments'] as { n: number }).n))
  const lines = new Set(recorded)
  t.ok(answered.length >= rounds * answersInRound)
  t.strictSame(answered.filter((n) => !lines.has(n)), [], 'answered, and not recorded')
  t.equal(recorded.length, lines.size, 'none has two')
})

t.test('told to stop, a server records the calls that it cuts off, and its end', async (t) => {
  for (const [what, stop] of [
    ['after its drain timeout', (server: Server) => { server.signal('SIGTERM') }],
    ['at a second signal', async (server: Server) => { server.signal('SIGTERM'); await untilClosed(server.port); server.signal('SIGTERM') }]
  ] as const) {
    const { file, audit } = place(t, {}, { server: { drainTimeout: what.includes('drain') ? 30 : 600_000 } })
    const server = await start(t, { file })
    const cut = t.rejects(fetch(`${server.origin}/tools/wait`, { method: 'POST' }))
    await server.line(/Waiting/)
    await stop(server)
    await server.exited
    await cut
    t.match(linesIn(audit).slice(1), [{ event: 'tool.call', name: 'wait', outcome: 'cut_off', door: 'rest' }, { event: 'server.stop' }], what)
    t.match(check(audit), { fault: undefined })
  }
})

t.test('a handler that would end the process has its line, and whatever does end it takes no line with it', async (t) => {
  const { file, audit, folder } = place(t)
  const ending = 'process.once("SIGUSR2", () => { process.exit(3) })'
  const server = await start(t, { file, start: [`--import=data:text/javascript,${encodeURIComponent(ending)}`, serverProgram] })
  t.equal((await fetch(`${server.origin}/tools/exit`, { method: 'POST' })).status, 500)
  server.signal('SIGUSR2')
  t.match(await server.exited, { code: 3 })
  t.match(linesIn(audit).slice(-2), [{ event: 'tool.call', name: 'exit', outcome: 'error' }, { event: 'server.stop' }])
  t.strictSame(readdirSync(folder).filter((name) => name.startsWith('.')), [], 'the lock is gone')
})

t.test('over stdio, the line is there before the answer, and the end of the input is the end of the session', async (t) => {
  const { file, audit } = place(t)
  const program = run(t, [commandLine, 'stdio', file])
  const seen: number[] = []
  program.onLine(() => { seen.push(linesIn(audit).length) })
  program.write('{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}\n')
  await program.line(/"id":0/)
  program.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","arguments":{"n":1}}}\n')
  await program.line(/"id":1/)
  program.endInput()
  t.match(await program.exited, { code: 0 })
  t.match(linesIn(audit), [{ event: 'server.start' }, { event: 'session.open', door: 'stdio', principal: 'local' }, { event: 'tool.call', door: 'stdio', name: 'work' }, { event: 'session.end' }, { event: 'server.stop' }])
  t.strictSame(seen, [2, 3])
})

t.test('an audit log that cannot be written is told in one sentence, with exit code 78, and no port is opened', async (t) => {
  const { folder } = place(t)
  const cases: [audit: object, env: Record<string, string>, message: RegExp][] = [
    [{ logFile: 'work.mjs/audit.log' }, {}, /^The audit log .*work\.mjs\/audit\.log cannot be written: a part of its path is a file\./],
    [{ logFile: 'work.mjs' }, {}, /work\.mjs is no audit file/],
    [{ logFile: 'folder' }, {}, /folder is no regular file/],
    [{}, { AUDIT_KEY: 'short' }, /^AUDIT_KEY is too short/],
    [{}, { AUDIT_LOG_FILE: '/proc/audit.log' }, /^The audit log \/proc\/audit\.log cannot be written/]
  ]
  mkdirSync(join(folder, 'folder'))
  for (const [audit, env, message] of cases) {
    writeFileSync(join(folder, 'gantry.json'), JSON.stringify({ tools, security: { audit } }))
    const program = run(t, [serverProgram, join(folder, 'gantry.json')], { env: { PORT: '0', ...env } })
    t.match(await program.exited, { code: 78 })
    t.match(program.stderr.join('\n'), message)
    t.equal(program.stderr.length, 1)
    t.notMatch(program.stdout.join('\n'), 'serves MCP')
  }
})

t.test('a second server on the same file is told whose it is, with exit code 1', async (t) => {
  const { file, audit } = place(t)
  const first = await start(t, { file })
  const second = run(t, [serverProgram, file], { env: { PORT: '0' } })
  t.match(await second.exited, { code: 1 })
  t.match(second.stderr.join('\n'), new RegExp(`is written by process ${first.pid} on .*every process needs a file of its own`))
  await first.stop()
  t.match(linesIn(audit).map(({ event }) => event), ['server.start', 'server.stop'])
})

t.test('AUDIT_LOG_FILE turns the audit log on, names it, and wins', async (t) => {
  for (const [security, logFile, isThere] of [[{}, 'by-variable.log', true], [{ audit: { logFile: 'by-file.log' } }, 'by-variable.log', true], [{ audit: { enabled: false } }, 'by-variable.log', false]] as const) {
    const folder = t.testdir({ 'gantry.json': JSON.stringify({ security }) })
    const server = await start(t, { file: join(folder, 'gantry.json'), env: { AUDIT_LOG_FILE: logFile } })
    await server.stop()
    t.strictSame(readdirSync(folder).sort(), isThere ? ['by-variable.log', 'gantry.json'] : ['gantry.json'])
  }
})

t.test('with AUDIT_KEY, who does not know it cannot check the lines, and who does can', async (t) => {
  const { file, audit } = place(t)
  const key = 'a key of sixteen characters'
  const server = await start(t, { file, env: { AUDIT_KEY: key } })
  await fetch(`${server.origin}/tools/work`, { method: 'POST' })
  await server.stop()
  t.match(check(audit, { key }), { lines: 3, fault: undefined })
  t.notMatch(readFileSync(audit, 'utf8'), key)
  const verified = run(t, [commandLine, 'audit', 'verify', audit], { env: { AUDIT_KEY: key } })
  t.match(await verified.exited, { code: 0 })
})
