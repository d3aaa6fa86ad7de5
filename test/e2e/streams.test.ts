import { once } from 'node:events'
import { connect as connectTo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { run, start, type Server } from '../helpers/server.ts'
import { eventsOf } from './doors/event-stream.ts'
import { httpDoors } from './doors/index.ts'
import type { Door, Test } from './doors/door.ts'
import { connect, headersOf, post } from './doors/plain-http.ts'
import { lasting } from './fixtures/everything.ts'
import { said } from './promises/promise.ts'

type Assert = typeof t

const latest = '2025-11-25'

t.test('the stream of a session stays open while calls go on, and ends with the session', async (t) => {
  const server = await start(t, { config: lasting() })
  const { session, exchange } = await connect(server.url, latest)
  const stream = { headers: { accept: 'text/event-stream', ...headersOf(latest, session) } }
  const first = eventsOf(await fetch(server.url, stream))
  const second = eventsOf(await fetch(server.url, stream))
  for (const events of [first, second]) t.match(await events.next(), { value: { comment: 'open' } })

  let heard = 0
  const news = Promise.race([first.next(), second.next()]).then((next) => { heard++; return next })
  for (let id = 1; id <= 20; id++) {
    const params = { name: 'meet', arguments: { room: `room ${id}`, size: 1, value: id }, _meta: { progressToken: id } }
    const answer = await exchange({ jsonrpc: '2.0', id, method: 'tools/call', params }, () => {}, undefined)
    t.match(answer?.result, { structuredContent: { value: id } })
  }
  t.equal(heard, 0, 'neither ended, and neither got what belongs to a call')

  const ended = await fetch(server.url, { method: 'DELETE', headers: headersOf(latest, session) })
  t.equal(ended.status, 204)
  t.strictSame(await news, { done: true, value: undefined })
  t.strictSame(await first.next(), { done: true, value: undefined })
  t.strictSame(await second.next(), { done: true, value: undefined })

  for (const after of [await fetch(server.url, stream), await post(server.url, latest, { jsonrpc: '2.0', id: 1, method: 'ping' }, { session }), await fetch(server.url, { method: 'DELETE', headers: headersOf(latest, session) })]) {
    t.equal(after.status, 404)
    t.match(await after.json(), { jsonrpc: '2.0', error: { message: /session/ } })
  }
})

t.test('a client that is killed in the middle of a stream harms nobody', async (t) => {
  const server = await start(t, { config: lasting() })
  const witness = await open(t, server, 'plain 2026-07-28 over http')
  for (const [revision, next, state] of [['2026-07-28', 'until', 'aborted'], [latest, 'release', 'done']] as const) {
    const key = `call of ${revision}`
    const doomed = run(t, [join(import.meta.dirname, 'fixtures/doomed-client.mjs'), server.url, key, revision])
    await doomed.line(/begun/)
    doomed.signal('SIGKILL')
    t.strictSame(await doomed.exited, { code: null, signal: 'SIGKILL' })
    // Before 2026 a lost connection says nothing about the call.
    if (next === 'release') await witness.call('release', { key })
    t.strictSame(await witness.call('until', { key, states: ['aborted', 'done'] }), said(state), revision)
  }
  await isWell(t, server)
})

t.test('connections that are cut, and what is no HTTP, harm nobody', async (t) => {
  const server = await start(t, { config: lasting() })
  const head = 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'
  const beginnings = ['', 'PO', head, `${head}Content-Length: 100\r\n\r\n{"jsonrpc":`, `${head}Transfer-Encoding: chunked\r\n\r\nff\r\n{`, 'GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n']
  for (const beginning of beginnings) {
    const socket = connectTo(server.port, '127.0.0.1')
    await once(socket, 'connect')
    if (beginning !== '') await new Promise((resolve) => { socket.write(beginning, resolve) })
    socket.resetAndDestroy()
  }
  for (const nonsense of ['nonsense\r\n\r\n', `${head}Content-Length: minus one\r\n\r\n`, 'GET /mcp HTTP/9.9\r\n\r\n', `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`]) {
    const socket = connectTo(server.port, '127.0.0.1')
    socket.write(nonsense)
    const [answer] = await once(socket, 'data') as [Buffer]
    t.match(answer.toString(), /^HTTP\/1\.1 4\d\d /)
    socket.destroy()
  }
  await isWell(t, server)
})

async function open (t: Test, server: Server, name: string): Promise<Door> {
  const way = httpDoors(true).find(({ traits }) => traits.name === name)
  if (way === undefined) throw new Error(`There is no door ${name}.`)
  return await way.open(t, { server, file: server.file, env: {} })
}

/** Still answers, has nothing to complain of, and ends when it is told to. */
async function isWell (t: Pick<Assert, 'equal' | 'strictSame'>, server: Server): Promise<void> {
  t.equal((await fetch(`${server.origin}/health`)).status, 200)
  t.strictSame(await server.stop(), { code: 0, signal: null })
  t.strictSame(server.stderr, [])
  t.strictSame(server.stdout.filter((line) => (JSON.parse(line) as { level: number }).level >= 40), [], 'no warning, no error')
}
