import t from 'tap'
import { build, legacyRevisions, modern, openSession, rest, textOf, type GantryApp, type JsonObject } from '../helpers/build.ts'

const ofHeader = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const ofBody = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`

interface Sent { headers?: Record<string, string>, meta?: JsonObject }

/** What the caller sends, and what its handler is given. */
const rows: readonly [sent: Sent, given: string][] = [
  [{}, 'none'],
  [{ headers: { traceparent: ofHeader } }, ofHeader],
  [{ meta: { traceparent: ofBody } }, ofBody],
  [{ headers: { traceparent: ofHeader }, meta: { traceparent: ofBody } }, ofBody],
  [{ headers: { traceparent: ofHeader }, meta: { traceparent: 'no trace' } }, ofHeader],
  [{ headers: { traceparent: 'no trace' }, meta: { traceparent: ofBody } }, ofBody],
  [{ headers: { traceparent: `${ofHeader}, ${ofHeader}` }, meta: { traceparent: 5 } }, 'none']
]

async function open (t: { teardown (fn: () => unknown): unknown }): Promise<GantryApp> {
  return await build(t, {}, { tools: { trace: (_args, { traceparent = 'none' }) => traceparent } })
}

t.test('2026: the handler is given the trace of the message, else that of the header, and nothing that is none', async (t) => {
  const app = await open(t)
  for (const [sent, given] of rows) t.equal(textOf(await modern(app, 'tools/call', { name: 'trace' }, sent)), given, JSON.stringify(sent))
})

t.test('in sessions of every revision', async (t) => {
  const app = await open(t)
  for (const revision of legacyRevisions) {
    const { call } = await openSession(app, revision)
    for (const [sent, given] of rows) t.equal(textOf(await call('tools/call', { name: 'trace' }, sent)), given, `${revision} ${JSON.stringify(sent)}`)
  }
})

t.test('in a batch, each message has its own', async (t) => {
  const { post } = await openSession(await open(t), '2025-03-26')
  const call = (id: number, meta?: JsonObject): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'trace', ...(meta !== undefined && { _meta: meta }) } })
  const { messages } = await post([call(1, { traceparent: ofBody }), call(2)], { traceparent: ofHeader })
  t.match(messages, [{ id: 1, result: { content: [{ text: ofBody }] } }, { id: 2, result: { content: [{ text: ofHeader }] } }])
})

t.test('over REST, where the body is all arguments, the header alone', async (t) => {
  const app = await open(t)
  const given = async (headers: Record<string, string>): Promise<unknown> => (await rest(app, 'trace', {}, { headers: { 'content-type': 'application/json', ...headers } })).body['content']
  t.match(await given({ traceparent: ofHeader }), [{ text: ofHeader }])
  t.match(await given({ traceparent: 'no trace' }), [{ text: 'none' }])
  t.match(await given({}), [{ text: 'none' }])
})

t.test('the trace goes on with a call that became a task', async (t) => {
  const app = await build(t, { tools: [{ name: 'trace', task: 'required', handler: { type: 'registry', name: 'trace' } }] }, { handlers: { trace: (_args, { traceparent = 'none' }) => traceparent } })
  const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
  const { message } = await modern(app, 'tools/call', { name: 'trace' }, { meta: { ...capabilities, traceparent: ofBody } })
  const { taskId } = message.result as { taskId: string }
  t.match((await modern(app, 'tasks/get', { taskId }, { meta: capabilities })).message.result, { result: { content: [{ text: ofBody }] } })
})
