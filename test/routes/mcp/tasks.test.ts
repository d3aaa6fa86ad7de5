import t, { type Test } from 'tap'
import { type TSchema, Type } from '@sinclair/typebox'
import { defineTool } from '../../../src/tools/define-tool.ts'
import type { HandlerContext, JsonObject, ToolHandler } from '../../../src/core/ports.ts'
import { build, modern, openSession, post, rest, textOf, type Answer, type BuildOptions, type GantryApp, type RequestOptions } from '../../helpers/build.ts'
import { startRedis } from '../../helpers/redis.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'

const capability: JsonObject = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} }
const meta = { 'io.modelcontextprotocol/clientCapabilities': capability }
const form = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }

/** Sends a request that takes tasks. */
const ask = async (app: GantryApp, method: string, params: JsonObject = {}, options: RequestOptions = {}): Promise<Answer> => await modern(app, method, params, { meta, ...options })
const idOf = ({ message }: Answer): string => String(message.result?.['taskId'])
const look = async (app: GantryApp, taskId: string): Promise<JsonObject> => (await ask(app, 'tasks/get', { taskId })).message.result ?? {}

async function open (t: Test, tools: Record<string, ToolHandler>, { keys = {}, config = {}, ...options }: BuildOptions & { keys?: JsonObject, config?: JsonObject } = {}): Promise<GantryApp> {
  const declared = Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' }, task: 'optional', ...keys }))
  return await build(t, { tools: declared, ...config }, { tools, ...options })
}

t.test('a tool of the configuration runs as a task, and its client asks how it is', async (t) => {
  const end = deferred<string>()
  const app = await open(t, { work: () => end.promise }, { config: { name: 'shop', version: '3.2.1', server: { tasks: { ttl: 7_000_000, pollInterval: 250 } } } })
  const begun = await ask(app, 'tools/call', { name: 'work' })
  t.equal(begun.status, 200)
  t.equal(begun.headers['content-type'], 'application/json; charset=utf-8')
  t.match(begun.message.result, { resultType: 'task', status: 'working', ttlMs: 7_000_000, pollIntervalMs: 250, _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'shop', version: '3.2.1' } } })
  t.match(await look(app, idOf(begun)), { resultType: 'complete', status: 'working' })
  end.resolve('done')
  await turn()
  t.match(await look(app, idOf(begun)), { status: 'completed', result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }] } })
})

t.test('a request that is done does not hold up its task when its connection closes', async (t) => {
  const contexts: HandlerContext[] = []
  const app = await open(t, {
    work: async (_args, context) => {
      contexts.push(context)
      t.notOk(context.signal.aborted)
      return await new Promise(() => {})
    }
  })
  const closed = deferred()
  app.server.once('connection', (socket) => { socket.once('close', () => { closed.resolve() }) })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'work', connection: 'close' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'work', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', ...meta } } })
  const answered = await fetch(`${url}/mcp`, { method: 'POST', headers, body })
  const { result } = await answered.json() as { result: JsonObject }
  t.equal(result['resultType'], 'task')
  await closed.promise
  t.match(await look(app, String(result['taskId'])), { status: 'working' })
  t.notOk(contexts[0]?.signal.aborted)
})

t.test('the name header repeats the id of the task', async (t) => {
  const app = await open(t, { work: async () => await new Promise(() => {}) })
  const taskId = idOf(await ask(app, 'tools/call', { name: 'work' }))
  for (const [method, params] of [['tasks/get', { taskId }], ['tasks/update', { taskId, inputResponses: {} }], ['tasks/cancel', { taskId }]] as const) {
    t.match(await ask(app, method, params, { headers: { 'mcp-name': 'another' } }), { status: 400, message: { error: { code: -32020 } } }, method)
    t.match(await ask(app, method, params, { headers: { 'mcp-name': undefined } }), { status: 400, message: { error: { code: -32020 } } }, method)
    t.match(await ask(app, method, params), { status: 200, message: { result: { resultType: 'complete' } } }, method)
  }
  t.match(await look(app, taskId), { status: 'cancelled' })
})

t.test('the extension is offered when a tool uses it, in the 2026 era only', async (t) => {
  const app = await open(t, { work: () => 1 })
  const capabilities = async (app: GantryApp) => (await ask(app, 'server/discover')).message.result?.['capabilities'] as JsonObject
  t.strictSame((await capabilities(app))['extensions'], { 'io.modelcontextprotocol/tasks': {} })
  t.notOk('tasks' in await capabilities(app))
  const { initialized } = await openSession(app)
  t.notMatch(JSON.stringify(initialized.result?.['capabilities']), 'tasks')

  const plain = await build(t, {}, { tools: { work: () => 1 } })
  t.notOk('extensions' in await capabilities(plain))
  t.match(await ask(plain, 'tasks/get', { taskId: 'x' }), { status: 404, message: { error: { code: -32601 } } })
  t.match(await ask(plain, 'tools/call', { name: 'work' }), { message: { result: { resultType: 'complete' } } })
})

t.test('requests that do not declare the extension get -32021 and HTTP 400', async (t) => {
  const app = await open(t, { work: () => 1 }, { keys: { task: 'required' } })
  const missing = { status: 400, message: { id: 1, error: { code: -32021, data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } } } } }
  t.match(await modern(app, 'tools/call', { name: 'work' }), missing)
  t.match(await modern(app, 'tasks/get', { taskId: 'x' }), missing)
  t.match(await modern(app, 'tasks/update', { taskId: 'x', inputResponses: {} }), missing)
  t.match(await modern(app, 'tasks/cancel', { taskId: 'x' }), missing)
})

t.test('over REST and in sessions a tool with tasks gives its result, unless it needs them', async (t) => {
  const app = await open(t, { work: () => 'done' })
  t.match((await rest(app, 'work')).body, { content: [{ text: 'done' }] })
  const session = await openSession(app, '2025-11-25', capability)
  t.equal(textOf(await session.call('tools/call', { name: 'work' })), 'done')

  const needy = await open(t, { work: () => 'never' }, { keys: { task: 'required' } })
  t.match(await rest(needy, 'work'), { status: 400, body: { code: 'MCP_MISSING_CAPABILITY' } })
  const other = await openSession(needy)
  const answer = await other.call('tools/call', { name: 'work' })
  t.match(answer.message.result, { isError: true })
  t.match(textOf(answer), /only runs as a task/)
})

t.test('a tool that is defined in code runs as a task, too', async (t) => {
  const input: TSchema = Type.Object({})
  const tool = defineTool({ name: 'work', input, task: 'required', taskStart: 'handler', handler: async (_args, context) => { await context.startTask(); return 'done' } })
  const app = await build(t, {}, { definedTools: [tool] })
  const begun = await ask(app, 'tools/call', { name: 'work', arguments: {} })
  t.equal(begun.message.result?.['resultType'], 'task')
  await turn()
  t.match(await look(app, idOf(begun)), { status: 'completed', result: { content: [{ text: 'done' }] } })
  const { message } = await ask(app, 'tools/list')
  t.notMatch(JSON.stringify(message.result), /task/i, 'its description says nothing of it')
})

t.test('the time that a tool of the configuration has in a task is its own, or that of tasks', async (t) => {
  const hang: ToolHandler = () => new Promise(() => {})
  const server = { requestTimeout: 5, tasks: { maxDuration: 60, ttl: 60_000 } }
  const app = await open(t, { work: hang }, { config: { server } })
  t.match(textOf(await modern(app, 'tools/call', { name: 'work' })), /within 5 ms/)
  const long = idOf(await ask(app, 'tools/call', { name: 'work' }))
  const limited = await open(t, { work: hang }, { keys: { timeout: 7 }, config: { server } })
  const short = idOf(await ask(limited, 'tools/call', { name: 'work' }))
  const resultOf = async (app: GantryApp, id: string): Promise<string> => {
    let state: JsonObject = {}
    await until('the task has ended', () => {
      void look(app, id).then((now) => { state = now })
      return state['status'] === 'completed'
    })
    return JSON.stringify(state['result'])
  }
  t.match(await resultOf(limited, short), /within 7 ms/)
  t.match(await resultOf(app, long), /within 60 ms/)
})

t.test('bounds of the configuration hold', async (t) => {
  const app = await open(t, { work: ({ size }) => 'x'.repeat(Number(size)) }, { config: { server: { tasks: { maxTasks: 2, maxResultSize: '2kb' } } } })
  const large = idOf(await ask(app, 'tools/call', { name: 'work', arguments: { size: 5_000 } }))
  await turn()
  t.match(await look(app, large), { status: 'completed', result: { content: [{ text: /^x+$/ }, { text: /2048 may be sent/ }] } })
  await ask(app, 'tools/call', { name: 'work', arguments: { size: 1 } })
  const refused = await ask(app, 'tools/call', { name: 'work', arguments: { size: 1 } })
  t.match(refused.message.result, { resultType: 'complete', isError: true })
  t.match(textOf(refused), /as many tasks as it may/)
})

t.test('results expire with the clock of the server', async (t) => {
  let now = 1_700_000_000_000
  const app = await open(t, { work: () => 'done' }, { clock: { now: () => now }, config: { server: { tasks: { ttl: 10_000, maxDuration: 10_000 } } } })
  const begun = await ask(app, 'tools/call', { name: 'work' })
  t.equal(begun.message.result?.['createdAt'], '2023-11-14T22:13:20.000Z')
  await turn()
  now += 9_999
  t.match(await look(app, idOf(begun)), { status: 'completed' })
  now += 1
  t.match(await ask(app, 'tasks/get', { taskId: idOf(begun) }), { status: 200, message: { error: { code: -32602, message: /Unknown task/ } } })
})

t.test('closing the server does not wait for its tasks, and tells their handlers', async (t) => {
  let reason: unknown
  const app = await open(t, {
    work: async (_args, { signal }) => await new Promise(() => { signal.addEventListener('abort', () => { reason = signal.reason }) })
  })
  await ask(app, 'tools/call', { name: 'work' })
  await app.close()
  t.match(reason, { code: 'MCP_TASK_LOST' })
})

t.test('bad parameters are named', async (t) => {
  const app = await open(t, { work: () => 1 })
  t.match(await ask(app, 'tasks/get', {}), { message: { error: { code: -32602, message: /taskId/ } } })
  t.match(await ask(app, 'tasks/get', { taskId: 5 }), { message: { error: { code: -32602, message: /taskId/ } } })
  for (const inputResponses of [undefined, null, [], 'x']) {
    t.match(await ask(app, 'tasks/update', { taskId: 'x', inputResponses }), { message: { error: { code: -32602, message: /inputResponses/ } } })
  }
  t.match(await post(app, { jsonrpc: '2.0', id: 1, method: 'tasks/get', params: { taskId: 'x' } }), { status: 400 }, 'outside of the 2026 era there is nothing of the kind')
})

t.test('with a Redis any instance tells of a task, answers it and ends it, and one that ends says so', async (t) => {
  const redis = await startRedis(t)
  const contexts: HandlerContext[] = []
  const tools: Record<string, ToolHandler> = {
    work: async (_args, context) => {
      contexts.push(context)
      const { content } = await context.elicit('Who?', form, { key: 'who' })
      return `Hello, ${String(content?.['name'])}!`
    }
  }
  const config = { redis: { host: '127.0.0.1', port: redis.port } }
  const [here, there] = [await open(t, tools, { config }), await open(t, tools, { config })]
  const begin = async () => idOf(await ask(here, 'tools/call', { name: 'work' }))
  const [answered, cancelled, lost] = [await begin(), await begin(), await begin()]
  const seen = async (id: string, status: string) => {
    let state: JsonObject = {}
    await until(`${id} is ${status}`, () => {
      void look(there, id).then((now) => { state = now })
      return state['status'] === status
    })
    return state
  }
  t.match(await seen(answered, 'input_required'), { inputRequests: { who: { method: 'elicitation/create' } } })
  t.match(await ask(there, 'tasks/update', { taskId: answered, inputResponses: { who: { action: 'accept', content: { name: 5 } } } }), { message: { error: { code: -32602 } } })
  t.match(await ask(there, 'tasks/update', { taskId: answered, inputResponses: { who: { action: 'accept', content: { name: 'Ann' } } } }), { message: { result: { resultType: 'complete' } } })
  t.match(await seen(answered, 'completed'), { result: { content: [{ text: 'Hello, Ann!' }] } })

  await ask(there, 'tasks/cancel', { taskId: cancelled })
  await seen(cancelled, 'cancelled')
  t.ok(contexts[1]?.signal.aborted)

  await here.close()
  t.match(await look(there, lost), { status: 'failed', error: { code: -32603, message: /has ended/ } })
  t.match(await look(there, answered), { status: 'completed' }, 'results outlive the instance that made them')
})
