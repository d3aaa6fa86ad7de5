import t from 'tap'
import { createCore, type Core } from '../../src/core/core.ts'
import { RateLimitedError } from '../../src/core/errors.ts'
import { LineConnection, type LineConnectionOptions } from '../../src/core/line-connection.ts'
import { ServerRequests } from '../../src/core/server-requests.ts'
import { createBusMemory } from '../../src/stores/bus-memory.ts'
import type { HandlerContext, JsonObject, ToolHandler } from '../../src/core/ports.ts'
import { buildToolEntry } from '../../src/tools/tool-entry.ts'
import { envelope, initialize, type Message } from '../helpers/build.ts'
import { coreServices, keepingLogger } from '../helpers/exchange.ts'
import { deferred, turn, until } from '../helpers/waiting.ts'

interface Line {
  readonly core: Core
  readonly connection: LineConnection
  /** What was written, read. A batch is a list. */
  readonly written: (Message & Message[])[]
  send (message: unknown): void
  /** Sends and waits until all is answered; gives the last line. */
  ask (message: unknown): Promise<Message & Message[]>
}

function connect (tools: Record<string, ToolHandler> = {}, { maxLineBytes = 1_000_000, core = coreOf(tools), refusalOf }: { maxLineBytes?: number, core?: Core, refusalOf?: LineConnectionOptions['refusalOf'] } = {}): Line {
  const written: Line['written'] = []
  const connection = new LineConnection({
    core,
    logger: keepingLogger(),
    principal: { kind: 'local', name: 'local', permissions: ['*'], tier: undefined },
    requests: new ServerRequests(createBusMemory({ logger: keepingLogger() })),
    maxLineBytes,
    ...(refusalOf !== undefined && { refusalOf }),
    write (line) {
      if (line.includes('\n')) throw new Error('A message was written on more than one line.')
      written.push(JSON.parse(line) as Message & Message[])
    }
  })
  const send = (message: unknown): void => { connection.receive(typeof message === 'string' ? message : JSON.stringify(message)) }
  return {
    core,
    connection,
    written,
    send,
    async ask (message) {
      const before = written.length
      send(message)
      await connection.settled()
      const last = written.at(-1)
      if (written.length === before || last === undefined) throw new Error('Nothing was answered.')
      return last
    }
  }
}

function coreOf (tools: Record<string, ToolHandler>): Core {
  const core = createCore({ serverInfo: { name: 'test', version: '1' }, instructions: 'Be kind.', pageSize: 100, maskHandlerErrors: false, ...coreServices() })
  for (const [name, handler] of Object.entries(tools)) core.tools.add(name, buildToolEntry({ description: { name, inputSchema: { type: 'object' } }, handler, timeoutMs: 60_000 }, core.pipeline))
  return core
}

const call = (id: unknown, name: string, args: JsonObject = {}, meta?: JsonObject): JsonObject => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...(meta !== undefined && { _meta: meta }) } })
const cancel = (requestId: unknown): JsonObject => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
const echo: ToolHandler = (args) => args

t.test('a client of the 2025 era shakes hands and calls', async (t) => {
  const { ask, send, written } = connect({ echo })
  for (const revision of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    t.match(await ask(initialize(revision)), { id: 0, result: { protocolVersion: revision, serverInfo: { name: 'test' }, instructions: 'Be kind.' } })
  }
  send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  t.match(await ask({ jsonrpc: '2.0', id: 1, method: 'ping' }), { id: 1, result: {} })
  const answer = await ask(call('a', 'echo', { x: 1 }))
  t.strictSame(answer, { jsonrpc: '2.0', id: 'a', result: { content: [{ type: 'text', text: '{"x":1}' }], structuredContent: { x: 1 } } })
  t.equal(written.length, 6)
})

t.test('a client of the 2026 era needs no handshake, and gets the form of its era', async (t) => {
  const { ask } = connect({ echo })
  t.match(await ask({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: envelope() } }), { id: 1, result: { resultType: 'complete', supportedVersions: ['2026-07-28'] } })
  t.match(await ask(call(2, 'echo', { x: 1 }, envelope())), { id: 2, result: { resultType: 'complete', structuredContent: { x: 1 } } })
  for (const method of ['ping', 'initialize', 'logging/setLevel', 'resources/subscribe']) {
    t.match(await ask({ jsonrpc: '2.0', id: 3, method, params: { _meta: envelope() } }), { id: 3, error: { code: -32601 } }, method)
  }
  t.match(await ask({ jsonrpc: '2.0', id: 4, method: 'server/discover' }), { id: 4, error: { code: -32601 } }, 'the older era has no discover')
  t.match(await ask(call(5, 'echo', {}, envelope({ 'io.modelcontextprotocol/protocolVersion': '2030-01-01' }))), { id: 5, error: { code: -32022, data: { supported: ['2026-07-28'], requested: '2030-01-01' } } })
  t.match(await ask(call(6, 'echo', {}, envelope({ 'io.modelcontextprotocol/logLevel': 'loud' }))), { id: 6, error: { code: -32602 } })
})

t.test('both eras may take turns on one connection', async (t) => {
  const { ask } = connect({ echo })
  await ask(initialize('2025-06-18'))
  t.notOk('resultType' in ((await ask(call(1, 'echo'))).result ?? {}))
  t.equal((await ask(call(1, 'echo', {}, envelope()))).result?.['resultType'], 'complete')
  t.notOk('resultType' in ((await ask(call(1, 'echo'))).result ?? {}))
})

t.test('what is no message is answered without an id, and the connection goes on', async (t) => {
  const { ask } = connect({ echo }, { maxLineBytes: 1_000 })
  const rows: [line: string, code: number][] = [
    ['{', -32700], ['nonsense', -32700], ['{"a":1}}', -32700], ['\u0000', -32700],
    ['5', -32600], ['null', -32600], ['"x"', -32600], ['{}', -32600], ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600], ['[]', -32600],
    [JSON.stringify(call(1, 'echo', { x: 'y'.repeat(2_000) })), -32600],
    [JSON.stringify(call(1, 'echo', { x: 'é'.repeat(490) })), -32600]
  ]
  for (const [line, code] of rows) {
    const answer = await ask(line)
    t.equal(answer.error?.code, code, line.slice(0, 40))
    t.notOk('id' in answer)
  }
  t.match(await ask(call(1, 'echo')), { id: 1, result: {} })
})

t.test('empty lines are nothing', async (t) => {
  const { send, connection, written } = connect()
  for (const line of ['', '   ', '\t', '\r']) send(line)
  await connection.settled()
  t.strictSame(written, [])
})

t.test('notifications and answers of the client get none', async (t) => {
  const { send, connection, written } = connect()
  for (const message of [{ method: 'notifications/initialized' }, { method: 'unknown/notification' }, { id: 1, result: {} }, { id: 1, error: { code: 1, message: 'x' } }, cancel(5), cancel(null), cancel({}), { method: 'notifications/cancelled' }]) {
    send({ jsonrpc: '2.0', ...message })
  }
  await connection.settled()
  t.strictSame(written, [])
})

t.test('a batch is answered as one in the revision that has them, and refused in all others', async (t) => {
  const { ask } = connect({ echo })
  await ask(initialize('2025-03-26'))
  const answers = await ask([call(1, 'echo'), { jsonrpc: '2.0', method: 'notifications/initialized' }, call(2, 'missing'), { jsonrpc: '2.0', id: null, method: 'ping' }])
  t.match(answers, [{ id: 1, result: {} }, { id: 2, error: { code: -32602 } }, { error: { code: -32600 } }])
  for (const revision of ['2024-11-05', '2025-06-18', '2025-11-25']) {
    await ask(initialize(revision))
    t.match(await ask([call(1, 'echo')]), { error: { code: -32600 } }, revision)
  }
  t.match(await ask([call(1, 'echo', {}, envelope())]), { error: { code: -32600 } })
})

t.test('a batch holds no initialize, and not too much', async (t) => {
  const { ask, written } = connect({ echo })
  await ask(initialize('2025-03-26'))
  t.match(await ask([initialize('2025-11-25'), call(1, 'echo')]), [{ id: 0, error: { code: -32600 } }, { id: 1, result: {} }])
  t.match(await ask([call(2, 'echo')]), [{ id: 2 }], 'and the revision is what it was')
  const before = written.length
  t.match(await ask(Array.from({ length: 5_000 }, (_, id) => call(id, 'echo'))), { error: { code: -32600 } })
  t.equal(written.length, before + 1)
})

t.test('a batch of notifications gets no answer', async (t) => {
  const { ask, send, connection, written } = connect()
  await ask(initialize('2025-03-26'))
  send([{ jsonrpc: '2.0', method: 'notifications/initialized' }, { jsonrpc: '2.0', method: 'notifications/x' }])
  await connection.settled()
  t.equal(written.length, 1)
})

for (const era of ['2025', '2026']) {
  t.test(`a call of ${era} is cancelled by its id, and gets no answer`, async (t) => {
    const context = deferred<HandlerContext>()
    const { send, connection, written, core } = connect({ hang: (_args, given) => { context.resolve(given); return new Promise(() => {}) } })
    send(call(1, 'hang', {}, era === '2026' ? envelope() : undefined))
    const { signal } = await context.promise
    send(cancel('1'))
    await turn()
    t.notOk(signal.aborted, 'the id of another type is another id')
    t.equal(core.inFlight.size, 1)
    send(cancel(1))
    await connection.settled()
    t.ok(signal.aborted)
    t.strictSame(written, [])
    t.equal(core.inFlight.size, 0)
  })
}

t.test('one connection cannot cancel the call of another', async (t) => {
  const started = deferred()
  const end = deferred<string>()
  const core = coreOf({ wait: async () => { started.resolve(); return await end.promise } })
  const [mine, other] = [connect({}, { core }), connect({}, { core })]
  mine.send(call(1, 'wait'))
  await started.promise
  other.send(cancel(1))
  await turn()
  end.resolve('done')
  await mine.connection.settled()
  t.match(mine.written, [{ id: 1, result: { content: [{ text: 'done' }] } }])
})

t.test('progress and log messages go out before the answer, and none after', async (t) => {
  let late: HandlerContext | undefined
  const { ask, written } = connect({
    work: async (_args, context) => {
      late = context
      context.progress(1, 2)
      context.log('info', 'half')
      context.log('debug', 'unheard')
      await null
      context.progress(2, 2)
      return 'done'
    },
    fail: (_args, context) => {
      late = context
      throw new Error('at once')
    }
  })
  await ask(call(1, 'work', {}, { progressToken: 'p' }))
  t.match(written, [{ method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } }, { method: 'notifications/message', params: { level: 'info' } }, { method: 'notifications/progress', params: { progress: 2 } }, { id: 1 }])
  late?.progress(3)
  late?.log('emergency', 'late')
  t.equal(written.length, 4)
  await ask(call(2, 'fail', {}, { progressToken: 'q' }))
  late?.progress(3)
  t.equal(written.length, 5, 'nor after a failure')
})

t.test('the level of the 2025 era is kept for the connection, that of 2026 for one request', async (t) => {
  const { ask, written } = connect({ say: (_args, context) => { context.log('warning', 'hm'); return 'x' } })
  t.match(await ask({ jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'error' } }), { result: {} })
  t.match(await ask({ jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'loud' } }), { error: { code: -32602 } })
  const heard = async (meta?: JsonObject): Promise<boolean> => {
    const before = written.length
    await ask(call(2, 'say', {}, meta))
    return written.length - before === 2
  }
  t.notOk(await heard())
  t.ok(await heard(envelope({ 'io.modelcontextprotocol/logLevel': 'debug' })))
  t.notOk(await heard(envelope()))
  t.notOk(await heard())
  await ask({ jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'debug' } })
  t.ok(await heard())
})

t.test('a hundred calls with their own ids at once get their own answers', async (t) => {
  const { send, connection, written, core } = connect({ echo: async (args) => { await turn(); return args } })
  for (let id = 0; id < 100; id++) send(call(id, 'echo', { id }))
  t.equal(core.inFlight.size, 100)
  await connection.settled()
  t.strictSame(written.map(({ id, result }) => [id, result?.content?.[0]?.text]), Array.from({ length: 100 }, (_, id) => [id, JSON.stringify({ id })]))
  t.equal(core.inFlight.size, 0)
})

t.test('a call that reads a resource of the server can still be cancelled, with what it reads', async (t) => {
  const { send, connection, written, core } = connect({
    read: async (_args, context) => {
      await context.readResource('quick://x')
      reading.resolve(context)
      await context.readResource('slow://x')
      return 'read'
    }
  })
  const reading = deferred<HandlerContext>()
  const inner = deferred<HandlerContext>()
  addResource(core, 'quick://x', async () => 'quick')
  addResource(core, 'slow://x', async (_args, context) => { inner.resolve(context); return await new Promise(() => {}) })
  send(call(1, 'read'))
  const { signal } = await reading.promise
  const { signal: innerSignal } = await inner.promise
  send(cancel(1))
  await connection.settled()
  await until('nothing is running', () => core.inFlight.size === 0)
  t.ok(signal.aborted)
  t.ok(innerSignal.aborted)
  t.strictSame(written, [])
})

function addResource (core: Core, uri: string, handler: ToolHandler): void {
  const target = {
    kind: 'resource' as const,
    name: uri,
    timeoutMs: 60_000,
    checkArguments: undefined,
    refuseArguments: () => { throw new Error('not called') },
    run: async (args: JsonObject, context: HandlerContext) => ({ contents: [{ uri, text: String(await handler(args, context)) }] })
  }
  core.resources.add(uri, { description: { uri, name: uri }, target, invoke: core.pipeline.compose(target), caching: { group: 'resources', own: undefined } })
}

t.test('a resource that a tool cannot read is a failure of the tool, with words that a model can read', async (t) => {
  const { ask } = connect({ miss: async (_args, context) => await context.readResource('gone://x') })
  t.match(await ask(call(1, 'miss')), { id: 1, result: { isError: true, content: [{ type: 'text', text: 'Resource not found: gone://x' }] } })
})

t.test('keys that reach for prototypes are inert', async (t) => {
  const { ask } = connect({ echo: (args) => Object.keys(args) })
  const answer = await ask('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}}')
  t.match(answer, { id: 1, result: { content: [{ text: '["__proto__","constructor"]' }] } })
  t.equal(({} as JsonObject)['polluted'], undefined)
  for (const name of ['__proto__', 'constructor', 'toString']) t.match(await ask(call(2, name)), { error: { code: -32602 } })
  for (const method of ['__proto__', 'constructor', 'toString', '']) t.match(await ask({ jsonrpc: '2.0', id: 3, method }), { error: { code: -32601 } })
})

t.test('the caller\'s trace context reaches the handler', async (t) => {
  const parent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const { ask } = connect({ trace: (_args, { traceparent }) => traceparent ?? 'none' })
  t.match(await ask(call(1, 'trace', {}, { traceparent: parent })), { result: { content: [{ text: parent }] } })
  for (const traceparent of [5, '00-1-2-01']) t.match(await ask(call(1, 'trace', {}, { traceparent })), { result: { content: [{ text: 'none' }] } })
})

t.test('a line that comes too often is refused under its id, and comes to no tool', async (t) => {
  const asked: unknown[] = []
  let entered = 0
  let isFull = true
  const refusalOf = async (value: unknown) => { asked.push(value); return isFull ? new RateLimitedError('too often', 7) : undefined }
  const { send, connection, written } = connect({ work: () => { entered++; return 'done' } }, { refusalOf })
  const lines = [call('a', 'work'), [call('b', 'work'), call('c', 'work')], cancel('a'), { jsonrpc: '2.0', id: 1, result: {} }, { id: 'd' }]
  for (const line of lines) send(line)
  await connection.settled()
  t.strictSame(asked, lines, 'each line is asked about once')
  t.match(written, [{ id: 'a', error: { code: -32603, message: 'too often' } }, { error: { message: 'too often' } }, { id: 'd', error: { message: 'too often' } }])
  t.strictSame([written.length, entered], [3, 0], 'what wants no answer gets none')
  isFull = false
  for (const id of ['e', 'f', 'g']) send(call(id, 'work'))
  await connection.settled()
  t.strictSame(written.slice(3).map(({ id }) => id), ['e', 'f', 'g'])
})
