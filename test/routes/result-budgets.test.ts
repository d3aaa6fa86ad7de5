import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { defineTool } from '../../src/tools/define-tool.ts'
import { build, envelope, legacyRevisions, modern, openSession, post, rest, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { askOverLine } from '../helpers/line-client.ts'

const inputSchema = { type: 'object' }
const big = '語"😀\n'.repeat(2000)

async function open (t: Test): Promise<GantryApp> {
  return await build(t, {
    server: { maxResultBytes: '8kb' },
    tools: [{ name: 'small', inputSchema, maxResultBytes: 1024 }, { name: 'whole', inputSchema, maxResultBytes: '1mb' }]
  }, {
    tools: {
      small: () => big,
      whole: () => big,
      plain: () => big,
      object: () => ({ big }),
      failing: () => ({ content: [{ type: 'text', text: big }], isError: true })
    }
  })
}

/** A tool's result at every door, with the bytes that it had there. */
async function everywhere (app: GantryApp, name: string): Promise<{ door: string, result: JsonObject, bytes: number }[]> {
  const found: { door: string, result: JsonObject, bytes: number }[] = []
  const add = (door: string, result: JsonObject | undefined): void => { found.push({ door, result: result ?? {}, bytes: Buffer.byteLength(JSON.stringify(result)) }) }
  add('2026', (await modern(app, 'tools/call', { name })).message.result)
  for (const revision of legacyRevisions) add(revision, (await (await openSession(app, revision)).call('tools/call', { name })).message.result)
  add('stdio', (await askOverLine(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, _meta: envelope() } })).result)
  add('rest', (await rest(app, name)).body)
  return found
}

t.test('a text that is larger than its tool, or the server, allows is cut at every door, and says so', async (t) => {
  const app = await open(t)
  for (const [name, maxBytes] of [['small', 1024], ['plain', 8192]] as const) {
    for (const { door, result, bytes } of await everywhere(app, name)) {
      t.ok(bytes <= maxBytes && bytes > maxBytes - 64, `${name}, ${door}: ${bytes} of ${maxBytes} bytes`)
      const [kept, note] = result['content'] as { text: string }[]
      t.ok(big.startsWith(kept?.text ?? 'nothing'), door)
      t.notMatch(kept?.text, /\p{Surrogate}/u)
      t.match(note, { type: 'text', text: /This result was cut: \d+ bytes of text had to be left out/ }, door)
      t.match(result['_meta'], { 'gantry/cut': { maxBytes } }, door)
      t.notOk(result['isError'], door)
    }
  }
  for (const { door, result } of await everywhere(app, 'whole')) t.strictSame(result['content'], [{ type: 'text', text: big }], `${door}: the tool may have more than the server says`)
})

t.test('structured content that is too large is an error of the tool at every door, never half of it', async (t) => {
  const app = await open(t)
  for (const { door, result } of await everywhere(app, 'object')) {
    if (door === 'rest') t.match(result, { status: 500, code: 'MCP_RESULT_TOO_LARGE', detail: /8192 may be sent, and it cannot be cut/ })
    else if (door === '2024-11-05' || door === '2025-03-26') t.match(result, { content: [{ type: 'text' }, { text: /This result was cut/ }], structuredContent: undefined, isError: undefined }, `${door} has no structured content`)
    else t.match(result, { isError: true, structuredContent: undefined, content: [{ text: /result of object has \d+ bytes; 8192 may be sent, and it cannot be cut/ }] }, door)
  }
})

t.test('what a tool says of its own failure is cut, too', async (t) => {
  const app = await open(t)
  for (const { door, result, bytes } of await everywhere(app, 'failing')) {
    if (door === 'rest') t.match(result, { status: 422, code: 'MCP_TOOL_REPORTED', detail: /This text was cut: it has \d+ bytes/ })
    else t.match(result, { isError: true, content: [{ type: 'text' }, { text: /This result was cut/ }] }, door)
    t.ok(bytes < 8192 + 200, `${door}: ${bytes} bytes`)
  }
})

t.test('so is the text of an error', async (t) => {
  const app = await build(t, { tools: [{ name: 'broken', inputSchema, maxResultBytes: 1024 }] }, { tools: { broken: () => { throw new Error('no '.repeat(2000)) } } })
  const { message } = await modern(app, 'tools/call', { name: 'broken' })
  t.match(message.result, { isError: true, content: [{ text: /^no no/ }, { text: /This result was cut/ }] })
  t.ok(Buffer.byteLength(JSON.stringify(message.result)) <= 1024)
})

t.test('a task keeps what it may keep of its result: the smaller of both bounds', async (t) => {
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
  const app = await build(t, { server: { tasks: { maxResultSize: '2kb' } }, tools: [{ name: 'work', inputSchema, task: 'optional' }, { name: 'less', inputSchema, task: 'optional', maxResultBytes: 1024 }, { name: 'rows', inputSchema, task: 'optional' }, { name: 'late', inputSchema, task: 'optional', taskStart: 'handler' }] }, {
    tools: { work: () => big, less: () => big, rows: () => ({ big }), late: () => big }
  })
  const outcome = async (name: string): Promise<JsonObject> => {
    const begun = (await modern(app, 'tools/call', { name }, { meta })).message.result ?? {}
    if (begun['resultType'] !== 'task') return begun
    return ((await modern(app, 'tasks/get', { taskId: begun['taskId'] }, { meta })).message.result ?? {})['result'] as JsonObject
  }
  for (const [name, maxBytes] of [['work', 2048], ['less', 1024]] as const) {
    const result = await outcome(name)
    t.match(result, { content: [{ type: 'text' }, { text: /This result was cut/ }], _meta: { 'gantry/cut': { maxBytes } } })
    t.ok(Buffer.byteLength(JSON.stringify(result)) <= maxBytes)
  }
  t.match(await outcome('rows'), { isError: true, content: [{ text: /2048 may be sent/ }] })
  t.match(await outcome('late'), { content: [{ text: big }] }, 'what never became a task has no bound of tasks')
})

t.test('a prompt and a resource that are too large are errors of their request', async (t) => {
  const registry = (name: string): JsonObject => ({ type: 'registry', name })
  const app = await build(t, {
    server: { maxResultBytes: 1024 },
    prompts: [{ name: 'long', handler: registry('long') }, { name: 'short', template: 'hi' }],
    resources: [{ uri: 'a:long', name: 'long', handler: registry('long') }, { uri: 'a:short', name: 'short', content: 'hi' }, { uriTemplate: 'b:{x}', name: 'template', handler: registry('long') }]
  }, { handlers: { long: () => big } })
  const session = await openSession(app)
  const ask = [async (method: string, params: JsonObject) => (await modern(app, method, params)).message, async (method: string, params: JsonObject) => (await session.call(method, params)).message]
  for (const send of ask) {
    t.match(await send('prompts/get', { name: 'long' }), { error: { code: -32603, message: /result of the prompt long has \d+ bytes; 1024 may be sent/ } })
    t.match(await send('prompts/get', { name: 'short' }), { result: { messages: [{}] } })
    for (const uri of ['a:long', 'b:1']) t.match(await send('resources/read', { uri }), { error: { code: -32603, message: /resource has \d+ bytes; 1024 may be sent/ } })
    t.match(await send('resources/read', { uri: 'a:short' }), { result: { contents: [{ text: 'hi' }] } })
  }
})

t.test('a tool of a program has a budget of its own, too', async (t) => {
  const tool = (name: string, maxResultBytes?: number): ReturnType<typeof defineTool> => defineTool({ name, input: Type.Object({}), ...(maxResultBytes !== undefined && { maxResultBytes }), handler: () => big })
  const app = await build(t, { server: { maxResultBytes: 4096 } }, { definedTools: [tool('own', 2048), tool('other')] })
  for (const [name, maxBytes] of [['own', 2048], ['other', 4096]] as const) t.match((await modern(app, 'tools/call', { name })).message.result, { _meta: { 'gantry/cut': { maxBytes } } })
  t.notMatch(JSON.stringify((await modern(app, 'tools/list')).message), 'maxResultBytes', 'clients are not told')
})

t.test('each call of a batch has its own budget', async (t) => {
  const app = await open(t)
  const session = await openSession(app, '2025-03-26')
  const calls = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'small' } }))
  const { messages } = await post(app, calls, session.headers)
  t.equal(messages.length, 2)
  for (const { result } of messages) t.match(result, { _meta: { 'gantry/cut': { maxBytes: 1024 } } })
})

t.test('without a word of the configuration, 10 MiB may be sent', async (t) => {
  const app = await build(t, {}, { tools: { work: ({ size }) => 'x'.repeat(Number(size)) } })
  t.equal((await rest(app, 'work', { size: 10 * 1024 * 1024 - 100 })).body['_meta'], undefined)
  t.match((await rest(app, 'work', { size: 10 * 1024 * 1024 })).body, { _meta: { 'gantry/cut': { maxBytes: 10_485_760 } } })
})
