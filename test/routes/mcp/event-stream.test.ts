import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { HandlerContext, ToolHandler } from '../../../src/core/ports.ts'
import { EventStream, OpenStreams } from '../../../src/routes/mcp/event-stream.ts'
import { build, initialize, modernHeaders, modernMessage, readMessages, type GantryApp } from '../../helpers/build.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'

const both = 'application/json, text/event-stream'

async function listen (app: GantryApp): Promise<string> {
  return await app.listen({ port: 0, host: '127.0.0.1' })
}
function callModern (address: string, name: string, init: RequestInit = {}, meta = {}): Promise<Response> {
  const params = { name, arguments: {} }
  return fetch(`${address}/mcp`, {
    method: 'POST', headers: { 'content-type': 'application/json', accept: both, ...modernHeaders('tools/call', params) }, body: JSON.stringify(modernMessage('tools/call', params, { meta })), ...init
  })
}
async function openSession (address: string): Promise<Record<string, string>> {
  const answer = await fetch(`${address}/mcp`, { method: 'POST', headers: { 'content-type': 'application/json', accept: both }, body: JSON.stringify(initialize('2025-11-25')) })
  await answer.text()
  return { 'mcp-session-id': answer.headers.get('mcp-session-id') ?? '', 'content-type': 'application/json', accept: both }
}

/** A tool that hands its context out and then waits for nothing. */
function hanging (): { handler: ToolHandler, context: Promise<HandlerContext> } {
  const context = deferred<HandlerContext>()
  return { handler: async (_args, given) => { context.resolve(given); return await new Promise(() => {}) }, context: context.promise }
}

t.test('in 2026 a client that goes away has cancelled its call', async (t) => {
  const hang = hanging()
  const address = await listen(await build(t, {}, { tools: { hang: hang.handler } }))
  const client = new AbortController()
  const call = callModern(address, 'hang', { signal: client.signal }).catch((error: unknown) => error)
  const { signal } = await hang.context
  t.notOk(signal.aborted)
  client.abort()
  await once(signal, 'abort')
  t.match(signal.reason, { code: 'MCP_CANCELLED' })
  t.match(await call, { name: 'AbortError' })
})

t.test('a handler that looks at its signal only after the client went away sees that it did', async (t) => {
  const contexts: HandlerContext[] = []
  const app = await build(t, {}, { tools: { hang: async (_args, context) => { contexts.push(context); return await new Promise(() => {}) } } })
  let gone = 0
  app.server.on('request', (_request, response) => { response.once('close', () => { gone++ }) })
  const address = await listen(app)
  for (const call of [(signal: AbortSignal) => callModern(address, 'hang', { signal }), (signal: AbortSignal) => fetch(`${address}/tools/hang`, { method: 'POST', signal })]) {
    const before = gone
    const client = new AbortController()
    const ended = call(client.signal).catch((error: unknown) => error)
    await until('the handler runs', () => contexts.length === before + 1)
    client.abort()
    await ended
    await until('the server has noticed', () => gone === before + 1)
    t.ok(contexts.at(-1)?.signal.aborted)
  }
})

t.test('a client that goes away in the middle of a stream has cancelled its call, too', async (t) => {
  const context = deferred<HandlerContext>()
  const app = await build(t, {}, { tools: { work: async (_args, given) => { given.progress(1); context.resolve(given); return await new Promise(() => {}) } } })
  const client = new AbortController()
  const answer = await callModern(await listen(app), 'work', { signal: client.signal }, { progressToken: 'p' })
  t.equal(answer.headers.get('content-type'), 'text/event-stream')
  const { signal } = await context.promise
  client.abort()
  await until('the signal fires', () => signal.aborted)
  await t.resolves(context.promise.then((late) => { late.progress(2) }))
})

t.test('over REST a caller that goes away has cancelled its call', async (t) => {
  const hang = hanging()
  const address = await listen(await build(t, {}, { tools: { hang: hang.handler } }))
  const client = new AbortController()
  const call = fetch(`${address}/tools/hang`, { method: 'POST', signal: client.signal }).catch((error: unknown) => error)
  const { signal } = await hang.context
  client.abort()
  await once(signal, 'abort')
  await call
})

t.test('before 2026 going away says nothing: the call goes on', async (t) => {
  const context = deferred<HandlerContext>()
  const end = deferred()
  const finished = deferred<boolean>()
  const app = await build(t, {}, { tools: { work: async (_args, given) => { context.resolve(given); await end.promise; finished.resolve(given.signal.aborted); return 'done' } } })
  const closed = deferred()
  app.server.on('request', (request) => { if (request.headers['x-mine'] !== undefined) request.socket.once('close', () => { closed.resolve() }) })
  const address = await listen(app)
  const headers = await openSession(address)
  const client = new AbortController()
  const call = fetch(`${address}/mcp`, { method: 'POST', headers: { ...headers, 'x-mine': '1', connection: 'close' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'work' } }), signal: client.signal }).catch((error: unknown) => error)
  const { signal } = await context.promise
  client.abort()
  await call
  await closed.promise
  await turn()
  t.notOk(signal.aborted)
  end.resolve()
  t.equal(await finished.promise, false)
  await until('the call has ended', () => app.core.inFlight.size === 0)
})

t.test('GET opens the stream of a session, several if asked, and they end with it', async (t) => {
  const address = await listen(await build(t))
  const headers = await openSession(address)
  const other = await openSession(address)
  const get = (own: Record<string, string>): Promise<Response> => fetch(`${address}/mcp`, { headers: { ...own, accept: 'text/event-stream', 'accept-encoding': 'gzip' } })
  const streams = [await get(headers), await get(headers)]
  const others = await get(other)
  for (const stream of [...streams, others]) {
    t.equal(stream.status, 200)
    t.equal(stream.headers.get('content-type'), 'text/event-stream')
    t.equal(stream.headers.get('content-encoding'), null)
    t.equal(stream.headers.get('x-accel-buffering'), 'no')
  }
  const readers = streams.map((stream) => stream.text())
  t.equal((await fetch(`${address}/mcp`, { method: 'DELETE', headers: { 'mcp-session-id': headers['mcp-session-id'] ?? '' } })).status, 204)
  for (const received of await Promise.all(readers)) t.strictSame(readMessages(received, 'text/event-stream'), [], 'nothing was sent, and the end came')
  t.equal((await get(headers)).status, 404)

  const reader = others.body?.getReader()
  const first = await reader?.read()
  t.equal(first?.done, false, 'the other session\'s stream is open')
  await reader?.cancel()
})

t.test('the server closes although streams are open: those without an end politely, the others with their answer', async (t) => {
  const go = deferred()
  const app = await build(t, {}, { tools: { work: async (_args, context) => { context.progress(1); await go.promise; return 'done' } } })
  const address = await listen(app)
  const headers = await openSession(address)
  const get = await fetch(`${address}/mcp`, { headers: { ...headers, accept: 'text/event-stream' } })
  const post = await callModern(address, 'work', {}, { progressToken: 1 })
  const received = [get.text(), post.text()]
  const closed = app.close()
  t.notMatch(await received[0], /data:/)
  go.resolve()
  t.match(readMessages(await received[1] ?? '', 'text/event-stream'), [{ method: 'notifications/progress' }, { id: 1, result: { content: [{ text: 'done' }] } }])
  await closed
})

t.test('a connection that never sent anything does not hold the server up', async (t) => {
  const app = await build(t)
  const socket = connect(Number(new URL(await listen(app)).port), '127.0.0.1')
  await once(app.server, 'connection')
  const ended = once(socket, 'close')
  socket.on('error', () => {})
  await app.close()
  socket.resume()
  await ended
  t.pass('both have ended')
})

t.test('what is long is not compressed on a stream, and each message arrives when it is sent', async (t) => {
  const go = deferred()
  const app = await build(t, {}, { tools: { work: async (_args, context) => { context.progress(1, 2, 'x'.repeat(50_000)); await go.promise; return 'y'.repeat(50_000) } } })
  const params = { name: 'work' }
  const answer = await fetch(`${await listen(app)}/mcp`, { method: 'POST', headers: { 'content-type': 'application/json', accept: both, 'accept-encoding': 'gzip, br', ...modernHeaders('tools/call', params) }, body: JSON.stringify(modernMessage('tools/call', params, { meta: { progressToken: 1 } })) })
  t.equal(answer.headers.get('content-encoding'), null)
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let received = ''
  while (!received.endsWith('\n\n')) received += (await reader?.read())?.value ?? ''
  t.match(received, /notifications\/progress/)
  go.resolve()
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) received += part.value
  t.equal(readMessages(received, 'text/event-stream').length, 2)
})

t.test('a stream keeps events whole, skips nothing, and takes nothing after its end', async (t) => {
  const stream = new EventStream()
  t.ok(stream.send('{"a":1}'))
  stream.comment('hi')
  stream.end()
  t.notOk(stream.send('{"late":1}'))
  stream.comment('late')
  stream.end()
  t.equal(await text(stream), 'event: message\ndata: {"a":1}\n\n: hi\n\n')
})

t.test('a stream whose reader went away takes nothing more', async (t) => {
  const stream = new EventStream()
  stream.destroy()
  await once(stream, 'close')
  t.notOk(stream.send('{}'))
  t.doesNotThrow(() => { stream.end() })
})

t.test('a reader that never reads does not fill the memory', async (t) => {
  const stream = new EventStream()
  stream.on('error', () => {})
  const message = JSON.stringify('x'.repeat(100_000))
  let sent = 0
  while (sent < 2_000 && stream.send(message)) sent++
  t.ok(sent < 2_000, `${sent} messages of 100 kB were kept for it`)
  t.ok(sent >= 10, 'though a slow one is given some time')
})

t.test('open streams are counted until they close, and ended together', async (t) => {
  const streams = new OpenStreams()
  const opened = [new EventStream(), new EventStream()]
  for (const stream of opened) streams.add(stream, 'endless')
  const answering = new EventStream()
  streams.add(answering, 'answer')
  t.equal(streams.size, 3)
  streams.endEndless()
  await Promise.all(opened.map((stream) => text(stream)))
  await until('they have closed', () => streams.size === 1)
  t.ok(answering.send('{}'), 'what carries an answer ends with it')
  answering.destroy()
  await until('all have closed', () => streams.size === 0)
})
