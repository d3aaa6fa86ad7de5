import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { dirname, join } from 'node:path'
import t from 'tap'
import { modernHeaders, modernMessage } from '../helpers/build.ts'
import { commandLine, freePort, run, serverProgram, start, untilListening, writeConfig, type Exit, type Program } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'

const clients = 8
const enough = 300
const handler = 'export default async ({ n }) => { if (n % 3 === 0) await new Promise((resolve) => { setTimeout(resolve, 1) }); return String(n) }\n'
/** What nobody catches, of no handler. */
const crash = `--import=data:text/javascript,${encodeURIComponent("process.on('SIGHUP', () => { throw new Error('Nobody catches this.') })")}`

type Line = Record<string, unknown>
const read = (lines: readonly string[]): Line[] => lines.map((line) => JSON.parse(line) as Line)
const accessesIn = (lines: readonly string[]): Line[] => read(lines).filter(({ msg }) => msg === 'access')

function program (t: Parameters<typeof writeConfig>[0], more: object = {}): string {
  const file = writeConfig(t, { tools: [{ name: 'work', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'work.mjs' } }], ...more })
  writeFileSync(join(dirname(file), 'work.mjs'), handler)
  return file
}

/** Calls over kept connections until the server is gone. Resolves with the traces of those that were answered, whole. */
async function load (port: number, then: () => void): Promise<Set<string>> {
  const answered = new Set<string>()
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (let n = 0; ; n++) {
        const trace = randomBytes(16).toString('hex')
        await call(port, agent, client % 2 === 0, n, trace)
        answered.add(trace)
        if (answered.size === enough) then()
      }
    } catch (error) {
      if (!/ECONNRESET|ECONNREFUSED|EPIPE|socket hang up|aborted/.test(String(error))) throw error
    } finally {
      agent.destroy()
    }
  }))
  return answered
}

async function call (port: number, agent: Agent, isMcp: boolean, n: number, trace: string): Promise<void> {
  const params = { name: 'work', arguments: { n } }
  const [path, body, headers] = isMcp ? ['/mcp', modernMessage('tools/call', params), modernHeaders('tools/call', params)] : ['/tools/work', { n }, {}]
  await new Promise<void>((resolve, reject) => {
    const sent = request({
      port, host: '127.0.0.1', method: 'POST', path, agent, headers: { 'content-type': 'application/json', traceparent: `00-${trace}-b7ad6b7169203331-01`, ...headers }
    }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => { text += part }).once('error', reject).once('end', () => {
        if (answer.statusCode === 200 && text.includes(`"${n}"`)) resolve()
        else reject(new Error(`That is not the answer: ${answer.statusCode} ${text}`))
      })
    })
    sent.once('error', reject).end(JSON.stringify(body))
  })
}

const ends: { name: string, signal: NodeJS.Signals, exit: Exit }[] = [
  { name: 'told to stop', signal: 'SIGTERM', exit: { code: 0, signal: null } },
  { name: 'by an error that nobody catches', signal: 'SIGHUP', exit: { code: 1, signal: null } }
]
t.test('ended under load by an error that nobody catches: every request that was answered has its line, in a pipe', async (t) => {
  const server = await start(t, { file: program(t), start: [crash, serverProgram] })
  const answered = await load(server.port, () => { server.signal('SIGHUP') })
  t.match(await server.exited, { code: 1 })
  compare(t, answered, server.stdout)
})

for (const { name, signal, exit } of ends) {
  t.test(`ended under load, ${name}: every request that was answered has its line, in files that are put aside meanwhile`, async (t) => {
    const file = program(t, { logging: { file: 'logs/server.log', errorFile: 'logs/error.log', maxFileSize: '16kb', maxFiles: 1_000 } })
    const port = await freePort()
    const server = run(t, [crash, serverProgram, file], { env: { PORT: String(port) } })
    await untilListening(port)
    const answered = await load(port, () => { server.signal(signal) })
    t.match(await server.exited, exit)
    const folder = join(dirname(file), 'logs')
    const names = readdirSync(folder)
    const files = names.filter((each) => each.startsWith('server.log')).map((each) => readFileSync(join(folder, each), 'utf8'))
    t.ok(files.length > 4)
    t.ok(files.every((text) => text.length <= 16_384 && text.endsWith('\n')))
    compare(t, answered, files.flatMap((text) => text.split('\n').slice(0, -1)))
    const errors = readFileSync(join(folder, 'error.log'), 'utf8')
    if (signal === 'SIGHUP') t.match(errors, /^\{"level":60,.*Nobody catches this.*\}\n$/)
    else t.equal(errors, '')
  })
}

function compare (t: { ok: (value: boolean) => void, strictSame: (found: unknown, wanted: unknown) => void }, answered: ReadonlySet<string>, lines: readonly string[]): void {
  const traces = accessesIn(lines).map(({ traceId }) => traceId as string)
  const logged = new Set(traces)
  t.ok(answered.size >= enough)
  t.strictSame([...answered].filter((trace) => !logged.has(trace)), [])
  t.strictSame(logged.size, traces.length)
}

t.test('ended in the moment in which an answer leaves: its request has a line, as one that was answered', async (t) => {
  const code = `import { ServerResponse } from 'node:http'
    const { end } = ServerResponse.prototype
    ServerResponse.prototype.end = function (...args) {
      process.nextTick(() => { throw new Error('Nobody catches this.') })
      return end.apply(this, args)
    }`
  const server = await start(t, { file: program(t), start: [`--import=data:text/javascript,${encodeURIComponent(code)}`, serverProgram] })
  t.equal((await fetch(`${server.origin}/tools/work`, { method: 'POST' })).status, 200)
  t.match(await server.exited, { code: 1 })
  t.match(accessesIn(server.stdout), [{ outcome: 'ok', status: 200, tool: 'work' }])
})

t.test('a signal turns to debug, and the next one back', async (t) => {
  const server = await start(t, { file: program(t), env: { LOG_LEVEL: 'warn' } })
  await fetch(`${server.origin}/tools/work`, { method: 'POST' })
  server.signal('SIGUSR2')
  await server.line(/The log has the level debug now/)
  await fetch(`${server.origin}/tools/work`, { method: 'POST' })
  await server.line(/"msg":"access"/)
  server.signal('SIGUSR2')
  await server.line(/The log has the level warn now/)
  await fetch(`${server.origin}/tools/work`, { method: 'POST' })
  t.match(await server.stop(), { code: 0 })
  t.equal(accessesIn(server.stdout).length, 1)
})

t.test('over stdio, each request has a line on standard error, before its answer', async (t) => {
  const stdio = run(t, [commandLine, 'stdio', program(t)])
  const send = (message: object): void => { stdio.write(`${JSON.stringify(message)}\n`) }
  send(modernMessage('tools/call', { name: 'work', arguments: { n: 1 } }, { id: 1 }))
  send(modernMessage('tools/call', { name: 'nothing' }, { id: 2 }))
  stdio.write('{\n')
  await until('three answers are there', () => stdio.stdout.length === 3)
  stdio.endInput()
  t.match(await stdio.exited, { code: 0 })
  const lines = accessesIn(stdio.stderr)
  t.equal(lines.length, 3)
  t.match(lines.find(({ outcome }) => outcome === 'ok'), { door: 'stdio', principal: 'local', rpcMethod: 'tools/call', tool: 'work', revision: '2026-07-28', requestId: 'stdio-1', durationMs: Number })
  t.match(lines.find(({ tool }) => tool === 'nothing'), { outcome: 'refused', code: 'MCP_TOOL_UNKNOWN' })
  t.match(lines.find(({ code }) => code === 'MCP_PARSE_ERROR'), { outcome: 'refused', door: 'stdio' })
})

t.test('on a terminal people can read it, and in production programs can', async (t) => {
  const onTerminal = async (env: Record<string, string>): Promise<string> => {
    const server: Program = run(t, ['-qefc', `${process.execPath} ${serverProgram} ${program(t)}`, '/dev/null'], { command: 'script', env: { PORT: '0', NO_COLOR: '', ...env } })
    const line = await server.line(/serves MCP at/)
    server.signal('SIGTERM')
    await server.exited
    return line
  }
  t.match((await onTerminal({})).replaceAll('\u001B', 'ESC'), /^ESC\[90m\d{4}-\d\d-\d\d [\d:.]+ZESC\[39m ESC\[32mINFO ESC\[39m \S+ serves MCP at http:/)
  t.match(await onTerminal({ NO_COLOR: '1' }), /^\d{4}-\d\d-\d\d [\d:.]+Z INFO {2}\S+ serves MCP/)
  t.match(await onTerminal({ NODE_ENV: 'production' }), /^\{"level":30,/)
})
