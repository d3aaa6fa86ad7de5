import { connect as connectTo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { commandLine, run, start, untilClosed, writeConfig, type Exit, type Program } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'
import { eventsOf } from './doors/event-stream.ts'
import { httpDoors } from './doors/index.ts'
import { connect, headersOf } from './doors/plain-http.ts'
import { lasting } from './fixtures/everything.ts'
import { said } from './promises/promise.ts'

const done: Exit = { code: 0, signal: null }

const doors = httpDoors(true).filter(({ traits }) => traits.revision >= '2025-11-25')

t.test('told to stop, a server takes no new clients and finishes what it has begun, event streams too', async (t) => {
  const server = await start(t, { config: lasting() })
  const opened = await Promise.all(doors.map(async ({ open }) => await open(t, { server, file: server.file, env: {} })))
  const calls = opened.flatMap((door) => [
    { name: `${door.traits.name}: an answer that has not begun`, outcome: door.call('wait-for-signal') },
    { name: `${door.traits.name}: an answer that has begun as an event stream`, outcome: door.call('wait-loudly-for-signal', {}, { onProgress: () => {} }) }
  ])
  await until('all calls run', () => server.stdout.filter((line) => line.includes('Waiting.')).length === calls.length)
  server.signal('SIGTERM')
  await untilClosed(server.port)
  server.signal('SIGUSR2')
  for (const { name, outcome } of calls) t.strictSame(await outcome, said('Signalled.'), name)
  t.strictSame(await server.exited, done)
  t.notMatch(server.stdout.join('\n'), /still running/, 'nothing was cut off')
})

t.test('what still arrives on an open connection is answered, and that was it for the connection', async (t) => {
  const server = await start(t, { config: lasting() })
  const socket = connectTo(server.port)
  const answers = text(socket)
  const call = (tool: string): string => `POST /tools/${tool} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`
  socket.write(call('wait-for-signal'))
  await server.line(/Waiting/)
  server.signal('SIGTERM')
  await untilClosed(server.port)
  socket.write(call('nothing'))
  server.signal('SIGUSR2')
  const [first = '', second = ''] = (await answers).split(/(?=HTTP\/1\.1 )/)
  t.match(first, /^HTTP\/1\.1 200 [^]*Signalled\.[^]*$/)
  t.match(second, /^HTTP\/1\.1 404 [^]*connection: close[^]*MCP_TOOL_UNKNOWN/i)
  t.strictSame(await server.exited, done)
})

t.test('streams that only wait for news do not hold up the end', async (t) => {
  const server = await start(t, { config: lasting({ server: { drainTimeout: 600_000 } }) })
  const { session } = await connect(server.url, '2025-11-25')
  const response = await fetch(server.url, { headers: { accept: 'text/event-stream', ...headersOf('2025-11-25', session) } })
  const events = eventsOf(response)
  t.match(await events.next(), { value: { comment: 'open' } })
  server.signal('SIGTERM')
  t.strictSame(await events.next(), { done: true, value: undefined })
  t.strictSame(await server.exited, done)
})

t.test('what takes longer than the drain timeout is cut off', async (t) => {
  const server = await start(t, { config: lasting({ server: { drainTimeout: 30 } }) })
  const call = fetch(`${server.origin}/tools/wait-for-signal`, { method: 'POST' })
  const cut = t.rejects(call)
  await server.line(/Waiting/)
  t.strictSame(await server.stop(), done)
  await cut
  t.match(server.stdout.at(-2), /still running 30 ms after the end was asked for/)
  t.match(server.stdout.at(-1), /"outcome":"cut_off".*"tool":"wait-for-signal"/, 'its request has its line')
})

t.test('told twice, it ends at once', async (t) => {
  const server = await start(t, { config: lasting() })
  const cut = t.rejects(fetch(`${server.origin}/tools/wait-for-signal`, { method: 'POST' }))
  await server.line(/Waiting/)
  server.signal('SIGTERM')
  await server.line(/SIGTERM came/)
  server.signal('SIGTERM')
  t.strictSame(await server.exited, { code: 1, signal: null })
  await cut
})

t.test('over stdio', async (t) => {
  const file = writeConfig(t, lasting())
  const begin = async (t: Parameters<typeof run>[0]): Promise<Program> => {
    const program = run(t, [commandLine, 'stdio', file])
    program.write('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wait-for-signal"}}\n')
    await program.line(/Waiting/)
    return program
  }
  const answer = { jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: 'Signalled.' }] } }

  t.test('the end of the input lets calls finish', async (t) => {
    const program = await begin(t)
    program.endInput()
    await program.line(/The input ended/)
    program.signal('SIGUSR2')
    t.strictSame(await program.exited, done)
    t.strictSame(program.stdout.map((line) => JSON.parse(line) as unknown), [answer])
  })

  t.test('a signal lets calls finish', async (t) => {
    const program = await begin(t)
    program.signal('SIGTERM')
    await program.line(/SIGTERM came/)
    program.signal('SIGUSR2')
    t.strictSame(await program.exited, done)
    t.strictSame(program.stdout.map((line) => JSON.parse(line) as unknown), [answer])
  })

  t.test('a second signal ends it at once', async (t) => {
    const program = await begin(t)
    program.signal('SIGTERM')
    await program.line(/SIGTERM came/)
    program.signal('SIGTERM')
    t.strictSame(await program.exited, { code: 1, signal: null })
    t.strictSame(program.stdout, [])
  })
})
