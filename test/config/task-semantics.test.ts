import t from 'tap'
import { loadValue, soundTool } from '../helpers/load-text.ts'

const tool = (more: object, name = 'a') => ({ ...soundTool(name), ...more })
const server = (tasks: object) => ({ server: { tasks } })

t.test('a tool may run as a task, started by its call or by its handler', async (t) => {
  const tools = [tool({}, 'a'), tool({ task: 'optional' }, 'b'), tool({ task: 'required', taskStart: 'call' }, 'c'), tool({ task: 'optional', taskStart: 'handler' }, 'd')]
  t.strictSame((await loadValue(t, { tools })).faults, [])
})

t.test('words that are none of these are faults', async (t) => {
  const { faults } = await loadValue(t, { tools: [tool({ task: true }), tool({ task: 'forbidden' }, 'b'), tool({ task: 'optional', taskStart: 'later' }, 'c')] })
  t.match(faults.map(({ path }) => path), [['tools', 0, 'task'], ['tools', 1, 'task'], ['tools', 2, 'taskStart']])
})

t.test('who starts the task means nothing for a tool without one', async (t) => {
  const { faults } = await loadValue(t, { tools: [tool({ taskStart: 'handler' })] })
  t.match(faults, [{ path: ['tools', 0, 'taskStart'], message: '"taskStart" says nothing without "task".', suggestion: /Add "task"/ }])
})

t.test('only a handler that has the whole context can start its task', async (t) => {
  const handler = { type: 'inline', code: '() => 1' }
  const { faults } = await loadValue(t, { tools: [tool({ handler, task: 'optional', taskStart: 'handler' }), tool({ handler, task: 'optional', taskStart: 'call' }, 'b')] })
  t.match(faults, [{ path: ['tools', 0, 'taskStart'], message: /Only file and registry handlers/ }])
  t.equal(faults.length, 1)
})

t.test('a task is kept at least as long as it may run', async (t) => {
  t.match((await loadValue(t, server({ ttl: 60_000 }))).faults, [{ path: ['server', 'tasks', 'ttl'], suggestion: 'Raise "ttl" to 3600000 or more, or lower "maxDuration".' }])
  t.strictSame((await loadValue(t, server({ ttl: 60_000, maxDuration: 60_000 }))).faults, [])
})

t.test('there is room for one result at least', async (t) => {
  t.match((await loadValue(t, server({ maxResultSize: '2mb', maxTotalSize: '1mb' }))).faults, [{ path: ['server', 'tasks', 'maxTotalSize'] }])
  t.strictSame((await loadValue(t, server({ maxResultSize: '1mb', maxTotalSize: '1mb' }))).faults, [])
})

t.test('a bound that fits no schema is one fault, not two', async (t) => {
  const { faults } = await loadValue(t, server({ ttl: 'long', maxResultSize: 'much' }))
  t.equal(faults.length, 2)
})
