import { join } from 'node:path'
import t from 'tap'
import { build, modern, type GantryApp, type JsonObject } from '../../helpers/build.ts'
import { deferred } from '../../helpers/waiting.ts'
import { callLive, listen, LiveSession } from '../../helpers/live.ts'

/** What a handler asks of others works in a thread as it does in the server. */

const gate = deferred()
const names = ['think', 'visit', 'look', 'tell', 'leave']

async function open (t: { teardown (fn: () => unknown): unknown }): Promise<GantryApp> {
  const handler = (name: string) => ({ type: 'file', path: 'asking.mjs', export: name, isolation: 'worker' })
  return await build(t, {
    tools: [
      ...names.map((name) => ({ name, inputSchema: { type: 'object' }, handler: handler(name) })),
      { name: 'later', inputSchema: { type: 'object' }, task: 'required', taskStart: 'handler', handler: handler('later') }
    ],
    resources: [
      { uri: 'test://greeting', name: 'greeting', content: 'Hello.' },
      { uri: 'test://gate', name: 'gate', handler: { type: 'registry', name: 'gate' } }
    ]
  }, { baseDir: join(import.meta.dirname, 'fixtures'), handlers: { gate: async () => { await gate.promise; return 'open' } } })
}

t.test('handlers in threads', async (t) => {
  const app = await open(t)
  const address = await listen(app)

  const clientCapabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
  const questions: [name: string, key: string, method: string, answer: JsonObject, text: string][] = [
    ['think', 'thought', 'sampling/createMessage', { role: 'assistant', model: 'm', content: { type: 'text', text: 'yes' } }, 'm says yes'],
    ['visit', 'visit', 'elicitation/create', { action: 'accept' }, 'accept'],
    ['look', 'places', 'roots/list', { roots: [{ uri: 'file:///here' }] }, 'file:///here']
  ]
  for (const [name, key, method, answer, text] of questions) {
    t.test(`ask the client by ${method}, and run again with its answer`, async (t) => {
      const meta = { 'io.modelcontextprotocol/clientCapabilities': clientCapabilities }
      const asked = (await modern(app, 'tools/call', { name, arguments: {} }, { meta })).message.result
      t.match(asked, { resultType: 'input_required', inputRequests: { [key]: { method } } })
      const again = { name, arguments: {}, requestState: asked?.['requestState'], inputResponses: { [key]: answer } }
      t.match((await modern(app, 'tools/call', again, { meta })).message.result, { content: [{ text }] })
    })
  }

  t.test('go on as a task', async (t) => {
    const meta = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
    const made = (await modern(app, 'tools/call', { name: 'later', arguments: {} }, { meta })).message.result
    t.match(made, { resultType: 'task', taskId: String })
    let task: JsonObject | undefined
    do task = (await modern(app, 'tasks/get', { taskId: made?.['taskId'] }, { meta })).message.result
    while (task?.['status'] === 'working')
    t.match(task, { status: 'completed', result: { content: [{ text: 'done as a task' }] } })
  })

  t.test('tell clients of a change', async (t) => {
    const stream = await callLive(address, 'subscriptions/listen', { notifications: { resourceSubscriptions: ['test://greeting'] } })
    t.match(await stream.message(), { method: 'notifications/subscriptions/acknowledged' })
    t.match((await modern(app, 'tools/call', { name: 'tell', arguments: {} })).message.result, { content: [{ text: 'told' }] })
    t.match(await stream.message(), { method: 'notifications/resources/updated', params: { uri: 'test://greeting' } })
    stream.cut()
  })

  t.test('let go of the connection, and the client comes back for the rest', async (t) => {
    const session = await LiveSession.open(address)
    const stream = await session.call('tools/call', { name: 'leave', arguments: {} }, { meta: { progressToken: 'p' } })
    const events = []
    for (let event = await stream.event(); event !== undefined; event = await stream.event()) events.push(event)
    t.match(events.at(-1), { retry: '50' })
    const resumed = await session.get({ lastEventId: events.findLast(({ id }) => id !== undefined)?.id })
    gate.resolve()
    t.match(await resumed.message(), { result: { content: [{ text: 'came back' }] } })
  })
})
