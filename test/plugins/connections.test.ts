import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { build, type GantryApp, type Test } from '../helpers/build.ts'
import { listen, LiveSession } from '../helpers/live.ts'

async function serve (t: Test, server: object): Promise<{ app: GantryApp, address: string, open (): Promise<Socket> }> {
  const app = await build(t, { server }, { tools: { announce: async (_args, context) => { await context.announce({ kind: 'tools' }); return 'told' } } })
  const address = await listen(app)
  return {
    app,
    address,
    async open () {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      t.teardown(() => { socket.destroy() })
      await once(socket, 'connect')
      return socket
    }
  }
}

const readProblem = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
const ask = 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n'

t.test('who sends its headers too slowly is told so, and cut off', async (t) => {
  const { open } = await serve(t, { headersTimeout: 100 })
  const socket = await open()
  socket.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\n')
  const answer = await text(socket)
  t.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\ncontent-type: application\/problem\+json/)
  t.match(readProblem(answer), { code: 'MCP_REQUEST_TIMEOUT', status: 408 })
})

// Whatever time the headers have.
t.test('who sends its body too slowly is, too, and however it drips', { timeout: 20_000 }, async (t) => {
  const { open } = await serve(t, { receiveTimeout: 200 })
  const socket = await open()
  socket.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{"a":"')
  const drip = setInterval(() => { socket.write('x') }, 10)
  t.teardown(() => { clearInterval(drip) })
  socket.on('error', () => {})
  t.match(await text(socket), /^HTTP\/1\.1 408 [^]*"code":"MCP_REQUEST_TIMEOUT"/)
})

t.test('a stream that is open for longer is nobody who is slow', async (t) => {
  const { address, open } = await serve(t, { receiveTimeout: 100, headersTimeout: 100 })
  const session = await LiveSession.open(address)
  const news = await session.get()
  // Two that are cut off, one after the other: then the limits have passed for the stream, too.
  for (let each = 0; each < 2; each++) {
    const slow = await open()
    slow.write('POST /mcp HTTP/1.1\r\n')
    await text(slow)
  }
  await (await session.call('tools/call', { name: 'announce' })).rest()
  t.match(await news.message(), { method: 'notifications/tools/list_changed' })
})

t.test('a connection that nobody uses is closed', async (t) => {
  const { open } = await serve(t, { keepAliveTimeout: 50 })
  const socket = await open()
  socket.write(ask)
  t.match(await text(socket), /^HTTP\/1\.1 200 /)
})

t.test('one connection more than there may be is closed as it comes, and another gets its place', async (t) => {
  const { open } = await serve(t, { maxConnections: 2 })
  const [first, second] = [await open(), await open()]
  for (const socket of [first, second]) {
    socket.write(ask)
    t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /)
  }
  const third = await open()
  t.equal(await text(third), '')
  second.destroy()
  await once(second, 'close')
  for (let answer = ''; !answer.startsWith('HTTP/1.1 200 ');) {
    const socket = await open()
    socket.on('error', () => {})
    socket.end(ask)
    answer = await text(socket).catch(() => '')
  }
  t.pass('it is answered')
})

t.test('what is no HTTP gets a problem with a code, as all else does', async (t) => {
  const { open } = await serve(t, {})
  for (const [sent, status, code] of [
    ['hello\r\n\r\n', 400, 'MCP_INVALID_REQUEST'],
    ['POST /mcp HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 400, 'MCP_INVALID_REQUEST'],
    [`GET /mcp HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'MCP_HEADERS_TOO_LARGE']
  ] as const) {
    const socket = await open()
    socket.on('error', () => {})
    socket.write(sent)
    const answer = await text(socket)
    t.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${code} has the status ${status}`)
    t.match(readProblem(answer), { code, status, title: String, detail: String })
  }
})

t.test('each address that a name has is bounded', async (t) => {
  const app = await build(t, { server: { maxConnections: 1 } })
  await app.listen({ port: 0, host: 'localhost' })
  t.strictSame(app.otherServers().map(({ maxConnections }) => maxConnections), app.otherServers().map(() => 1))
  for (const each of app.addresses()) {
    if (typeof each === 'string') throw new Error('The app listens on an address.')
    const { port, address } = each
    const socket = connect(port, address)
    t.teardown(() => { socket.destroy() })
    socket.write('nonsense\r\n\r\n')
    t.match(await text(socket), /^HTTP\/1\.1 400 [^]*MCP_INVALID_REQUEST/, address)
  }
})
