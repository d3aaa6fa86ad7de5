import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { StateUnavailableError } from '../../../src/core/errors.ts'
import { rootsInquiry } from '../../../src/core/inquiry.ts'
import type { EventBus } from '../../../src/core/bus.ts'
import type { TaskRecord } from '../../../src/core/tasks/record.ts'
import { TaskWatch } from '../../../src/core/tasks/task-watch.ts'
import { turn, until } from '../../helpers/waiting.ts'
import { openTasks, type OpenedTasks } from './support.ts'

const failureText = (): string => '{"isError":true}'
const unknown = '00000000-0000-4000-8000-000000000000'

interface Watched { watch: TaskWatch, told: TaskRecord[], states: () => string[] }

/** Watches tasks as ann, unless another is named, and keeps what is told. */
async function watch (t: Test, { tasks }: OpenedTasks, ids: readonly string[], principal = 'ann'): Promise<Watched> {
  const watch = await TaskWatch.open(tasks, ids, principal)
  t.teardown(() => { watch.stop() })
  const told: TaskRecord[] = []
  watch.begin((record) => { told.push(record) })
  return { watch, told, states: () => told.map(({ status, statusMessage }) => statusMessage === undefined ? status : `${status}: ${statusMessage}`) }
}

t.test('a watch begins with the state of each task, and then tells each change once, to the end', async (t) => {
  const opened = openTasks(t)
  const { task } = await opened.begin()
  const { told, states } = await watch(t, opened, [task.record.id])
  t.strictSame(states(), ['working'])
  const asking = task.ask('places', rootsInquiry, new AbortController().signal)
  await until('the question is told', () => told.length === 2)
  t.match(told[1], { status: 'input_required', inputs: /roots\/list/ })
  task.answer({ places: { roots: [] } })
  await asking
  await until('the answer is told', () => told.length === 3)
  task.say('Half of it.')
  await until('the message is told', () => told.length === 4)
  task.complete('{"content":[]}', failureText)
  await until('the end is told', () => told.length === 5)
  await turn()
  t.strictSame(states(), ['working', 'input_required', 'working', 'working: Half of it.', 'completed'])
  t.equal(told[4]?.outcome, '{"content":[]}')
})

t.test('each instance hears of it, whichever runs the task', async (t) => {
  const here = openTasks(t)
  const there = openTasks(t, { shared: here })
  const { task } = await here.begin()
  const { told } = await watch(t, there, [task.record.id])
  task.cancel(new Error('enough'))
  await until('the end is told', () => told.length === 2)
  t.strictSame(told.map(({ status }) => status), ['working', 'cancelled'])
})

t.test('what does not exist, or not for this caller, is not watched, and nothing of it is ever told', async (t) => {
  const opened = openTasks(t)
  const [mine, theirs] = [await opened.begin(), await opened.begin('bob')]
  const { watch: watched, told } = await watch(t, opened, [unknown, theirs.task.record.id, mine.task.record.id, mine.task.record.id, 'x'.repeat(10_000), ''])
  t.strictSame(watched.ids, [mine.task.record.id])
  theirs.task.complete('{"secret":1}', failureText)
  mine.task.complete('{}', failureText)
  await until('the end is told', () => told.length === 2)
  await turn()
  t.strictSame(told.map(({ id, status }) => [id, status]), [[mine.task.record.id, 'working'], [mine.task.record.id, 'completed']])
})

t.test('of a task that has ended, the end is told at once', async (t) => {
  const opened = openTasks(t)
  const { task } = await opened.begin()
  task.complete('{}', failureText)
  await turn()
  t.strictSame((await watch(t, opened, [task.record.id])).states(), ['completed'])
})

t.test('nothing is told before the watch begins, and nothing is missed until then', async (t) => {
  const opened = openTasks(t)
  const { task } = await opened.begin()
  const watched = await TaskWatch.open(opened.tasks, [task.record.id], 'ann')
  task.complete('{}', failureText)
  await turn()
  const told: string[] = []
  watched.begin(({ status }) => { told.push(status) })
  t.strictSame(told, ['completed'])
  watched.stop()
})

t.test('what changes while the watch is being opened is not missed', async (t) => {
  const here = openTasks(t)
  const { task } = await here.begin()
  const bus: EventBus = {
    ...here.bus,
    async subscribe (channel, listener, options) {
      if (channel.startsWith('task:')) await here.store.update({ ...task.record, status: 'completed', outcome: '{}', updatedAt: task.record.updatedAt + 1 })
      return await here.bus.subscribe(channel, listener, options)
    }
  }
  const there = openTasks(t, { shared: { store: here.store, bus } })
  t.strictSame((await watch(t, there, [task.record.id])).states(), ['completed'])
})

t.test('a watch that was stopped hears nothing more, and others go on', async (t) => {
  const opened = openTasks(t)
  const { task } = await opened.begin()
  const [one, other] = [await watch(t, opened, [task.record.id]), await watch(t, opened, [task.record.id])]
  one.watch.stop()
  one.watch.stop()
  task.say('Going on.')
  await until('the other hears of it', () => other.told.length === 2)
  t.equal(one.told.length, 1)
})

t.test('nobody listens for a task any more when nobody watches it, or it has ended', async (t) => {
  const inner = openTasks(t)
  let listening = 0
  const bus: EventBus = {
    publish: (channel, event) => inner.bus.publish(channel, event),
    async subscribe (channel, listener, options) {
      const leave = await inner.bus.subscribe(channel, listener, options)
      if (!channel.startsWith('task:')) return leave
      listening++
      return () => { listening--; leave() }
    },
    close: () => {}
  }
  const opened = openTasks(t, { shared: { store: inner.store, bus } })
  const [first, second] = [(await opened.begin()).task, (await opened.begin()).task]
  const watches = [await watch(t, opened, [first.record.id, second.record.id]), await watch(t, opened, [first.record.id])]
  t.equal(listening, 2, 'once for each task')
  watches[0]?.watch.stop()
  await turn()
  t.equal(listening, 1)
  first.complete('{}', failureText)
  await until('it is over', () => listening === 0)
})

t.test('a change that nobody told of is found all the same, as when the instance of a task is lost', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => { mock.timers.reset() })
  const here = openTasks(t)
  const there = openTasks(t, { shared: here })
  const { task } = await here.begin()
  const { told } = await watch(t, there, [task.record.id])
  await there.store.update({ ...task.record, status: 'failed', outcome: '{"code":-32603}', updatedAt: task.record.updatedAt - 5 })
  await turn()
  t.equal(told.length, 1)
  mock.timers.tick(15_000)
  await until('it is found', () => told.length === 2)
  t.equal(told[1]?.status, 'failed', 'even where the clocks of two instances differ')
  mock.timers.tick(60_000)
  await turn()
  t.equal(told.length, 2)
})

t.test('an older state never comes after a newer one, and equal ones are told once', async (t) => {
  const opened = openTasks(t)
  const { task } = await opened.begin()
  const { told } = await watch(t, opened, [task.record.id])
  const announce = async (): Promise<void> => { await opened.bus.publish(`task:${task.record.id}`, {}) }
  await announce()
  await announce()
  await turn()
  t.equal(told.length, 1)
  task.say('One.')
  await until('it is told', () => told.length === 2)
  await announce()
  await turn()
  t.equal(told.length, 2)
})

t.test('a watch that cannot be opened leaves nothing, and says why', async (t) => {
  const inner = openTasks(t)
  let isAway = true
  const bus: EventBus = { ...inner.bus, subscribe: (channel, listener, options) => { if (isAway && channel.startsWith('task:')) throw new StateUnavailableError(); return inner.bus.subscribe(channel, listener, options) } }
  const opened = openTasks(t, { shared: { store: inner.store, bus } })
  const { task } = await opened.begin()
  await t.rejects(TaskWatch.open(opened.tasks, [task.record.id], 'ann'), { code: 'MCP_STATE_UNAVAILABLE' })
  isAway = false
  const { told } = await watch(t, opened, [task.record.id])
  task.complete('{}', failureText)
  await until('the end is told to whoever comes when the bus is back', () => told.length === 2)
})

t.test('while the bus is away, tasks go on and are found later', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => { mock.timers.reset() })
  const inner = openTasks(t)
  let isAway = false
  const bus: EventBus = { ...inner.bus, publish: (channel, event) => { if (isAway) throw new StateUnavailableError(); return inner.bus.publish(channel, event) } }
  const opened = openTasks(t, { shared: { store: inner.store, bus } })
  const { task } = await opened.begin()
  const { told } = await watch(t, opened, [task.record.id])
  isAway = true
  task.complete('{}', failureText)
  await turn()
  t.match(await opened.look(task), { status: 'completed' })
  t.equal(told.length, 1)
  mock.timers.tick(15_000)
  await until('it is found', () => told.length === 2)
})
