import t from 'tap'
import { CancelledError, TaskLostError, ToolTimeoutError } from '../../../src/core/call-errors.ts'
import { InternalError, MissingCapabilityError } from '../../../src/core/errors.ts'
import { formInquiry, rootsInquiry, type Inquiry } from '../../../src/core/inquiry.ts'
import type { JsonObject } from '../../../src/core/ports.ts'
import type { TaskRecord, TaskStore } from '../../../src/core/tasks/record.ts'
import { createTaskMemory } from '../../../src/stores/task-memory.ts'
import { turn, until } from '../../helpers/waiting.ts'
import { failureOf, hourMs, openTasks, testCall } from './support.ts'

const name: Inquiry = formInquiry('Who?', { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }, '2026-07-28')
const accept = (value: unknown): JsonObject => ({ action: 'accept', content: { name: value } })
const failureText = ({ message }: Error): string => JSON.stringify({ isError: true, message })

t.test('a task is there from the moment it is handed out, and only for its owner', async (t) => {
  const { tasks, begin } = openTasks(t)
  const { task } = await begin()
  t.match(await tasks.get(task.record.id, 'ann'), { status: 'working', principal: 'ann', ttlMs: 2 * hourMs, pollIntervalMs: 500 })
  await t.rejects(tasks.get(task.record.id, 'bob'), { code: 'MCP_TASK_UNKNOWN' })
})

t.test('no task, an expired one and somebody else\'s look exactly alike, whatever is asked', async (t) => {
  const { tasks, begin, pass } = openTasks(t)
  const expired = (await begin()).task
  expired.complete('{}', failureText)
  await turn()
  pass(2 * hourMs)
  const { task: foreign, call } = await begin('bob')
  const failures = []
  for (const id of ['never', expired.record.id, foreign.record.id, '', 'x'.repeat(10_000)]) {
    for (const ask of [() => tasks.get(id, 'ann'), () => tasks.answer(id, 'ann', {}), () => tasks.cancel(id, 'ann')]) {
      const { message, code, data } = await failureOf(ask())
      failures.push({ message, code, data })
    }
  }
  t.equal(new Set(failures.map((failure) => JSON.stringify(failure))).size, 1)
  t.notMatch(failures[0]?.message, foreign.record.id)
  t.notOk(call.signal.aborted, 'and the task of the other is not touched')
  t.equal((await tasks.get(foreign.record.id, 'bob')).status, 'working')
})

t.test('an id that is no text is a fault of the request', async (t) => {
  const { tasks } = openTasks(t)
  for (const id of [undefined, null, 5, {}, ['x']]) await t.rejects(tasks.get(id, 'ann'), { code: 'MCP_INVALID_PARAMS' })
})

t.test('ids cannot be guessed', async (t) => {
  const { begin } = openTasks(t)
  const ids = await Promise.all(Array.from({ length: 50 }, async () => (await begin()).task.record.id))
  t.equal(new Set(ids).size, 50)
  for (const id of ids) t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

t.test('a result is kept until the time of the task is over, and then it is gone', async (t) => {
  const { begin, look, pass } = openTasks(t)
  const { task } = await begin()
  task.complete('{"content":[]}', failureText)
  await turn()
  pass(2 * hourMs - 1)
  t.match(await look(task), { status: 'completed', outcome: '{"content":[]}' })
  pass(1)
  await t.rejects(look(task), { code: 'MCP_TASK_UNKNOWN' })
})

t.test('a task that still runs when its time is over is gone as well', async (t) => {
  const { tasks, begin, look, pass } = openTasks(t)
  const { task } = await begin()
  pass(2 * hourMs)
  t.equal(tasks.size, 1)
  await t.rejects(look(task), { code: 'MCP_TASK_UNKNOWN' })
})

t.test('a failure is kept as the error that the call would have been answered with', async (t) => {
  const { begin, look, lines } = openTasks(t)
  const [known, unknown] = [(await begin()).task, (await begin()).task]
  known.fail(new MissingCapabilityError('roots', { roots: {} }))
  unknown.fail(new Error('the password is 1234'))
  const record = await look(known)
  t.match(record, { status: 'failed', statusMessage: /roots/ })
  t.match(JSON.parse(record.outcome ?? ''), { code: -32021, message: String, data: { requiredCapabilities: { roots: {} } } })
  const masked = await look(unknown)
  t.match(JSON.parse(masked.outcome ?? ''), { code: -32603, message: new InternalError().message })
  t.notMatch(JSON.stringify(masked), '1234')
  t.match(lines, [{ level: 'error', facts: { taskId: unknown.record.id } }])
})

t.test('questions are shown until they are answered, one by one', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const { task, call } = await begin()
  const { id } = task.record
  const asked = Promise.all([task.ask('a', name, call.signal), task.ask('b', name, call.signal), task.ask('c', rootsInquiry, call.signal)])
  const shown = async () => Object.keys(JSON.parse((await look(task)).inputs ?? '{}') as object)
  t.equal((await look(task)).status, 'input_required')
  t.strictSame(await shown(), ['a', 'b', 'c'])

  await tasks.answer(id, 'ann', { b: accept('Bo'), unknown: { ignored: true } })
  t.strictSame(await shown(), ['a', 'c'])
  await tasks.answer(id, 'ann', { b: accept('too late'), c: { roots: [{ uri: 'file:///a' }] } })
  t.strictSame(await shown(), ['a'])
  await tasks.answer(id, 'ann', { a: { action: 'decline', content: { name: 5 } } })
  t.match(await look(task), { status: 'working', inputs: undefined })
  t.strictSame(await asked, [{ action: 'decline' }, { action: 'accept', content: { name: 'Bo' } }, [{ uri: 'file:///a' }]])
})

t.test('of two answers that come at once, the first counts', async (t) => {
  const { tasks, begin } = openTasks(t)
  const { task, call } = await begin()
  const asked = task.ask('a', name, call.signal)
  const other = task.ask('b', name, call.signal)
  await Promise.all([
    tasks.answer(task.record.id, 'ann', { a: accept('first') }),
    tasks.answer(task.record.id, 'ann', { a: accept('second'), b: accept('mine') }),
    tasks.answer(task.record.id, 'ann', { b: accept('late') })
  ])
  t.strictSame(await asked, { action: 'accept', content: { name: 'first' } })
  t.strictSame(await other, { action: 'accept', content: { name: 'mine' } })
})

t.test('an answer that does not fit is refused, and nothing that came with it is taken', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const { task, call } = await begin()
  const asked = Promise.all([task.ask('a', name, call.signal), task.ask('b', name, call.signal)])
  for (const wrong of [accept(5), {}, null, 'x', { action: 'maybe' }, { action: 'accept' }]) {
    await t.rejects(tasks.answer(task.record.id, 'ann', { a: accept('x'), b: wrong }), { code: 'MCP_INVALID_PARAMS', message: /"b"/ })
  }
  t.strictSame(Object.keys(JSON.parse((await look(task)).inputs ?? '') as object), ['a', 'b'])
  await tasks.answer(task.record.id, 'ann', { a: accept('x'), b: accept('y') })
  t.match(await asked, [{ content: { name: 'x' } }, { content: { name: 'y' } }])
})

t.test('a key stands for one question in the whole life of a task', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const { task, call } = await begin()
  const keys = []
  for (let round = 0; round < 3; round++) {
    const asked = task.ask('name', name, call.signal)
    const [key = ''] = Object.keys(JSON.parse((await look(task)).inputs ?? '{}') as object)
    keys.push(key)
    await tasks.answer(task.record.id, 'ann', { [key]: accept(`${round}`) })
    t.match(await asked, { content: { name: `${round}` } })
  }
  t.strictSame(keys, ['name', 'name-2', 'name-3'])
})

t.test('keys may have names that objects have by themselves', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const { task, call } = await begin()
  const asked = Promise.all(['__proto__', 'constructor', 'toString'].map(async (key) => await task.ask(key, name, call.signal)))
  t.equal((await look(task)).status, 'input_required')
  await tasks.answer(task.record.id, 'ann', {})
  t.strictSame(Object.keys(JSON.parse((await look(task)).inputs ?? '') as object), ['__proto__', 'constructor', 'toString'])
  await tasks.answer(task.record.id, 'ann', JSON.parse('{"__proto__":{"action":"cancel"},"constructor":{"action":"cancel"},"toString":{"action":"cancel"}}') as JsonObject)
  t.strictSame(await asked, [{ action: 'cancel' }, { action: 'cancel' }, { action: 'cancel' }])
})

t.test('a cancel ends the task at once and tells the handler', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const { task, call } = await begin()
  const asked = failureOf(task.ask('a', name, call.signal))
  await tasks.cancel(task.record.id, 'ann')
  t.match(await look(task), { status: 'cancelled', inputs: undefined, outcome: undefined })
  t.ok(call.abortReason instanceof CancelledError)
  t.ok(await asked instanceof CancelledError)
  await t.rejects(task.ask('b', name, call.signal), { code: 'MCP_CANCELLED' })
  await tasks.answer(task.record.id, 'ann', { a: accept('x') })
  await tasks.cancel(task.record.id, 'ann')
  t.equal((await look(task)).status, 'cancelled')
})

t.test('of a cancel and a result, whichever is first stays', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const [cancelled, completed] = [await begin(), await begin()]
  const cancel = tasks.cancel(cancelled.task.record.id, 'ann')
  await cancel
  cancelled.task.complete('"late"', failureText)
  cancelled.task.fail(new Error('late'))
  completed.task.complete('"first"', failureText)
  await tasks.cancel(completed.task.record.id, 'ann')
  await turn()
  t.match(await look(cancelled.task), { status: 'cancelled', outcome: undefined })
  t.match(await look(completed.task), { status: 'completed', outcome: '"first"' })
  t.notOk(completed.call.signal.aborted)

  const { task } = await begin()
  task.cancel(new CancelledError())
  task.complete('"in the same turn"', failureText)
  t.match(task.record, { status: 'cancelled', outcome: undefined }, 'nobody sees it change')
})

t.test('progress is shown, shortened, and not after the end', async (t) => {
  const { begin, look } = openTasks(t)
  const { task } = await begin()
  task.say('halfway')
  t.match(await look(task), { status: 'working', statusMessage: 'halfway' })
  task.say('x'.repeat(5_000))
  t.equal((await look(task)).statusMessage?.length, 500)
  task.complete('1', failureText)
  task.say('still there')
  t.match(await look(task), { status: 'completed', statusMessage: undefined })
})

t.test('many messages in a short time are kept once, and the last is not lost', async (t) => {
  const { tasks, store, begin } = openTasks(t)
  const { task } = await begin()
  for (let each = 1; each <= 100; each++) task.say(`${each}`)
  await turn()
  t.match(await store.get(task.record.id), { statusMessage: '1' })
  t.match(await tasks.get(task.record.id, 'ann'), { statusMessage: '100' }, 'the instance that runs it knows the newest')
  await until('the last is kept', () => (store.get(task.record.id) as TaskRecord | undefined)?.statusMessage === '100')
})

t.test('a task that takes too long is given up', async (t) => {
  const { begin } = openTasks(t, { limits: { maxDurationMs: 20 } })
  const { call } = await begin()
  await until('the call is given up', () => call.signal.aborted)
  t.ok(call.abortReason instanceof ToolTimeoutError)
  t.match(call.abortReason, { message: 'work did not finish within 20 ms.' })
})

t.test('no task runs longer than it is kept', async (t) => {
  const { begin } = openTasks(t, { limits: { ttlMs: 20 } })
  const { call } = await begin()
  await until('the call is given up', () => call.signal.aborted)
})

t.test('a server that is full refuses the call', async (t) => {
  const { begin, pass } = openTasks(t, { bounds: { maxTasks: 3, maxTasksPerPrincipal: 2 } })
  await begin()
  await begin()
  await t.rejects(begin(), { code: 'MCP_TASK_LIMIT' })
  await begin('bob')
  await t.rejects(begin('carol'), { code: 'MCP_TASK_LIMIT' })
  pass(2 * hourMs)
  await begin()
})

t.test('a result that is larger than may be kept is a failure of the tool', async (t) => {
  const { begin, look } = openTasks(t)
  const { task } = await begin()
  task.complete(`"${'語'.repeat(40_000)}"`, failureText)
  await turn()
  t.match(await look(task), { status: 'completed', outcome: /isError.*120002 bytes; 100000 may be sent/ })
})

t.test('a question that is larger than may be kept is refused, and the task goes on', async (t) => {
  const { begin, look } = openTasks(t)
  const { task, call } = await begin()
  await t.rejects(task.ask('a', { ...rootsInquiry, params: { x: 'x'.repeat(100_000) } }, call.signal), { code: 'MCP_TOOL_FAILED', message: /larger/ })
  t.equal((await look(task)).status, 'working')
})

t.test('when the store has no room, a result becomes a failure that fits, and a question ends the call', async (t) => {
  const { begin, look } = openTasks(t, { bounds: { maxTotalBytes: 100_000 } })
  const [large, ending, asking] = [await begin(), await begin(), await begin()]
  large.task.complete(`"${'x'.repeat(80_000)}"`, failureText)
  ending.task.complete(`"${'x'.repeat(80_000)}"`, failureText)
  const asked = failureOf(asking.task.ask('a', { ...rootsInquiry, params: { x: 'x'.repeat(50_000) } }, asking.call.signal))
  await turn()
  t.match(await look(large.task), { status: 'completed', outcome: /xxx/ })
  t.match(await look(ending.task), { status: 'completed', outcome: /isError.*no room/ })
  t.match(await asked, { code: 'MCP_TOOL_FAILED', message: /no room/ })
})

t.test('tasks that run when the server ends have failed, and no new one begins', async (t) => {
  const { tasks, begin, look } = openTasks(t)
  const [running, asking, done] = [await begin(), await begin(), await begin()]
  const asked = failureOf(asking.task.ask('a', name, asking.call.signal))
  done.task.complete('1', failureText)
  await tasks.close()
  for (const { task, call } of [running, asking]) {
    t.match(await look(task), { status: 'failed', outcome: /"code":-32603/, statusMessage: new TaskLostError().message })
    t.ok(call.abortReason instanceof TaskLostError)
  }
  t.ok(await asked instanceof TaskLostError)
  t.equal((await look(done.task)).status, 'completed')
  t.equal(tasks.size, 0)
  await t.rejects(begin(), { code: 'MCP_TASK_LOST' })
})

t.test('nothing is held of a task that has ended but what is kept', async (t) => {
  const { tasks, begin } = openTasks(t)
  const begun = await Promise.all(Array.from({ length: 20 }, async () => await begin()))
  t.equal(tasks.size, 20)
  begun.forEach(({ task }, index) => {
    if (index % 3 === 0) task.complete('1', failureText)
    else if (index % 3 === 1) task.fail(new Error('x'))
    else task.cancel(new CancelledError())
  })
  await until('all are let go', () => tasks.size === 0)
})

t.test('any instance tells of a task, answers it and ends it', async (t) => {
  const here = openTasks(t)
  const there = openTasks(t, { shared: here })
  const { task, call } = await here.begin()
  const asked = task.ask('a', name, call.signal)
  t.match(await there.look(task), { status: 'input_required' })
  await t.rejects(there.tasks.answer(task.record.id, 'ann', { a: accept(5) }), { code: 'MCP_INVALID_PARAMS' })
  await t.rejects(there.tasks.answer(task.record.id, 'bob', { a: accept('x') }), { code: 'MCP_TASK_UNKNOWN' })
  await there.tasks.answer(task.record.id, 'ann', { a: accept('from afar'), other: 1 })
  t.match(await asked, { content: { name: 'from afar' } })
  await there.tasks.cancel(task.record.id, 'ann')
  await turn()
  t.ok(call.abortReason instanceof CancelledError)
  t.equal((await there.look(task)).status, 'cancelled')
})

t.test('what comes over the bus and makes no sense harms nothing', async (t) => {
  const { bus, begin, look } = openTasks(t)
  const { task, call } = await begin()
  const asked = task.ask('a', name, call.signal)
  const channel = `tasks:${task.record.instance}`
  for (const event of [{}, { kind: 'cancel' }, { kind: 'cancel', id: 'unknown' }, { kind: 'answer', id: task.record.id }, { kind: 'answer', id: task.record.id, answers: { a: accept(7), b: 1 } }, { kind: 'other', id: task.record.id }]) {
    await bus.publish(channel, event)
  }
  await turn()
  t.equal((await look(task)).status, 'input_required')
  await bus.publish(channel, { kind: 'answer', id: task.record.id, answers: { a: accept('x') } })
  t.match(await asked, { content: { name: 'x' } })
})

t.test('a task that was ended elsewhere ends here, too', async (t) => {
  const { store, begin } = openTasks(t)
  const { task, call } = await begin()
  await store.update({ ...task.record, status: 'failed', outcome: '{"code":-32603,"message":"lost"}' })
  task.say('still here')
  await turn()
  t.ok(call.signal.aborted)
  t.match(await store.get(task.record.id), { status: 'failed' })
})

t.test('while the store is away no task begins, and a result waits until it is back', async (t) => {
  const inner = createTaskMemory({ maxTasks: 10, maxTasksPerPrincipal: 10, maxTotalBytes: 1_000_000, clock: { now: () => Date.now() } })
  let isAway = false
  const reach = (): TaskStore => {
    if (isAway) throw new Error('away')
    return inner
  }
  const store: TaskStore = {
    create: async (record) => await reach().create(record),
    get: async (id) => await reach().get(id),
    update: async (record) => await reach().update(record),
    renew: async (instance) => { await reach().renew(instance) },
    close: () => inner.close()
  }
  const { tasks, begin, look } = openTasks(t, { store })
  const { task } = await begin()
  isAway = true
  await t.rejects(begin(), { message: 'away' })
  task.complete('"late"', failureText)
  await turn()
  t.match(await look(task), { status: 'completed' }, 'whoever asks here gets it all the same')
  isAway = false
  await until('it is kept', () => tasks.size === 0)
  t.match(await store.get(task.record.id), { status: 'completed', outcome: '"late"' })
})

t.test('a server that ends while the store is away does not wait for it', async (t) => {
  const record: TaskRecord[] = []
  const away = (): never => { throw new Error('away') }
  const { tasks, begin } = openTasks(t, { store: { create: (made) => record.push(made) > 0, get: () => record[0], update: away, renew: away, close: () => {} } })
  const { call } = await begin()
  await tasks.close()
  t.ok(call.signal.aborted)
  t.equal(tasks.size, 0)
})

t.test('a call that was given up while its task was made leaves no running task', async (t) => {
  const { tasks } = openTasks(t)
  const call = testCall()
  const creating = tasks.create('ann', 'work', call)
  const closing = tasks.close()
  const task = await creating
  await closing
  t.ok(call.signal.aborted)
  t.equal(task.record.status, 'failed')
})
