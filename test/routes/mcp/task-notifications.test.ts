import t, { type Test } from 'tap'
import { LineConnection } from '../../../src/core/line-connection.ts'
import { localPrincipal } from '../../../src/core/principals.ts'
import type { ToolHandler } from '../../../src/core/ports.ts'
import { build, modern, type GantryApp, type JsonObject, type Message } from '../../helpers/build.ts'
import { keepingLogger } from '../../helpers/exchange.ts'
import { callLive, listen, type LiveAnswer } from '../../helpers/live.ts'
import { startRedis } from '../../helpers/redis.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'

const idKey = 'io.modelcontextprotocol/subscriptionId'
const capabilities: JsonObject = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} }
const meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities }
const unknown = '00000000-0000-4000-8000-000000000000'
const form = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }

const greet: ToolHandler = async (_args, context) => {
  context.progress(1, 2, 'Asking.')
  const { content } = await context.elicit('Who?', form, { key: 'who' })
  return `Hello, ${String(content?.['name'])}!`
}
const answers = { who: { action: 'accept', content: { name: 'Ann' } } }

interface Served { app: GantryApp, address: string }

async function serve (t: Test, tools: Record<string, ToolHandler>, config: JsonObject = {}): Promise<Served> {
  const declared = Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' }, task: 'optional' }))
  const app = await build(t, { tools: declared, ...config }, { tools })
  return { app, address: await listen(app) }
}

async function begin ({ app }: Served, name: string): Promise<string> {
  return String((await modern(app, 'tools/call', { name }, { meta })).message.result?.['taskId'])
}

async function look ({ app }: Served, taskId: string): Promise<JsonObject> {
  const { resultType: _type, _meta, ...task } = (await modern(app, 'tasks/get', { taskId }, { meta })).message.result ?? {}
  return task
}

async function subscribe ({ address }: Served, notifications: JsonObject, id: string | number = 'sub'): Promise<LiveAnswer> {
  return await callLive(address, 'subscriptions/listen', { notifications }, { id, capabilities })
}

/** The next notification that has this status, with those before it left out. */
async function next (stream: LiveAnswer, status: string): Promise<JsonObject> {
  for (let message = await stream.message(); message !== undefined; message = await stream.message()) {
    if (message.method === 'notifications/tasks' && message.params?.['status'] === status) return message.params
  }
  throw new Error(`The stream ended before ${status}.`)
}

t.test('a client that listens to its task is told each state, as tasks/get would have told it', async (t) => {
  const served = await serve(t, { greet })
  const taskId = await begin(served, 'greet')
  const stream = await subscribe(served, { taskIds: [unknown, taskId], toolsListChanged: true })
  t.strictSame(await stream.message(), { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: { toolsListChanged: true, taskIds: [taskId] }, _meta: { [idKey]: 'sub' } } })
  const asked = await next(stream, 'input_required')
  t.match(asked, { taskId, inputRequests: { who: { method: 'elicitation/create', params: { requestedSchema: form } } }, ttlMs: Number, pollIntervalMs: Number, createdAt: String, lastUpdatedAt: String, statusMessage: 'Asking.' })
  const { _meta, ...task } = asked
  t.strictSame([_meta, task], [{ [idKey]: 'sub' }, await look(served, taskId)])

  await modern(served.app, 'tasks/update', { taskId, inputResponses: answers }, { meta })
  const { _meta: _tag, ...completed } = await next(stream, 'completed')
  t.strictSame(completed, await look(served, taskId))
  t.match(completed, { result: { resultType: 'complete', content: [{ text: 'Hello, Ann!' }] } })

  served.app.core.tools.replaceAll(served.app.core.tools.list.map((tool) => [tool.description.name, tool]))
  t.match(await stream.message(), { method: 'notifications/tools/list_changed', params: { _meta: { [idKey]: 'sub' } } }, 'the rest of the subscription goes on')
  stream.cut()
  await until('it is over', () => served.app.core.subscriptions.size === 0)
  t.equal(served.app.core.streamSlots.size, 0)
})

t.test('a task that failed or was cancelled is told, too', async (t) => {
  const served = await serve(t, { work: async (_args, { signal }) => await new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(new Error('stopped')) }) }) })
  const taskId = await begin(served, 'work')
  const stream = await subscribe(served, { taskIds: [taskId] })
  await next(stream, 'working')
  await modern(served.app, 'tasks/cancel', { taskId }, { meta })
  t.match(await next(stream, 'cancelled'), { taskId })
  const late = await subscribe(served, { taskIds: [taskId] })
  t.match(await next(late, 'cancelled'), { taskId }, 'whoever comes later is told how it ended')
  t.equal(served.app.core.subscriptions.size, 2)
})

t.test('a request that does not declare the extension is told what it lacks; where there are no tasks, they are no matter', async (t) => {
  const served = await serve(t, { greet })
  for (const declared of [{}, { extensions: {} }, { extensions: { 'io.modelcontextprotocol/tasks': true } }]) {
    const refused = await callLive(served.address, 'subscriptions/listen', { notifications: { taskIds: [unknown] } }, { id: 12, capabilities: declared })
    t.equal(refused.status, 400)
    t.strictSame((await refused.rest()).map(({ id, error }) => [id, error?.code, error?.data]), [[12, -32021, { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } }]])
  }
  const nothing = await callLive(served.address, 'subscriptions/listen', { notifications: { taskIds: [] } })
  t.match(await nothing.rest(), [{ params: { notifications: {} } }, { result: { resultType: 'complete' } }], 'an empty list asks for nothing')

  const app = await build(t, {}, { tools: { greet } })
  const without = await callLive(await listen(app), 'subscriptions/listen', { notifications: { taskIds: [unknown] } })
  t.match(await without.rest(), [{ params: { notifications: {} } }, { result: { resultType: 'complete' } }])
})

t.test('who names only tasks that it does not have gets the result at once; what is no list of ids is refused', async (t) => {
  const served = await serve(t, { greet })
  t.match(await (await subscribe(served, { taskIds: [unknown, 'x'] })).rest(), [{ params: { notifications: {} } }, { id: 'sub', result: { resultType: 'complete', _meta: { [idKey]: 'sub' } } }])
  for (const taskIds of ['x', null, {}, [5], [null], Array.from({ length: 101 }, () => unknown)]) {
    t.match(await (await subscribe(served, { taskIds })).rest(), [{ error: { code: -32602, message: /taskIds must be a list of the ids of at most 100 tasks/ } }], JSON.stringify(taskIds).slice(0, 40))
  }
  t.strictSame([served.app.core.subscriptions.size, served.app.core.streamSlots.size], [0, 0])
})

t.test('over stdio a subscription to tasks can be cancelled before it has begun, and then nothing comes of it', async (t) => {
  const end = deferred<string>()
  const { app } = await serve(t, { work: () => end.promise })
  const written: Message[] = []
  const connection = new LineConnection({ core: app.core, logger: keepingLogger(), principal: localPrincipal, requests: app.serverRequests, write: (line) => { written.push(JSON.parse(line) as Message) } })
  const send = (message: JsonObject): void => { connection.receive(JSON.stringify({ jsonrpc: '2.0', ...message })) }
  const envelope = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', ...meta }
  send({ id: 1, method: 'tools/call', params: { name: 'work', _meta: envelope } })
  await until('there is a task', () => written.length === 1)
  const taskId = String(written[0]?.result?.['taskId'])

  const notifications = { taskIds: [taskId] }
  send({ id: 2, method: 'subscriptions/listen', params: { notifications, _meta: envelope } })
  send({ method: 'notifications/cancelled', params: { requestId: 2 } })
  send({ id: 3, method: 'subscriptions/listen', params: { notifications, _meta: envelope } })
  await until('the other has begun', () => written.length === 3)
  await turn()
  t.match(written.slice(1), [{ method: 'notifications/subscriptions/acknowledged', params: { _meta: { [idKey]: 3 } } }, { method: 'notifications/tasks', params: { taskId, status: 'working', _meta: { [idKey]: 3 } } }])
  t.equal(app.core.subscriptions.size, 1)
  end.resolve('done')
  await until('the end is told', () => written.length === 4)
  t.match(written[3], { method: 'notifications/tasks', params: { status: 'completed', result: { content: [{ text: 'done' }] } } })
  connection.end()
  await connection.settled()
})

t.test('with a Redis, every instance tells of tasks that run on another one, and of those that end with it', async (t) => {
  const redis = await startRedis(t)
  const config = { redis: { host: '127.0.0.1', port: redis.port } }
  const [here, there] = [await serve(t, { greet }, config), await serve(t, { greet }, config)]
  const [answered, lost] = [await begin(here, 'greet'), await begin(here, 'greet')]
  const stream = await subscribe(there, { taskIds: [answered, lost] })
  t.match((await stream.message())?.params?.['notifications'], { taskIds: [answered, lost] })
  while ((await next(stream, 'input_required'))['taskId'] !== answered) { /* that of the other one */ }
  await modern(there.app, 'tasks/update', { taskId: answered, inputResponses: answers }, { meta })
  t.match(await next(stream, 'completed'), { taskId: answered, result: { content: [{ text: 'Hello, Ann!' }] } })
  await here.app.close()
  t.match(await next(stream, 'failed'), { taskId: lost, error: { code: -32603, message: /has ended/ } })
  stream.cut()
})
