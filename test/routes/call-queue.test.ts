import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { defineTool } from '../../src/tools/define-tool.ts'
import { build, envelope, legacyRevisions, modern, openSession, rest, textOf, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { askOverLine } from '../helpers/line-client.ts'
import { loadValue, soundTool } from '../helpers/load-text.ts'
import { deferred, turn, until } from '../helpers/waiting.ts'

const inputSchema = { type: 'object' }
const meta = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } }

/** A tool whose calls end when they are told to, in the order in which they began. */
async function open (t: Test, limits: JsonObject): Promise<{ app: GantryApp, begun: number[], ends: (() => void)[], most: () => number }> {
  const begun: number[] = []
  const ends: (() => void)[] = []
  let running = 0
  let most = 0
  const app = await build(t, { tools: [{ name: 'work', inputSchema, task: 'optional', ...limits }, { name: 'free', inputSchema }] }, {
    tools: {
      free: () => 'free',
      work: async ({ n }) => {
        begun.push(Number(n))
        most = Math.max(most, ++running)
        const end = deferred()
        ends.push(() => { end.resolve() })
        await end.promise
        running--
        return `done ${String(n)}`
      }
    }
  })
  return { app, begun, ends, most: () => most }
}
const slotsOf = (app: GantryApp): JsonObject => {
  const slots = app.core.tools.get('work')?.target.slots
  return { running: slots?.running, waiting: slots?.waiting }
}

t.test('no more calls run at once than may, whatever doors they came by, and each gets its own answer', async (t) => {
  const { app, begun, ends, most } = await open(t, { maxConcurrent: 2 })
  const session = await openSession(app)
  const doors = [
    async (n: number) => textOf(await modern(app, 'tools/call', { name: 'work', arguments: { n } })),
    async (n: number) => textOf(await session.call('tools/call', { name: 'work', arguments: { n } }, { id: n })),
    async (n: number) => JSON.stringify((await rest(app, 'work', { n })).body),
    async (n: number) => JSON.stringify(await askOverLine(app, { jsonrpc: '2.0', id: n, method: 'tools/call', params: { name: 'work', arguments: { n }, _meta: envelope() } }))
  ]
  const answers: Promise<string>[] = []
  for (let n = 0; n < 12; n++) {
    answers.push((doors[n % 4] as (n: number) => Promise<string>)(n))
    await until(`call ${n} is there`, () => Number(slotsOf(app)['running']) + Number(slotsOf(app)['waiting']) === n + 1)
  }
  t.strictSame(begun, [0, 1])
  t.equal(textOf(await modern(app, 'tools/call', { name: 'free' })), 'free', 'other tools do not wait')
  for (let n = 0; n < 12; n++) { await until(`call ${n} has begun`, () => ends.length > n); ends[n]?.() }
  const texts = await Promise.all(answers)
  for (const [n, text] of texts.entries()) t.match(text, `done ${n}`)
  t.equal(most(), 2)
  t.strictSame(slotsOf(app), { running: 0, waiting: 0 })
})

t.test('a call that finds the queue full is refused at once, at every door', async (t) => {
  const { app, begun, ends } = await open(t, { maxConcurrent: 1, maxQueue: 0 })
  const sessions = await Promise.all(legacyRevisions.map((revision) => openSession(app, revision)))
  const first = rest(app, 'work', { n: 1 })
  await until('the first runs', () => begun.length === 1)
  t.match(await rest(app, 'work', {}), { status: 503, headers: { 'retry-after': '2' }, body: { code: 'MCP_TOOL_BUSY', detail: /^work is busy.*The call was not made/ } })
  const busy = { isError: true, content: [{ text: /^work is busy/ }] }
  t.match((await modern(app, 'tools/call', { name: 'work' })).message.result, busy)
  for (const session of sessions) t.match((await session.call('tools/call', { name: 'work' })).message.result, busy)
  t.match((await askOverLine(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'work', _meta: envelope() } })).result, busy)
  const task = (await modern(app, 'tools/call', { name: 'work' }, { meta })).message.result ?? {}
  t.equal(task['resultType'], 'task')
  t.match((await modern(app, 'tasks/get', { taskId: task['taskId'] }, { meta })).message.result, { status: 'completed', result: busy })
  ends[0]?.()
  t.match(await first, { status: 200 })
  t.equal(begun.length, 1)
  const next = rest(app, 'work', { n: 2 })
  await until('the next runs', () => begun.length === 2)
  ends[1]?.()
  t.match(await next, { status: 200 })
})

t.test('who cancels while waiting is not served, and holds up nobody', async (t) => {
  const { app, begun, ends } = await open(t, { maxConcurrent: 1 })
  const session = await openSession(app)
  const first = rest(app, 'work', { n: 1 })
  await until('the first runs', () => begun.length === 1)
  const cancelled = session.call('tools/call', { name: 'work', arguments: { n: 2 } }, { id: 'second' })
  await until('the second waits', () => slotsOf(app)['waiting'] === 1)
  const third = rest(app, 'work', { n: 3 })
  await until('the third waits', () => slotsOf(app)['waiting'] === 2)
  const task = (await modern(app, 'tools/call', { name: 'work', arguments: { n: 4 } }, { meta })).message.result ?? {}
  await until('the task waits', () => slotsOf(app)['waiting'] === 3)
  await session.notify('notifications/cancelled', { requestId: 'second' })
  await modern(app, 'tasks/cancel', { taskId: task['taskId'] }, { meta })
  t.equal((await cancelled).message.result, undefined)
  t.strictSame(slotsOf(app), { running: 1, waiting: 1 })
  ends[0]?.()
  await first
  await until('the third runs', () => begun.length === 2)
  ends[1]?.()
  await third
  t.strictSame(begun, [1, 3])
  t.strictSame(slotsOf(app), { running: 0, waiting: 0 })
})

t.test('a caller over plain HTTP that goes away while waiting is not served', async (t) => {
  const { app, begun, ends } = await open(t, { maxConcurrent: 1 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const first = rest(app, 'work', { n: 1 })
  await until('the first runs', () => begun.length === 1)
  const away = new AbortController()
  const second = fetch(`${url}/tools/work`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":2}', signal: away.signal }).catch(() => 'gone')
  await until('the second waits', () => slotsOf(app)['waiting'] === 1)
  away.abort()
  t.equal(await second, 'gone')
  await until('nobody waits', () => slotsOf(app)['waiting'] === 0)
  ends[0]?.()
  await first
  t.strictSame(begun, [1])
})

t.test('the time of a call goes on while it waits; a handler keeps its place until it has ended', async (t) => {
  const { app, begun, ends } = await open(t, { maxConcurrent: 1, timeout: 40 })
  t.match(await rest(app, 'work', { n: 1 }), { status: 504, body: { code: 'MCP_TOOL_TIMEOUT' } })
  t.match(await rest(app, 'work', { n: 2 }), { status: 504, body: { code: 'MCP_TOOL_TIMEOUT' } })
  t.strictSame([begun, slotsOf(app)], [[1], { running: 1, waiting: 0 }], 'the first still works, though nobody waits for it; the second never began')
  ends[0]?.()
  await until('the place is free', () => slotsOf(app)['running'] === 0)
  const third = rest(app, 'work', { n: 3 })
  await until('the third runs', () => begun.length === 2)
  ends[1]?.()
  t.match(await third, { status: 200 })
})

t.test('a handler gives its place back however it ends', async (t) => {
  const handlers = { throws: () => { throw new Error('no') }, rejects: async () => { await turn(); throw new Error('no') }, returns: () => 1, unwritable: async () => { await turn(); return new Map() }, asks: async () => { await turn(); return 1 } }
  const app = await build(t, { tools: Object.keys(handlers).map((name) => ({ name, inputSchema, maxConcurrent: 1, maxQueue: 0 })) }, { tools: handlers })
  for (const name of Object.keys(handlers)) {
    for (let round = 0; round < 3; round++) t.not((await rest(app, name, {})).status, 503, name)
    t.equal(app.core.tools.get(name)?.target.slots?.running, 0, name)
  }
})

t.test('code in the configuration, and tools of a program, are limited in the same way', async (t) => {
  const end = deferred()
  const defined = defineTool({ name: 'defined', input: Type.Object({}), maxConcurrent: 1, maxQueue: 0, handler: async () => { await end.promise; return 1 } })
  const app = await build(t, { tools: [{ name: 'inline', inputSchema, maxConcurrent: 1, maxQueue: 0, handler: { type: 'inline', code: '() => 1' } }] }, { definedTools: [defined] })
  const statuses = (await Promise.all([rest(app, 'inline', {}), rest(app, 'inline', {})])).map(({ status }) => status)
  t.strictSame(statuses.sort(), [200, 503])
  const first = rest(app, 'defined', {})
  await until('it runs', () => app.core.tools.get('defined')?.target.slots?.running === 1)
  t.match(await rest(app, 'defined', {}), { status: 503 })
  end.resolve()
  t.match(await first, { status: 200 })
  t.notMatch(JSON.stringify((await modern(app, 'tools/list')).message), /maxConcurrent|maxQueue/)
})

t.test('a queue without a limit is a fault of the file', async (t) => {
  const faultsOf = async (...tools: object[]): Promise<unknown[]> => (await loadValue(t, { tools })).faults
  t.match(await faultsOf({ ...soundTool('a'), maxQueue: 5 }), [{ path: ['tools', 0, 'maxQueue'], message: '"maxQueue" says nothing without "maxConcurrent".' }])
  t.match(await faultsOf({ ...soundTool('a'), maxConcurrent: 0 }), [{ path: ['tools', 0, 'maxConcurrent'] }])
  t.strictSame(await faultsOf({ ...soundTool('a'), maxConcurrent: 1, maxQueue: 0 }, { ...soundTool('b'), maxConcurrent: 3 }), [])
})
