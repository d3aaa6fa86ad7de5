import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { GantryApp } from '../../src/app.ts'
import type { HandlerContext, JsonObject, ToolHandler } from '../../src/core/ports.ts'
import { auditEventNames } from '../../schemas/audit.ts'
import { auditDoors } from '../audit/doors.ts'
import { check, linesIn, type RecordedLine } from '../audit/support.ts'
import { build, initialize, modern, modernMessage, openSession, post, rest, type BuildOptions } from '../helpers/build.ts'
import { deferred, until } from '../helpers/waiting.ts'

const tools: Record<string, ToolHandler> = {
  'open-echo': (args) => args,
  'open-later': async () => await new Promise((resolve) => { setImmediate(() => { resolve('later') }) }),
  'open-fail': () => { throw new Error('out of paper') },
  'open-report': () => ({ isError: true, content: [] }),
  'open-slow': async () => await new Promise(() => {}),
  'open-read': async (_args, context) => [await context.readResource('a://text'), await context.readResource('secret://text').catch(() => 'nothing')],
  secret: () => 'secret'
}
const config: JsonObject = {
  tools: [
    { name: 'open-echo', inputSchema: { type: 'object', properties: { a: { type: 'number' } } } },
    { name: 'open-slow', inputSchema: { type: 'object' }, timeout: 20 }
  ],
  prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true }], template: 'Hi {{who}}' }],
  resources: [{ uri: 'a://text', name: 'n', content: 'abc' }, { uri: 'secret://text', name: 'n', content: 'abc' }, { uriTemplate: 'a://items/{id}', name: 'n', content: '{{id}}' }],
  security: {
    audit: {},
    permissions: { anonymous: ['tools:list', 'tools:call:open-*', 'prompts:*', 'resources:*:a://*'], local: ['tools:list', 'tools:call:open-*', 'prompts:*', 'resources:*:a://*'] }
  }
}

type Row = readonly [what: string, method: string, params: JsonObject, ...lines: JsonObject[]]
const call = (name: string, args: JsonObject = {}): JsonObject => ({ name, arguments: args })
const ok = { outcome: 'ok', code: undefined }
const refused = (code: string): JsonObject => ({ outcome: 'refused', code })
const digest = /^[0-9a-f]{64}$/

const rows: readonly Row[] = [
  ['a list of tools', 'tools/list', {}, { event: 'tool.list', ...ok }],
  ['a list of prompts', 'prompts/list', {}, { event: 'prompt.list', ...ok }],
  ['a list of resources', 'resources/list', {}, { event: 'resource.list', ...ok }],
  ['a list of templates', 'resources/templates/list', {}, { event: 'resource.templates', ...ok }],
  ['a list with a cursor of nobody', 'tools/list', { cursor: 'x' }, { event: 'tool.list', ...refused('MCP_INVALID_PARAMS') }],
  ['a call', 'tools/call', call('open-echo', { a: 1 }), { event: 'tool.call', ...ok, name: 'open-echo', argumentsDigest: digest, durationMs: Number }],
  ['a call that takes its time', 'tools/call', call('open-later'), { event: 'tool.call', ...ok, name: 'open-later' }],
  ['a call that fails', 'tools/call', call('open-fail'), { event: 'tool.call', outcome: 'error', code: 'MCP_TOOL_FAILED', name: 'open-fail' }],
  ['a call that says it failed', 'tools/call', call('open-report'), { event: 'tool.call', outcome: 'error', code: 'MCP_TOOL_REPORTED', name: 'open-report' }],
  ['a call that takes too long', 'tools/call', call('open-slow'), { event: 'tool.call', outcome: 'timeout', code: 'MCP_TOOL_TIMEOUT', name: 'open-slow' }],
  ['arguments that do not fit', 'tools/call', call('open-echo', { a: 'x' }), { event: 'tool.call', ...refused('MCP_ARGUMENTS_INVALID'), name: 'open-echo', argumentsDigest: digest }],
  ['a tool that there is not', 'tools/call', call('nothing', { a: 1 }), { event: 'tool.call', ...refused('MCP_TOOL_UNKNOWN'), name: 'nothing', argumentsDigest: digest }],
  ['a tool that is not for this caller', 'tools/call', call('secret'), { event: 'permission.refused', ...refused('MCP_TOOL_UNKNOWN'), name: 'secret', method: 'tools/call', permission: 'tools:call:secret' }],
  ['a call without a name', 'tools/call', {}, { event: 'tool.call', ...refused('MCP_INVALID_PARAMS'), name: undefined }],
  ['a call that reads resources', 'tools/call', call('open-read'),
    { event: 'resource.read', ...ok, uri: 'a://text', within: 'open-read' },
    { event: 'permission.refused', ...refused('MCP_RESOURCE_UNKNOWN'), uri: 'secret://text', within: 'open-read', permission: 'resources:read:secret://text' },
    { event: 'tool.call', ...ok, name: 'open-read' }],
  ['a prompt', 'prompts/get', { name: 'greet', arguments: { who: 'ann' } }, { event: 'prompt.get', ...ok, name: 'greet', argumentsDigest: digest }],
  ['a prompt without its argument', 'prompts/get', { name: 'greet' }, { event: 'prompt.get', ...refused('MCP_INVALID_PARAMS'), name: 'greet' }],
  ['a prompt that there is not', 'prompts/get', { name: 'x' }, { event: 'prompt.get', ...refused('MCP_PROMPT_UNKNOWN'), name: 'x' }],
  ['a resource', 'resources/read', { uri: 'a://text' }, { event: 'resource.read', ...ok, uri: 'a://text', name: undefined, within: undefined }],
  ['a resource of a template', 'resources/read', { uri: 'a://items/7' }, { event: 'resource.read', ...ok, uri: 'a://items/7', name: 'a://items/{id}' }],
  ['a resource that there is not', 'resources/read', { uri: 'b://x' }, { event: 'resource.read', ...refused('MCP_RESOURCE_UNKNOWN'), uri: 'b://x' }],
  ['a resource that is not for this caller', 'resources/read', { uri: 'secret://text' }, { event: 'permission.refused', ...refused('MCP_RESOURCE_UNKNOWN'), uri: 'secret://text' }],
  ['completion', 'completion/complete', { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: '' } }, { event: 'completion.get', ...ok, name: 'greet' }],
  ['completion of nothing', 'completion/complete', {}, { event: 'completion.get', ...refused('MCP_INVALID_PARAMS') }],
  ['a method that there is not', 'no/such', {}, { event: 'request.refused', ...refused('MCP_METHOD_NOT_FOUND'), method: 'no/such' }]
]
const legacyRows: readonly Row[] = [
  ['a ping', 'ping', {}, { event: 'server.ping', ...ok }]
]
const sessionRows: readonly Row[] = [
  ['a log level', 'logging/setLevel', { level: 'info' }, { event: 'session.log-level', ...ok }],
  ['a log level that there is not', 'logging/setLevel', { level: 'loud' }, { event: 'session.log-level', ...refused('MCP_INVALID_PARAMS') }],
  ['a subscription', 'resources/subscribe', { uri: 'a://text' }, { event: 'subscription.open', ...ok, uri: 'a://text' }],
  ['the end of a subscription', 'resources/unsubscribe', { uri: 'a://text' }, { event: 'subscription.end', ...ok, uri: 'a://text' }]
]
const modernRows: readonly Row[] = [
  ['discovery', 'server/discover', {}, { event: 'server.discover', ...ok }],
  ['a subscription to nothing', 'subscriptions/listen', { notifications: {} }, { event: 'subscription.open', ...ok }, { event: 'subscription.end', ...ok }],
  ['a subscription that cannot be read', 'subscriptions/listen', {}, { event: 'subscription.open', ...refused('MCP_INVALID_PARAMS') }]
]

const seen = new Set<string>()

/** Keeps which events came. */
function note (file: string): void {
  for (const { event } of linesIn(file)) seen.add(event)
}

for (const door of auditDoors) {
  t.test(`over ${door.name}, each request has its line when its answer is there, and no other`, async (t) => {
    const { file, ask, close } = await door.open(t, { config, tools })
    const eraRows = door.says['revision'] === '2026-07-28' ? modernRows : [...legacyRows, ...(door.name.includes('without sessions') ? [] : sessionRows)]
    t.strictSame(linesIn(file).map(({ event }) => event), ['server.start', ...door.comes])
    for (const line of linesIn(file).slice(1)) t.match(line, { ...door.says, client: line.event === 'stream.open' ? undefined : 'test' })
    for (const [what, method, params, ...expected] of [...rows, ...eraRows]) {
      const before = linesIn(file).length
      await ask(method, params)
      const lines = linesIn(file).slice(before)
      t.match(lines, expected.map((line) => ({ ...door.says, ...line, requestId: String })), what)
      t.equal(lines.length, expected.length, what)
    }
    await close()
    t.strictSame(linesIn(file).slice(-1 - door.goes.length).map(({ event }) => event), [...door.goes, 'server.stop'])
    t.match(check(file), { fault: undefined })
    note(file)
  })
}

interface Audited { app: GantryApp, file: string, /** The lines that one request makes. */ linesOf (ask: () => Promise<unknown>): Promise<RecordedLine[]> }

async function audited (t: Test, changes: JsonObject = config, options: BuildOptions = {}): Promise<Audited> {
  const baseDir = t.testdir({})
  const file = join(baseDir, 'audit.log')
  const app = await build(t, { ...changes, security: { audit: {}, ...changes['security'] as JsonObject } }, { tools, baseDir, ...options })
  return {
    app,
    file,
    async linesOf (ask) {
      const before = linesIn(file).length
      await ask()
      note(file)
      return linesIn(file).slice(before)
    }
  }
}

t.test('over plain HTTP, each request has its line when its answer is there, and no other', async (t) => {
  const { app, linesOf } = await audited(t)
  const says = { principal: 'anonymous', principalKind: 'anonymous', door: 'rest', address: '127.0.0.1', requestId: String, revision: undefined, session: undefined }
  const edge = { ...says, door: undefined, verb: 'POST' }
  const cases: [what: string, ask: () => Promise<unknown>, line: JsonObject][] = [
    ['the list', () => app.inject('/tools'), { ...says, event: 'tool.list', ...ok }],
    ['a call', () => rest(app, 'open-echo', { a: 1 }), { ...says, event: 'tool.call', ...ok, name: 'open-echo', argumentsDigest: digest }],
    ['a call that takes its time', () => rest(app, 'open-later'), { ...says, event: 'tool.call', ...ok }],
    ['a call that fails', () => rest(app, 'open-fail'), { ...says, event: 'tool.call', outcome: 'error', code: 'MCP_TOOL_FAILED' }],
    ['a call that says it failed', () => rest(app, 'open-report'), { ...says, event: 'tool.call', outcome: 'error', code: 'MCP_TOOL_REPORTED' }],
    ['a call that takes too long', () => rest(app, 'open-slow'), { ...says, event: 'tool.call', outcome: 'timeout', code: 'MCP_TOOL_TIMEOUT' }],
    ['arguments that do not fit', () => rest(app, 'open-echo', { a: 'x' }), { ...says, event: 'tool.call', ...refused('MCP_ARGUMENTS_INVALID') }],
    ['a tool that there is not', () => rest(app, 'nothing', { a: 1 }), { ...says, event: 'tool.call', ...refused('MCP_TOOL_UNKNOWN'), name: 'nothing', argumentsDigest: digest }],
    ['a tool that is not for this caller', () => rest(app, 'secret'), { ...says, event: 'permission.refused', ...refused('MCP_TOOL_UNKNOWN'), name: 'secret', permission: 'tools:call:secret' }],
    ['a body that is no object', () => rest(app, 'open-echo', [1]), { ...edge, event: 'request.refused', ...refused('MCP_INVALID_REQUEST'), path: '/tools/open-echo' }],
    ['a body that is no JSON', () => app.inject({ method: 'POST', url: '/tools/open-echo', headers: { 'content-type': 'application/json' }, payload: '{' }), { ...edge, event: 'request.refused', ...refused('MCP_PARSE_ERROR'), path: '/tools/open-echo' }],
    ['a method of HTTP that means nothing', () => app.inject({ method: 'DELETE', url: '/tools/open-echo' }), { ...edge, verb: 'DELETE', event: 'request.refused', ...refused('MCP_METHOD_NOT_ALLOWED') }]
  ]
  for (const [what, ask, line] of cases) {
    const lines = await linesOf(ask)
    t.match(lines, [line], what)
    t.equal(lines.length, 1, what)
  }
})

t.test('what is refused at the door has one line, with what is known of it', async (t) => {
  const { app, linesOf } = await audited(t, {
    server: { maxRequestSize: '1kb' },
    security: { authentication: { apiKeys: [{ name: 'ci', key: 'a-key-for-tests-0123456789', permissions: ['*'] }] } }
  })
  const credential = { authorization: 'Bearer a-key-for-tests-0123456789' }
  const send = (headers: Record<string, string | undefined>, body: unknown = modernMessage('ping')) => async () => await post(app, body, { ...credential, ...headers })
  const body = { verb: 'POST', path: '/mcp', address: '127.0.0.1', requestId: String }
  const known = { ...body, principal: 'ci', principalKind: 'key' }
  const cases: [what: string, ask: () => Promise<unknown>, line: JsonObject][] = [
    ['no credential', send({ authorization: undefined }), { ...body, principal: undefined, event: 'auth.refused', ...refused('MCP_UNAUTHENTICATED') }],
    ['a wrong one', send({ authorization: 'Bearer nobody' }), { ...body, principal: undefined, event: 'auth.refused', ...refused('MCP_UNAUTHENTICATED') }],
    ['none, over plain HTTP', () => app.inject({ method: 'POST', url: '/tools/open-echo?token=x' }), { event: 'auth.refused', principal: undefined, path: '/tools/open-echo' }],
    ['a host that is not ours', send({ host: 'evil.example' }), { ...body, principal: undefined, event: 'origin.refused', ...refused('MCP_HOST_REFUSED') }],
    ['a page that is not ours', send({ origin: 'https://evil.example' }), { ...body, event: 'origin.refused', ...refused('MCP_HOST_REFUSED') }],
    ['nothing at this path', () => app.inject({ url: '/nowhere?a=b', headers: credential }), { event: 'request.refused', ...refused('MCP_ROUTE_UNKNOWN'), verb: 'GET', path: '/nowhere', principal: 'ci' }],
    ['a path that cannot be read', () => app.inject({ url: '/%zz', headers: credential }), { event: 'request.refused', ...refused('MCP_INVALID_REQUEST'), path: '/%zz', principal: undefined }],
    ['a method of HTTP that means nothing', () => app.inject({ method: 'PUT', url: '/mcp', headers: credential }), { event: 'request.refused', ...refused('MCP_METHOD_NOT_ALLOWED'), verb: 'PUT' }],
    ['a form that is not sent', send({ accept: 'text/html' }), { ...known, ...refused('MCP_NOT_ACCEPTABLE') }],
    ['a body of another type', send({ 'content-type': 'text/plain' }), { ...known, event: 'request.refused', ...refused('MCP_UNSUPPORTED_MEDIA_TYPE') }],
    ['a body that is too large', send({}, { jsonrpc: '2.0', id: 1, method: 'x'.repeat(2_000) }), { ...known, event: 'request.refused', ...refused('MCP_BODY_TOO_LARGE'), method: undefined }],
    ['a body that is no JSON', send({}, '{"jsonrpc"'), { ...known, event: 'request.refused', ...refused('MCP_PARSE_ERROR') }],
    ['a body that is no message', send({}, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: 5 }), { ...known, event: 'tool.list', ...refused('MCP_INVALID_REQUEST') }],
    ['no session', send({}, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open-echo', arguments: { a: 1 } } }), { ...known, event: 'tool.call', ...refused('MCP_SESSION_REQUIRED'), name: 'open-echo', argumentsDigest: digest }],
    ['a session that there is not', send({ 'mcp-session-id': 'x' }, { jsonrpc: '2.0', id: 1, method: 'ping' }), { ...known, event: 'server.ping', ...refused('MCP_SESSION_UNKNOWN') }],
    ['an initialize that has a session already', send({ 'mcp-session-id': 'x', 'mcp-protocol-version': '2026-07-28' }, initialize('2025-11-25')), { ...known, event: 'session.open', ...refused('MCP_HEADER_MISMATCH') }],
    ['a batch of nothing', send({}, []), { ...known, event: 'request.refused', ...refused('MCP_INVALID_REQUEST') }],
    ['headers that say something else than the body', send({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'harmless' }, modernMessage('tools/call', { name: 'open-fail' })), { ...known, event: 'tool.call', ...refused('MCP_HEADER_MISMATCH'), name: 'open-fail' }],
    ['a version that nobody speaks', send({ 'mcp-protocol-version': '2030-01-01' }, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2030-01-01' } } }), { ...known, event: 'tool.list', ...refused('MCP_UNSUPPORTED_VERSION') }]
  ]
  for (const [what, ask, line] of cases) {
    const lines = await linesOf(ask)
    t.match(lines, [{ outcome: 'refused', ...line }], what)
    t.equal(lines.length, 1, what)
  }
})

t.test('an address that is not served, and a caller that comes too often, have their own events', async (t) => {
  const closed = await audited(t, { security: { ipWhitelist: ['10.0.0.0/8'] } })
  t.match(await closed.linesOf(() => post(closed.app, modernMessage('ping'))), [{ event: 'address.refused', ...refused('MCP_ADDRESS_REFUSED'), address: '127.0.0.1' }])
  const limited = await audited(t, { security: { rateLimit: { global: { window: 60_000, maxRequests: 1 } } } })
  t.match(await limited.linesOf(async () => { await rest(limited.app, 'open-later'); await rest(limited.app, 'open-later') }), [{ event: 'tool.call', ...ok }, { event: 'rate.refused', ...refused('MCP_RATE_LIMITED') }])
})

t.test('in a batch, each element that is answered has its line', async (t) => {
  const { app, linesOf } = await audited(t)
  const session = await openSession(app, '2025-03-26')
  const lines = await linesOf(() => session.post([
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open-echo' } },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'open-later' } },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'nothing' } },
    initialize('2025-03-26'),
    { jsonrpc: '2.0', id: 5, method: 'ping', params: 5 },
    5
  ]))
  t.strictSame(lines.map(({ event, name, code }) => [event, name, code]).sort(), [
    ['request.refused', undefined, 'MCP_INVALID_REQUEST'],
    ['server.ping', undefined, 'MCP_INVALID_REQUEST'],
    ['session.open', undefined, 'MCP_INVALID_REQUEST'],
    ['tool.call', 'nothing', 'MCP_TOOL_UNKNOWN'],
    ['tool.call', 'open-echo', undefined],
    ['tool.call', 'open-later', undefined]
  ])
})

t.test('a stream for news, and the end of a session, have their lines', async (t) => {
  const { app, file } = await audited(t)
  const session = await openSession(app)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const stream = await fetch(`${url}/mcp`, { headers: { accept: 'text/event-stream', ...session.headers as Record<string, string> } })
  t.match(linesIn(file).at(-1), { event: 'stream.open', ...ok, door: 'mcp', revision: '2025-11-25', client: 'test', session: /^[0-9a-f]{16}$/ })
  await session.send('DELETE')
  const [opened, , ended] = linesIn(file).slice(1)
  t.match(ended, { event: 'session.end', ...ok, session: opened?.['session'] })
  await stream.text()
  note(file)
})

t.test('a stream that is not there to come back for is recorded as refused, not as opened', async (t) => {
  const { app, file } = await audited(t)
  const session = await openSession(app)
  const before = linesIn(file).length
  const { statusCode } = await app.inject({ method: 'GET', url: '/mcp', headers: { accept: 'text/event-stream', 'last-event-id': 'unknown.0', ...session.headers as Record<string, string> } })
  t.equal(statusCode, 400)
  t.equal(linesIn(file).length, before + 1)
  t.match(linesIn(file).at(-1), { event: 'request.refused', outcome: 'refused', code: 'MCP_EVENT_UNKNOWN' })
  note(file)
})

t.test('the line of a call that answers on a stream is there before its answer, and after what it reports', async (t) => {
  const end = deferred<string>()
  const { app, file } = await audited(t, {}, { tools: { work: async (_args, context) => { context.progress(1); return await end.promise } } })
  const session = await openSession(app)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...session.headers as Record<string, string> },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'work', _meta: { progressToken: 1 } } })
  })
  t.equal(linesIn(file).at(-1)?.event, 'session.open')
  end.resolve('done')
  t.match(await answer.text(), /"id":1/)
  t.match(linesIn(file).at(-1), { event: 'tool.call', ...ok, name: 'work' })
})

t.test('a call that becomes a task has a line when it does, and one when it ends; so has all that is done to it', async (t) => {
  const end = deferred<string>()
  const { app, file, linesOf } = await audited(t, { tools: ['work', 'ask'].map((name) => ({ name, inputSchema: { type: 'object' }, task: 'optional' })) }, {
    tools: { work: async () => await end.promise, ask: async (_args: JsonObject, context: HandlerContext) => (await context.elicit('Sure?', { type: 'object', properties: {} })).action }
  })
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} } }
  const ask = async (method: string, params: JsonObject): Promise<JsonObject> => (await modern(app, method, params, { meta })).message.result ?? {}
  let taskId: unknown
  const begun = await linesOf(async () => { ({ taskId } = await ask('tools/call', call('work', { a: 1 }))) })
  t.match(begun, [{ event: 'task.start', ...ok, name: 'work', task: /^[0-9a-f]{16}$/, door: 'mcp' }])
  t.match(await linesOf(() => ask('tasks/get', { taskId })), [{ event: 'task.get', ...ok, task: begun[0]?.['task'] }])
  const ended = await linesOf(async () => { end.resolve('done'); await ask('tasks/get', { taskId }) })
  t.match(ended, [{ event: 'tool.call', ...ok, name: 'work', task: begun[0]?.['task'], argumentsDigest: digest, requestId: begun[0]?.['requestId'] }, { event: 'task.get' }])

  const other = await ask('tools/call', call('ask'))
  const key = await (async () => {
    for (;;) {
      const [found] = Object.keys((await ask('tasks/get', { taskId: other['taskId'] }))['inputRequests'] as JsonObject ?? {})
      if (found !== undefined) return found
    }
  })()
  t.match(await linesOf(() => ask('tasks/update', { taskId: other['taskId'], inputResponses: { [key]: { action: 'decline' } } })), [{ event: 'task.update', ...ok }, { event: 'tool.call', ...ok, name: 'ask' }])
  const third = await ask('tools/call', call('ask'))
  t.match(await linesOf(() => ask('tasks/cancel', { taskId: third['taskId'] })), [{ event: 'tool.call', outcome: 'cancelled', code: 'MCP_CANCELLED' }, { event: 'task.cancel', ...ok }])
  t.match(await linesOf(() => ask('tasks/get', { taskId: 'x' })), [{ event: 'task.get', ...refused('MCP_TASK_UNKNOWN') }])
  t.notMatch(readFileSync(file, 'utf8'), String(taskId))
})

t.test('a call that asks its client ends as what it is: a question', async (t) => {
  const { app, linesOf } = await audited(t, {}, { tools: { ask: async (_args: JsonObject, context: HandlerContext) => (await context.elicit('Sure?', { type: 'object', properties: {} })).action } })
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
  t.match(await linesOf(() => modern(app, 'tools/call', call('ask'), { meta })), [{ event: 'tool.call', outcome: 'input_required', code: undefined, name: 'ask' }])
  t.match(await linesOf(() => modern(app, 'tools/call', { ...call('ask'), requestState: 'forged', inputResponses: {} }, { meta })), [{ event: 'tool.call', ...refused('MCP_INVALID_PARAMS'), name: 'ask' }])
})

t.test('a call whose client went away is recorded, with where the client was', async (t) => {
  const begun = deferred()
  const work: ToolHandler = async (_args, { signal }) => await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { reject(new Error('given up')) })
    begun.resolve()
  })
  const { app, file } = await audited(t, {}, { tools: { work } })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const client = new AbortController()
  const call = t.rejects(fetch(`${url}/tools/work`, { method: 'POST', signal: client.signal }))
  await begun.promise
  client.abort()
  await call
  await until('it is recorded', () => linesIn(file).length === 2)
  t.match(linesIn(file)[1], { event: 'tool.call', outcome: 'cancelled', code: 'MCP_CANCELLED', name: 'work', address: '127.0.0.1', principal: 'anonymous', durationMs: Number })
})

t.test('what is not asked for is not recorded, and what is switched off makes no file', async (t) => {
  const { app, file } = await audited(t, { security: { audit: { events: ['prompt.*', 'request.refused'] } } })
  await rest(app, 'open-echo')
  await rest(app, 'nothing')
  await modern(app, 'prompts/list')
  await modern(app, 'no/such')
  await app.close()
  t.strictSame(linesIn(file).map(({ event }) => event), ['prompt.list', 'request.refused'])
  for (const security of [{}, { audit: { enabled: false } }]) {
    const baseDir = t.testdir({})
    const quiet = await build(t, { security }, { tools, baseDir })
    await rest(quiet, 'open-echo')
    t.equal(quiet.audit, undefined)
    t.strictSame(readdirSync(baseDir), [])
  }
})

t.test('the file is where the configuration says, relative to its own place', async (t) => {
  const baseDir = t.testdir({})
  const app = await build(t, { version: '7.8.9', security: { audit: { logFile: 'logs/who-did-what.jsonl' } } }, { baseDir })
  await app.close()
  t.match(linesIn(join(baseDir, 'logs/who-did-what.jsonl')), [{ event: 'server.start', version: '7.8.9', pid: process.pid }, { event: 'server.stop' }])
})

t.test('an app whose audit log cannot be written is not built', async (t) => {
  const baseDir = t.testdir({ 'audit.log': 'something else' })
  await t.rejects(build(t, { security: { audit: {} } }, { baseDir }), { code: 'MCP_AUDIT_FILE' })
  t.equal(readFileSync(join(baseDir, 'audit.log'), 'utf8'), 'something else')
  await build(t, { security: { audit: { logFile: 'b.log' } } }, { baseDir })
  await t.rejects(build(t, { security: { audit: { logFile: 'b.log' } } }, { baseDir }), { code: 'MCP_AUDIT_FILE', inUse: true })
})

t.test('an app that cannot be built leaves no start and no stop, and lets go of the file', async (t) => {
  const baseDir = t.testdir({})
  const broken = { tools: [{ name: 'x', handler: { type: 'file', path: 'no-such.mjs' } }], security: { audit: {} } }
  await t.rejects(build(t, broken, { baseDir }))
  t.strictSame(readdirSync(baseDir), ['audit.log'])
  t.strictSame(linesIn(join(baseDir, 'audit.log')), [])
})

t.test('every event of the catalogue comes', async (t) => {
  // Those two tell of faults of the disk: test/audit/file-sink.test.ts and audit-file.test.ts have them.
  t.strictSame(auditEventNames.filter((event) => !seen.has(event)), ['audit.torn', 'audit.dropped'])
})
