import t from 'tap'
import type { Inquiry } from '../../src/core/inquiry.ts'
import { rootsInquiry } from '../../src/core/inquiry.ts'
import type { JsonObject } from '../../src/core/ports.ts'
import { ServerRequests, type Ask } from '../../src/core/server-requests.ts'
import { createBusMemory } from '../../src/stores/bus-memory.ts'
import { keepingLogger } from '../helpers/exchange.ts'
import { turn } from '../helpers/waiting.ts'

interface Asked { readonly answer: Promise<unknown>, readonly sent: JsonObject[], readonly id: string, readonly controller: AbortController }

const bus = createBusMemory({ logger: keepingLogger() })

async function open (): Promise<ServerRequests> {
  const requests = new ServerRequests(bus)
  await requests.open()
  return requests
}

const controllers: AbortController[] = []
t.teardown(() => { for (const controller of controllers) controller.abort() })

/** Asks, and keeps what went out to the client. */
function ask (requests: ServerRequests, changes: Partial<Ask> = {}): Asked {
  const sent: JsonObject[] = []
  const controller = new AbortController()
  controllers.push(controller)
  const answer = requests.ask({ sessionId: 'mine', inquiry: rootsInquiry, timeoutMs: 60_000, signal: controller.signal, send: (message) => { sent.push(message) }, ...changes })
  answer.catch(() => {})
  return { answer, sent, id: String(sent[0]?.['id']), controller }
}

t.test('a question goes out as a request, and the answer is its result', async (t) => {
  const requests = await open()
  const { answer, sent, id } = ask(requests)
  t.strictSame(sent, [{ jsonrpc: '2.0', id, method: 'roots/list', params: {} }])
  t.equal(requests.size, 1)
  await requests.answer('mine', id, { result: { roots: [] } })
  t.strictSame(await answer, { roots: [] })
  t.equal(requests.size, 0)
  t.equal(sent.length, 1, 'and nothing else was sent')
})

t.test('questions have ids of their own, on every instance', async (t) => {
  const [here, there] = [await open(), await open()]
  const ids = [ask(here).id, ask(here).id, ask(there).id, ask(there).id]
  t.equal(new Set(ids).size, 4)
})

t.test('the client may refuse, and its reason reaches the handler', async (t) => {
  const requests = await open()
  const rows: [error: unknown, message: RegExp][] = [
    [{ code: -1, message: 'the user said no' }, /The client refused roots\/list: the user said no/], [{}, /it gave no reason/], [null, /it gave no reason/], ['no', /it gave no reason/], [{ message: 5 }, /it gave no reason/]
  ]
  for (const [error, message] of rows) {
    const { answer, id } = ask(requests)
    await requests.answer('mine', id, { error })
    await t.rejects(answer, { code: 'MCP_TOOL_FAILED', message }, JSON.stringify(error))
  }
  const { answer, id } = ask(requests)
  await requests.answer('mine', id, { error: { message: 'x'.repeat(1_000_000) } })
  const failure = await answer.catch((error: unknown) => error)
  t.ok((failure as Error).message.length < 2_000, 'a reason is not repeated at any length')
})

t.test('an answer is taken from the session that was asked, once, and by its exact id', async (t) => {
  const requests = await open()
  const { answer, id } = ask(requests)
  await requests.answer('other', id, { result: 'from somebody else' })
  for (const wrong of [`${id} `, `${id}0`, id.toUpperCase(), id.split(':')[1] ?? '', ':1', '', 1, 0, -1, `${'0'.repeat(36)}:1`, '__proto__', 'x'.repeat(100_000)]) await requests.answer('mine', wrong, { result: 'wrong' })
  t.equal(requests.size, 1)
  await requests.answer('mine', id, { result: 'first' })
  await requests.answer('mine', id, { result: 'second' })
  await requests.answer('mine', id, { error: { message: 'late' } })
  t.equal(await answer, 'first')
})

t.test('an answer that reaches another instance finds its way', async (t) => {
  const [asking, other] = [await open(), await open()]
  const { answer, id } = ask(asking)
  await other.answer('other', id, { result: 'from somebody else' })
  await turn()
  t.equal(asking.size, 1)
  await other.answer('mine', id, { result: { roots: [1] } })
  t.strictSame(await answer, { roots: [1] })

  const refused = ask(asking)
  await other.answer('mine', refused.id, { error: { message: 'no' } })
  await t.rejects(refused.answer, { message: /no/ })
})

t.test('an answer to an instance that cannot be reached is not taken for delivered', async (t) => {
  const [asking, other] = [await open(), await open()]
  const { id } = ask(asking)
  t.equal(await other.answer('mine', id.replace(/:.*/, ':99'), { result: 1 }), true, 'nobody awaits it, which the other instance knows')
  asking.close()
  t.equal(await other.answer('mine', id, { result: 1 }), false)
  t.equal(await asking.answer('mine', id, { result: 1 }), true, 'its own it has')
})

t.test('what no instance of ours could have asked is not passed on', async (t) => {
  const published: string[] = []
  const requests = new ServerRequests({ publish: (channel) => published.push(channel), subscribe: () => () => {}, close: () => {} })
  for (const id of ['', ':', 'x:1', '../../../../../../../../../../../../../../:1', `${'g'.repeat(36)}:1`, 'answers:1', 7]) t.equal(await requests.answer('mine', id, { result: 1 }), true)
  t.strictSame(published, [])
  await requests.answer('mine', '01234567-89ab-cdef-0123-456789abcdef:1', { result: 1 })
  t.strictSame(published, ['answers:01234567-89ab-cdef-0123-456789abcdef'])
})

t.test('no answer in time ends the wait, and the client hears that it need not answer any more', async (t) => {
  const requests = await open()
  const { answer, sent, id } = ask(requests, { timeoutMs: 5 })
  await t.rejects(answer, { code: 'MCP_TOOL_TIMEOUT', message: /The client's answer to roots\/list did not finish within 5 ms/ })
  t.match(sent, [{ id }, { method: 'notifications/cancelled', params: { requestId: id, reason: /in time/ } }])
  t.equal(requests.size, 0)
  await requests.answer('mine', id, { result: 'late' })
})

t.test('a wait without end is a long one, not a short one', async (t) => {
  const requests = await open()
  const { answer, id } = ask(requests, { timeoutMs: Infinity })
  await ask(requests, { timeoutMs: 10 }).answer.catch(() => {})
  await requests.answer('mine', id, { result: 'in time' })
  t.equal(await answer, 'in time')
})

t.test('a call that is given up gives up its questions', async (t) => {
  const requests = await open()
  const { answer, sent, id, controller } = ask(requests)
  const reason = new Error('given up')
  controller.abort(reason)
  t.equal(await answer.catch((error: unknown) => error), reason)
  t.match(sent, [{ id }, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }])
  t.notOk('id' in (sent[1] ?? {}))
  t.equal(requests.size, 0)
})

t.test('a call that was given up before asks nothing, and cancels nothing', async (t) => {
  const requests = await open()
  const { answer, sent } = ask(requests, { signal: AbortSignal.abort(new Error('given up')) })
  await t.rejects(answer, { message: 'given up' })
  t.strictSame(sent, [])
  await t.rejects(ask(requests, { signal: AbortSignal.abort('no error') }).answer, { code: 'MCP_CANCELLED' })
})

t.test('a question that cannot be sent leaves nothing behind', async (t) => {
  const requests = await open()
  const inquiry: Inquiry = { method: 'roots/list', params: { big: 1n } }
  const { answer } = ask(requests, { inquiry, timeoutMs: 1, send: (message) => { JSON.stringify(message) } })
  await t.rejects(answer, { name: 'TypeError' })
  t.equal(requests.size, 0)
})

t.test('when a session ends, so do its questions, and no others', async (t) => {
  const requests = await open()
  const [first, second, other] = [ask(requests), ask(requests), ask(requests, { sessionId: 'other' })]
  requests.forget('mine')
  for (const { answer } of [first, second]) await t.rejects(answer, { code: 'MCP_TOOL_FAILED', message: /the session has ended/ })
  t.equal(requests.size, 1)
  await requests.answer('other', other.id, { result: 1 })
  t.equal(await other.answer, 1)
  requests.forget('nobody')
})

t.test('nonsense on the bus harms nobody', async (t) => {
  const requests = await open()
  const { answer, id } = ask(requests)
  const channel = `answers:${id.split(':')[0] ?? ''}`
  for (const event of [{}, { sessionId: 'mine', id }, { sessionId: 'mine', id, answer: null }, { sessionId: 5, id, answer: {} }, { sessionId: 'mine', id: 1, answer: { result: 1 } }]) await bus.publish(channel, event)
  await turn()
  t.equal(requests.size, 1)
  await requests.answer('mine', id, { result: 1 })
  t.equal(await answer, 1)
})
