import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { createCore, type Core } from '../../../src/core/core.ts'
import type { Exchange } from '../../../src/core/exchange.ts'
import { LineConnection } from '../../../src/core/line-connection.ts'
import { ServerRequests } from '../../../src/core/server-requests.ts'
import { CancelledError } from '../../../src/core/call-errors.ts'
import type { HandlerContext, JsonObject, ToolHandler } from '../../../src/core/ports.ts'
import type { TaskRule } from '../../../src/core/tasks/lane.ts'
import { createBusMemory } from '../../../src/stores/bus-memory.ts'
import { buildToolEntry } from '../../../src/tools/tool-entry.ts'
import { envelope, type Message } from '../../helpers/build.ts'
import { coreServices, exchangeOf, keepingLogger, type TestExchange } from '../../helpers/exchange.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'
import { hourMs, openTasks, type OpenedTasks, type TasksOptions } from './support.ts'

const declared: JsonObject = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {}, roots: {} }
const form = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }

interface Opened extends OpenedTasks {
  core: Core
  /** Sends a request of ann, who takes tasks, unless the exchange is another. */
  ask (method: string, params?: JsonObject, exchange?: Exchange): Promise<Message>
  call (args?: JsonObject, exchange?: Exchange): Promise<Message>
  get (taskId: unknown, exchange?: Exchange): Promise<JsonObject>
}

const ann = (changes: Partial<Exchange> = {}): TestExchange => exchangeOf({ clientCapabilities: declared, ...changes })

/** A core with one tool, `work`, that may run as a task. */
function open (t: Test, handler: ToolHandler, rule: Partial<TaskRule> = {}, { timeoutMs = 60_000, inputSchema = { type: 'object' }, ...options }: TasksOptions & { timeoutMs?: number, inputSchema?: JsonObject } = {}): Opened {
  const opened = openTasks(t, options)
  const core = createCore({ serverInfo: { name: 'test', version: '1' }, instructions: undefined, pageSize: 100, maskHandlerErrors: false, ...coreServices(), tasks: opened.tasks })
  const task: TaskRule = { support: 'optional', start: 'call', timeoutMs: hourMs, ...rule }
  core.tools.add('work', buildToolEntry({ description: { name: 'work', inputSchema }, handler, timeoutMs, task }, core.pipeline))
  const ask: Opened['ask'] = async (method, params = {}, exchange = ann()) => {
    const answer = await core.dispatcher.handle({ kind: 'request', id: 1, method, params }, exchange)
    return answer === undefined ? {} : { ...JSON.parse(answer.text) as Message, params: { status: answer.status } }
  }
  return {
    ...opened,
    core,
    ask,
    call: async (args = {}, exchange) => await ask('tools/call', { name: 'work', arguments: args }, exchange),
    get: async (taskId, exchange) => (await ask('tasks/get', { taskId }, exchange)).result ?? {}
  }
}

const idOf = ({ result }: Message): string => String(result?.['taskId'])
const textOf = (result: unknown): unknown => (result as { content?: { text?: string }[] } | undefined)?.content?.[0]?.text

/** The state of a task once it has ended. */
async function ended ({ get }: Opened, id: string): Promise<JsonObject> {
  let state: JsonObject = {}
  await until('the task has ended', () => {
    void get(id).then((now) => { state = now })
    return ['completed', 'failed', 'cancelled'].includes(String(state['status']))
  })
  return state
}

t.test('a call becomes a task at once, and the task has the result that the call would have had', async (t) => {
  const end = deferred<string>()
  const { call, get } = open(t, () => end.promise)
  const begun = await call()
  t.match(begun.result, { resultType: 'task', status: 'working', ttlMs: 2 * hourMs, pollIntervalMs: 500, createdAt: /^\d{4}-.*Z$/, lastUpdatedAt: /Z$/, _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'test' } } })
  t.strictSame(Object.keys(begun.result ?? {}).sort(), ['_meta', 'createdAt', 'lastUpdatedAt', 'pollIntervalMs', 'resultType', 'status', 'taskId', 'ttlMs'])
  const working = await get(idOf(begun))
  t.match(working, { resultType: 'complete', taskId: idOf(begun), status: 'working' })
  end.resolve('done')
  await turn()
  const done = await get(idOf(begun))
  t.match(done, { resultType: 'complete', status: 'completed', result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }] } })
  t.notMatch(JSON.stringify(done), 'related-task')
})

t.test('a handler that answers at once has a task all the same', async (t) => {
  const { call, get } = open(t, () => 'at once')
  const begun = await call()
  t.equal(begun.result?.['resultType'], 'task')
  await turn()
  t.equal(textOf((await get(idOf(begun)))['result']), 'at once')
})

t.test('one handler serves clients with tasks and without', async (t) => {
  const { call, tasks } = open(t, ({ who }) => `Hello, ${String(who)}!`)
  for (const exchange of [exchangeOf(), exchangeOf({ clientCapabilities: { extensions: {} } }), exchangeOf({ clientCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': true } } })]) {
    t.match((await call({ who: 'A' }, exchange)).result, { resultType: 'complete', content: [{ text: 'Hello, A!' }] })
  }
  const legacy = exchangeOf({ revision: '2025-11-25', clientCapabilities: declared })
  t.strictSame((await call({ who: 'B' }, legacy)).result, { content: [{ type: 'text', text: 'Hello, B!' }] })
  t.equal(tasks.size, 0)
})

t.test('a tool that needs a task refuses clients that take none, each in the way of its era', async (t) => {
  let ran = false
  const { call } = open(t, () => { ran = true }, { support: 'required' })
  t.match(await call({}, exchangeOf()), { error: { code: -32021, data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } } }, params: { status: 400 } })
  const legacy = await call({}, exchangeOf({ revision: '2025-11-25', clientCapabilities: declared }))
  t.match(legacy.result, { isError: true, content: [{ text: /work is not available: it only runs as a task/ }] })
  t.notOk(ran)
})

t.test('arguments that do not fit are an answer of the call: no task is made', async (t) => {
  const { call, tasks } = open(t, () => 'never', {}, { inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'], additionalProperties: false } })
  for (const args of [{}, { n: 'x' }, { n: 1, m: 2 }]) t.match((await call(args)).result, { resultType: 'complete', isError: true })
  t.equal(tasks.size, 0)
})

t.test('what a handler throws is the result of its task, as it would be of the call', async (t) => {
  const { call, get } = open(t, async () => { throw new Error('out of paper') })
  const id = idOf(await call())
  await turn()
  t.match(await get(id), { status: 'completed', result: { isError: true, content: [{ text: 'out of paper' }] } })
})

t.test('what would have been an error of the call makes the task fail', async (t) => {
  const { call, get } = open(t, async (_args, context) => await context.sample([]))
  const id = idOf(await call())
  await turn()
  const failed = await get(id)
  t.match(failed, { status: 'failed', statusMessage: /sampling/, error: { code: -32021, data: { requiredCapabilities: { sampling: {} } } } })
  t.notOk('result' in failed)
})

t.test('the time of a call does not count in a task, the tool\'s own does', async (t) => {
  const { call, get } = open(t, () => new Promise(() => {}), {}, { timeoutMs: 5 })
  const id = idOf(await call())
  t.match((await call({}, exchangeOf())).result, { isError: true, content: [{ text: 'work did not finish within 5 ms.' }] }, 'without a task it does')
  t.equal((await get(id))['status'], 'working')

  const limited = open(t, () => new Promise(() => {}), { timeoutMs: 5 })
  const late = await ended(limited, idOf(await limited.call()))
  t.match(late, { status: 'completed', result: { isError: true, content: [{ text: 'work did not finish within 5 ms.' }] } })
})

t.test('a handler that starts its task gets the time of tasks from then on', async (t) => {
  const { call, get } = open(t, async (_args, context) => {
    await turn()
    await context.startTask()
    return await new Promise(() => {})
  }, { start: 'handler' }, { timeoutMs: 50 })
  const id = idOf(await call())
  t.match((await call({}, exchangeOf())).result, { isError: true }, 'the time of a call is over')
  t.equal((await get(id))['status'], 'working')
})

t.test('while the client is asked the time of the handler stands still', async (t) => {
  const opened = open(t, async ({ asks }, context) => asks === true ? (await context.elicit('Who?', form)).content?.['name'] : await new Promise(() => {}), { timeoutMs: 40 })
  const { call, get, ask } = opened
  const id = idOf(await call({ asks: true }))
  t.match(await ended(opened, idOf(await call())), { result: { isError: true } }, 'the time of one that began later is over')
  t.equal((await get(id))['status'], 'input_required')
  await ask('tasks/update', { taskId: id, inputResponses: { 'question-1': { action: 'accept', content: { name: 'Ann' } } } })
  await turn()
  t.equal(textOf((await get(id))['result']), 'Ann')
})

t.test('a handler in a task runs once and waits for its answers', async (t) => {
  let runs = 0
  const { call, get, ask } = open(t, async (_args, context) => {
    runs++
    const first = await context.elicit('First?', form, { key: 'a' })
    const [second, roots] = await Promise.all([context.elicit('Second?', form, { key: 'b' }), context.roots({ key: 'c' })])
    return `${String(first.content?.['name'])} ${String(second.content?.['name'])} ${roots.length}`
  })
  const id = idOf(await call())
  const update = async (inputResponses: JsonObject) => {
    const { result } = await ask('tasks/update', { taskId: id, inputResponses })
    t.strictSame(Object.keys(result ?? {}), ['resultType', '_meta'])
    await turn()
    return await get(id)
  }
  await turn()
  const asking = await get(id)
  t.match(asking, { status: 'input_required', inputRequests: { a: { method: 'elicitation/create', params: { mode: 'form', message: 'First?', requestedSchema: form } } } })
  t.notOk('requestState' in asking)
  t.strictSame(Object.keys((await update({ a: { action: 'accept', content: { name: 'x' } } }))['inputRequests'] as object), ['b', 'c'])
  t.strictSame(Object.keys((await update({ c: { roots: [] } }))['inputRequests'] as object), ['b'])
  t.equal(textOf((await update({ b: { action: 'accept', content: { name: 'y' } } }))['result']), 'x y 0')
  t.equal(runs, 1)
})

t.test('what a handler reads of its server in a task can ask, too', async (t) => {
  const { core, call, get, ask } = open(t, async (_args, context) => {
    const { contents } = await context.readResource('a://b')
    return JSON.stringify(contents)
  })
  const run = async (_args: JsonObject, context: HandlerContext) => ({ contents: [{ uri: 'a://b', text: String((await context.elicit('Which?', form, { key: 'which' })).content?.['name']) }] })
  const target = { kind: 'resource' as const, name: 'b', timeoutMs: 60_000, checkArguments: undefined, refuseArguments: () => { throw new Error('never') }, run }
  core.resources.add('a://b', { description: { uri: 'a://b', name: 'b' }, target, invoke: core.pipeline.compose(target), cacheHint: { ttlMs: 0, cacheScope: 'private' }, file: undefined } as never)
  const id = idOf(await call())
  await turn()
  t.equal((await get(id))['status'], 'input_required')
  await ask('tasks/update', { taskId: id, inputResponses: { which: { action: 'accept', content: { name: 'this' } } } })
  await turn()
  t.match(textOf((await get(id))['result']), '"text":"this"')
})

t.test('a cancelled task aborts the signal of its handler and stays cancelled', async (t) => {
  let signal: AbortSignal | undefined
  const end = deferred<string>()
  const { call, get, ask } = open(t, async (_args, context) => {
    signal = context.signal
    return await end.promise
  })
  const id = idOf(await call())
  const { result } = await ask('tasks/cancel', { taskId: id })
  t.strictSame(Object.keys(result ?? {}), ['resultType', '_meta'])
  t.equal((await get(id))['status'], 'cancelled')
  t.ok(signal?.aborted)
  end.resolve('too late')
  await turn()
  const state = await get(id)
  t.equal(state['status'], 'cancelled')
  t.notOk('result' in state || 'error' in state)
})

t.test('a handler that starts the task itself may answer before, without one', async (t) => {
  const { call, tasks, get } = open(t, async ({ quick }, context) => {
    if (quick === true) return 'quick'
    await context.startTask()
    await context.startTask()
    return 'slow'
  }, { start: 'handler', support: 'required' })
  t.match((await call({ quick: true })).result, { resultType: 'complete', content: [{ text: 'quick' }] })
  t.equal(tasks.size, 0)
  const begun = await call()
  t.equal(begun.result?.['resultType'], 'task')
  await turn()
  t.equal(textOf((await get(idOf(begun)))['result']), 'slow')
})

t.test('before its task a handler asks in rounds, in it through the task', async (t) => {
  let runs = 0
  const { call, ask, get } = open(t, async (_args, context) => {
    runs++
    const before = await context.elicit('Before?', form, { key: 'name' })
    await context.startTask()
    const inside = await context.elicit('Inside?', form, { key: 'name' })
    return `${String(before.content?.['name'])}, then ${String(inside.content?.['name'])}`
  }, { start: 'handler' })
  const first = (await call()).result ?? {}
  t.match(first, { resultType: 'input_required', inputRequests: { name: { params: { message: 'Before?' } } } })
  t.notOk('taskId' in first)
  const begun = await ask('tools/call', { name: 'work', arguments: {}, inputResponses: { name: { action: 'accept', content: { name: 'one' } } }, requestState: first['requestState'] })
  t.equal(begun.result?.['resultType'], 'task')
  t.notOk('requestState' in (begun.result ?? {}))
  await turn()
  t.match(await get(idOf(begun)), { status: 'input_required', inputRequests: { 'name-2': { params: { message: 'Inside?' } } } })
  await ask('tasks/update', { taskId: idOf(begun), inputResponses: { 'name-2': { action: 'accept', content: { name: 'two' } } } })
  await turn()
  t.equal(textOf((await get(idOf(begun)))['result']), 'one, then two')
  t.equal(runs, 2, 'one run for the round, one for the task')
})

t.test('a question that was asked before the task is answered before it', async (t) => {
  const { call, tasks } = open(t, async (_args, context) => {
    const answer = context.elicit('Who?', form)
    await context.startTask()
    return await answer
  }, { start: 'handler' })
  t.match((await call()).result, { resultType: 'input_required' })
  t.equal(tasks.size, 0)
})

t.test('a question that is asked while the task begins waits for it', async (t) => {
  const { call, get } = open(t, async (_args, context) => {
    const starting = context.startTask()
    const answer = context.elicit('Who?', form, { key: 'who' })
    await starting
    return await answer
  }, { start: 'handler' })
  const begun = await call()
  t.equal(begun.result?.['resultType'], 'task')
  await turn()
  t.match(await get(idOf(begun)), { status: 'input_required', inputRequests: { who: {} } })
})

t.test('a handler that does not wait for its task to begin has one all the same', async (t) => {
  const { call, get, tasks } = open(t, (_args, context) => {
    void context.startTask()
    return 'done'
  }, { start: 'handler' })
  const begun = await call()
  t.equal(begun.result?.['resultType'], 'task')
  await turn()
  t.equal(textOf((await get(idOf(begun)))['result']), 'done')
  t.equal(tasks.size, 0)
})

t.test('starting a task means nothing where there is none', async (t) => {
  const { call } = open(t, async (_args, context) => {
    await context.startTask()
    return 'done'
  }, { start: 'handler' })
  for (const exchange of [exchangeOf(), exchangeOf({ revision: '2025-06-18' })]) t.match((await call({}, exchange)).result, { content: [{ text: 'done' }] })
})

t.test('a handler can go on without the task that it was refused', async (t) => {
  const { call, begin } = open(t, async (_args, context) => {
    const refused = await context.startTask().then(() => undefined, (error: Error) => error)
    const answer = await context.elicit('Who?', form, { key: 'who' })
    return `${refused?.message ?? ''} ${answer.action}`
  }, { start: 'handler' }, { bounds: { maxTasks: 1 } })
  await begin()
  t.match((await call()).result, { resultType: 'input_required', inputRequests: { who: {} } })
})

t.test('a full server answers the call with a result that says so', async (t) => {
  const { call, begin } = open(t, () => 'never', {}, { bounds: { maxTasks: 1 } })
  await begin()
  t.match((await call()).result, { resultType: 'complete', isError: true, content: [{ text: /as many tasks as it may/ }] })
})

t.test('a client that goes away ends its call, but not its task', async (t) => {
  const contexts: HandlerContext[] = []
  const start = deferred()
  const { call, get } = open(t, async (_args, context) => {
    contexts.push(context)
    t.notOk(context.signal.aborted)
    await start.promise
    await context.startTask()
    return await new Promise(() => {})
  }, { start: 'handler' })
  const gone = ann()
  const ended = call({}, gone)
  await turn()
  gone.disconnect()
  t.strictSame(await ended, {})
  t.ok(contexts[0]?.signal.aborted)

  start.resolve()
  const staying = ann()
  const begun = await call({}, staying)
  staying.disconnect()
  await turn()
  t.notOk(contexts[1]?.signal.aborted)
  t.equal((await get(idOf(begun)))['status'], 'working')
})

t.test('a client that goes away while its task begins leaves none behind', async (t) => {
  let ran = false
  const exchange = ann()
  const { call, tasks, core } = open(t, () => { ran = true }, {}, {})
  const create = tasks.create.bind(tasks)
  tasks.create = async (...args) => {
    const task = await create(...args)
    args[2].abort(new CancelledError())
    return task
  }
  t.strictSame(await call({}, exchange), {})
  await turn()
  t.notOk(ran)
  t.equal(tasks.size, 0)
  t.equal(core.inFlight.size, 0)
})

t.test('progress and log messages go to the client until there is a task; then progress is its state', async (t) => {
  const step = deferred()
  const { ask, get } = open(t, async (_args, context) => {
    context.progress(1, 4, 'before')
    context.log('info', 'before')
    await context.startTask()
    context.progress(2, 4)
    context.log('info', 'inside')
    await step.promise
    context.progress(3, 4, 'nearly there')
    return await new Promise(() => {})
  }, { start: 'handler' })
  const exchange = ann({ logLevel: 'debug' })
  const begun = await ask('tools/call', { name: 'work', _meta: { progressToken: 'p' } }, exchange)
  await turn()
  t.equal((await get(idOf(begun)))['statusMessage'], '2 of 4')
  step.resolve()
  await turn()
  t.equal((await get(idOf(begun)))['statusMessage'], 'nearly there')
  t.match(exchange.sent, [{ method: 'notifications/progress', params: { message: 'before' } }, { method: 'notifications/message' }])
  t.equal(exchange.sent.length, 2)
})

t.test('progress is the state of a task even when the client asked for no reports', async (t) => {
  const { call, get } = open(t, async (_args, context) => {
    context.progress(1)
    return await new Promise(() => {})
  })
  const exchange = ann()
  const begun = await call({}, exchange)
  await turn()
  t.equal((await get(idOf(begun)))['statusMessage'], '1')
  t.strictSame(exchange.sent, [])
})

t.test('on a line, a cancel notification ends a call, but not a task', async (t) => {
  const contexts: HandlerContext[] = []
  const { core } = open(t, async ({ now }, context) => {
    contexts.push(context)
    if (now === true) await context.startTask()
    return await new Promise(() => {})
  }, { start: 'handler' })
  const written: Message[] = []
  const line = new LineConnection({
    core,
    logger: keepingLogger(),
    principal: { kind: 'local', name: 'local', permissions: ['*'], tier: undefined },
    requests: new ServerRequests(createBusMemory({ logger: keepingLogger() })),
    maxLineBytes: 10_000,
    write: (text) => { written.push(JSON.parse(text) as Message) }
  })
  const send = (message: JsonObject): void => { line.receive(JSON.stringify({ jsonrpc: '2.0', ...message })) }
  const _meta = envelope({ 'io.modelcontextprotocol/clientCapabilities': declared })
  const cancel = (requestId: number): void => { send({ method: 'notifications/cancelled', params: { requestId, _meta } }) }
  send({ id: 1, method: 'tools/call', params: { name: 'work', arguments: {}, _meta } })
  send({ id: 2, method: 'tools/call', params: { name: 'work', arguments: { now: true }, _meta } })
  await until('the task is there', () => written.length === 1)
  t.match(written, [{ id: 2, result: { resultType: 'task' } }])
  t.equal(core.inFlight.size, 1)
  cancel(1)
  cancel(2)
  await line.settled()
  t.strictSame(contexts.map(({ signal }) => signal.aborted), [true, false])
  t.equal(written.length, 1, 'a cancelled call has no answer')
  t.equal(core.inFlight.size, 0)
})

t.test('the methods ask for the extension, and each principal for its own', async (t) => {
  const { call, ask } = open(t, () => new Promise(() => {}))
  const id = idOf(await call())
  const bob = ann({ principal: { kind: 'local', name: 'bob', permissions: ['*'], tier: undefined } })
  const requests: [string, JsonObject][] = [['tasks/get', { taskId: id }], ['tasks/update', { taskId: id, inputResponses: {} }], ['tasks/cancel', { taskId: id }]]
  for (const [method, params] of requests) {
    t.match(await ask(method, params, exchangeOf()), { error: { code: -32021, data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } } }, params: { status: 400 } }, method)
    t.match(await ask(method, params, bob), { error: { code: -32602, message: /Unknown task/ } }, method)
    t.match(await ask(method, {}), { error: { code: -32602 } }, method)
    t.match(await ask(method, params, exchangeOf({ revision: '2025-11-25', clientCapabilities: declared })), { error: { code: -32601 } }, `${method} is of the 2026 era`)
  }
  t.match(await ask('tasks/update', { taskId: id, inputResponses: [] }), { error: { code: -32602, message: /inputResponses/ } })
  for (const method of ['tasks/result', 'tasks/list']) t.match(await ask(method, { taskId: id }), { error: { code: -32601 } })
})

t.test('without a tool for them, tasks are neither offered nor served', async (t) => {
  const { core, ask } = open(t, () => 1)
  const offered = async () => ((await ask('server/discover')).result?.['capabilities'] as JsonObject)['extensions']
  t.strictSame(await offered(), { 'io.modelcontextprotocol/tasks': {} })
  core.tools.replaceAll([])
  t.equal(await offered(), undefined)
  t.match(await ask('tasks/get', { taskId: 'x' }), { error: { code: -32601 }, params: { status: 404 } })
})

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

t.test('a task holds nothing of the request that began it', async (t) => {
  const { call, tasks } = open(t, async (_args, context) => {
    t.notOk(context.signal.aborted)
    return await new Promise(() => {})
  })
  const requests = await Promise.all(Array.from({ length: 5 }, async () => {
    const exchange = ann()
    await call({}, exchange)
    return new WeakRef(exchange)
  }))
  t.equal(tasks.size, 5)
  if (typeof collect !== 'function') throw new Error('Node gives no garbage collector.')
  const work = collect
  await until('the requests are let go', () => {
    work()
    return requests.every((request) => request.deref() === undefined)
  })
})
