import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { buildStdioApp } from '../../src/app.ts'
import type { ToolHandler } from '../../src/core/ports.ts'
import { defineTool } from '../../src/tools/define-tool.ts'
import { build, configOf, envelope, modern, openSession, rest, textOf, type Answer, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { askOverLine } from '../helpers/line-client.ts'
import { deferred, turn, until } from '../helpers/waiting.ts'

const inputSchema = { type: 'object' }
const mark = 'gantry/cache'
const ann = 'a-key-for-ann-0123456789abcdef'
const bob = 'a-key-for-bob-0123456789abcdef'
const as = (key: string): { headers: { authorization: string } } => ({ headers: { authorization: `Bearer ${key}` } })

interface Opened { app: GantryApp, clock: { nowMs: number }, call (name: string, args?: JsonObject, key?: string): Promise<Answer> }

/** An app whose clock stands still. */
async function open (t: Test, config: JsonObject, tools: Record<string, ToolHandler>): Promise<Opened> {
  const clock = { nowMs: 1_000_000 }
  const app = await build(t, config, { tools, clock: { now: () => clock.nowMs } })
  return { app, clock, call: (name, args = {}, key) => modern(app, 'tools/call', { name, arguments: args }, key === undefined ? {} : as(key)) }
}

/** A tool that counts its runs, and gives their number. */
function counting (): { runs: () => number, count: ToolHandler } {
  let runs = 0
  return { runs: () => runs, count: () => ++runs }
}

/** A handler whose runs end when they are told to. */
function held (): { contexts: Parameters<ToolHandler>[1][], begun: () => number, end (value: unknown): void, fail (error: Error): void, hold: ToolHandler } {
  const ends: ReturnType<typeof deferred<unknown>>[] = []
  const contexts: Parameters<ToolHandler>[1][] = []
  let begun = 0
  return {
    contexts,
    begun: () => begun,
    end (value) { ends.shift()?.resolve(value) },
    fail (error) { ends.shift()?.reject(error) },
    async hold (_args, context) {
      begun++
      contexts.push(context)
      const end = deferred<unknown>()
      ends.push(end)
      return await end.promise
    }
  }
}

/** For what is measured in the time that really passes. */
async function passed (ms: number): Promise<void> {
  const end = performance.now() + ms
  await until(`${ms} ms have passed`, () => performance.now() >= end)
}

const marked = ({ message }: Answer): unknown => (message.result?.['_meta'] as JsonObject | undefined)?.[mark]

t.test('a result that is kept is the same at every door, with its age', async (t) => {
  const { runs, count } = counting()
  const { app, clock, call } = await open(t, { caching: {}, tools: [{ name: 'count', inputSchema, annotations: { readOnlyHint: true } }] }, { count: () => ({ n: count({}, undefined as never) }) })
  const session = await openSession(app, '2025-11-25')
  const old = await openSession(app, '2024-11-05')
  const local = async (): Promise<unknown> => await askOverLine(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'count', arguments: {}, _meta: envelope() } })

  t.match((await call('count')).message.result, { resultType: 'complete', content: [{ type: 'text', text: '{"n":1}' }], structuredContent: { n: 1 }, _meta: { [mark]: { hit: false } } })
  clock.nowMs += 61_500
  const kept = { hit: true, ageSeconds: 61 }
  t.match((await call('count')).message.result, { resultType: 'complete', content: [{ type: 'text', text: '{"n":1}' }], structuredContent: { n: 1 }, _meta: { [mark]: kept, 'io.modelcontextprotocol/serverInfo': {} } })
  t.strictSame((await session.call('tools/call', { name: 'count' })).message.result, { content: [{ type: 'text', text: '{"n":1}' }], structuredContent: { n: 1 }, _meta: { [mark]: kept } })
  t.strictSame((await old.call('tools/call', { name: 'count' })).message.result, { content: [{ type: 'text', text: '{"n":1}' }], _meta: { [mark]: kept } })
  t.strictSame((await rest(app, 'count', {})).body, { content: [{ type: 'text', text: '{"n":1}' }], structuredContent: { n: 1 }, _meta: { [mark]: kept } })
  t.equal(runs(), 1)
  t.match(JSON.stringify(await local()), /"hit":false/, 'the person at this computer is another principal')
  t.match(JSON.stringify(await local()), /"hit":true/)
  clock.nowMs += 300_000
  t.match((await call('count')).message.result, { structuredContent: { n: 3 } })
  t.strictSame(app.cache?.counts.get('count'), { hits: 5, misses: 3, stale: 0, coalesced: 0, errors: 0 })
})

t.test('a result is kept where a rule says so or the tool only reads, and nowhere else', async (t) => {
  const tools = [
    { name: 'plain' },
    { name: 'titled', annotations: { title: 'Titled' } },
    { name: 'reads', annotations: { readOnlyHint: true } },
    { name: 'reads-not', annotations: { readOnlyHint: true }, cache: { enabled: false } },
    { name: 'destroys', annotations: { readOnlyHint: true, destructiveHint: true } },
    { name: 'ruled', cache: {} },
    { name: 'named' }
  ]
  const keptIn = async (caching: JsonObject | undefined): Promise<string[]> => {
    const { app, call } = await open(t, { tools: tools.map((tool) => ({ inputSchema, ...tool })), ...(caching !== undefined && { caching }) }, Object.fromEntries(tools.map(({ name }) => [name, counting().count])))
    const kept = []
    for (const { name } of tools) {
      await call(name)
      if (textOf(await call(name)) === '1') kept.push(name)
    }
    t.equal(app.cache === undefined, kept.length === 0)
    return kept
  }
  t.strictSame(await keptIn({ tools: { named: { ttl: 5 } } }), ['reads', 'ruled', 'named'])
  t.strictSame(await keptIn(undefined), ['ruled'])
  t.strictSame(await keptIn({ enabled: false }), [])
})

t.test('arguments that mean the same are one, whatever their order; those that differ in type are not', async (t) => {
  const schema = { type: 'object', properties: { d: { default: 7 } } }
  const { call } = await open(t, { tools: [{ name: 'count', inputSchema: schema, cache: {} }] }, { count: counting().count })
  const runOf = async (text: string): Promise<string> => textOf(await call('count', JSON.parse(text) as JsonObject))
  for (const same of ['{"a":1,"b":{"c":2,"d":[1]}}', '{"b":{"d":[1],"c":2},"a":1}', '{"a":1.0,"b":{"c":2e0,"d":[1]}}', '{"d":7,"a":1,"b":{"c":2,"d":[1]}}']) t.equal(await runOf(same), '1', same)
  const others = ['{}', '{"a":1}', '{"a":"1"}', '{"a":true}', '{"a":null}', '{"a":[1]}', '{"a":[[1]]}', '{"a":{}}', '{"a":""}', '{"a":"null"}', '{"a,b":1}', '{"a":["1"]}', '{"a":[1,2]}', '{"a":[2,1]}', '{"a":"[1]"}', '{"a":"é"}', '{"a":"e\\u0301"}', '{"__proto__":1}', `{"a":"${'x'.repeat(5_000)}"}`, `{"a":"${'x'.repeat(4_999)}y"}`]
  const seen = new Set<string>()
  for (const text of others) seen.add(await runOf(text))
  t.equal(seen.size, others.length)
  for (const text of others) seen.add(await runOf(text))
  t.equal(seen.size, others.length, 'each is found again')
})

t.test('no caller is ever given what was made for another, unless the tool says that its answers are shared', async (t) => {
  const config = {
    security: {
      authentication: {
        allowAnonymous: true,
        apiKeys: [{ name: 'ann', key: ann, permissions: ['*'] }, { name: 'bob', key: bob, permissions: ['*'] }, { name: 'ann', key: 'another-key-for-ann-0123456789', permissions: ['*'] }, { name: 'ann', key: 'a-lesser-key-for-ann-0123456789', permissions: ['tools:call'] }]
      },
      permissions: { anonymous: ['*'] }
    },
    tools: [{ name: 'who', inputSchema, cache: {} }, { name: 'all', inputSchema, cache: { scope: 'shared' } }]
  }
  let runs = 0
  const who: ToolHandler = (_args, { principal }) => `${principal.name} ${++runs}`
  const { app, call } = await open(t, config, { who, all: counting().count })
  t.strictSame(await Promise.all([ann, bob, undefined, ann, bob, undefined].map(async (key) => textOf(await call('who', {}, key)))), ['ann 1', 'bob 2', 'anonymous 3', 'ann 1', 'bob 2', 'anonymous 3'])
  t.equal(textOf(await call('who', {}, 'another-key-for-ann-0123456789')), 'ann 1', 'a caller is its name, whichever key it shows')
  t.equal(textOf(await call('who', {}, 'a-lesser-key-for-ann-0123456789')), 'ann 4', 'one that may do less is given what it may have made itself')
  t.match(JSON.stringify(await askOverLine(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'who', arguments: {}, _meta: envelope() } })), 'local 5')
  t.strictSame(await Promise.all([ann, bob, undefined].map(async (key) => textOf(await call('all', {}, key)))), ['1', '1', '1'])
})

t.test('a thousand equal misses are one run, and each gets its answer', async (t) => {
  const { begun, end, hold } = held()
  const { app, call } = await open(t, { tools: [{ name: 'hold', inputSchema, cache: {} }] }, { hold })
  const answers = Array.from({ length: 1_000 }, (_, each) => call('hold', each % 2 === 0 ? { a: 1, b: 2 } : { b: 2, a: 1 }))
  const other = call('hold', { a: 1 })
  await until('all wait', () => begun() === 2)
  await turn()
  end('one')
  end('other')
  t.strictSame([...new Set((await Promise.all(answers)).map(textOf))], ['one'])
  t.equal(textOf(await other), 'other')
  t.match(app.cache?.counts.get('hold'), { hits: 0, misses: 2, coalesced: 999 })
  t.equal(textOf(await call('hold', { a: 1, b: 2 })), 'one')
})

t.test('who leaves takes nobody along; when all have left, the handler is told', async (t) => {
  const { contexts, begun, end, hold } = held()
  const { app, call } = await open(t, { tools: [{ name: 'hold', inputSchema, cache: {}, timeout: 30_000 }] }, { hold })
  const session = await openSession(app)
  const leaving = [1, 2].map((id) => session.call('tools/call', { name: 'hold' }, { id }))
  await until('it runs', () => begun() === 1)
  const staying = call('hold')
  await turn()
  for (const requestId of [1, 2]) await session.notify('notifications/cancelled', { requestId })
  await Promise.all(leaving)
  t.equal(contexts[0]?.signal.aborted, false)
  end('done')
  t.equal(textOf(await staying), 'done')

  const alone = session.call('tools/call', { name: 'hold', arguments: { a: 1 } }, { id: 3 })
  await until('it runs', () => begun() === 2)
  await session.notify('notifications/cancelled', { requestId: 3 })
  await alone
  t.equal(contexts[1]?.signal.aborted, true)
  end('too late')
  const next = call('hold', { a: 1 })
  await until('it runs again', () => begun() === 3)
  end('new')
  t.equal(textOf(await next), 'new', 'nothing of a run that was given up is kept')
})

t.test('the time of each call is its own: who joins a run that has none left gets another', async (t) => {
  const { begun, end, hold } = held()
  const { app, call } = await open(t, { tools: [{ name: 'hold', inputSchema, cache: {}, timeout: 500 }] }, { hold })
  const answers = [call('hold')]
  await until('it runs', () => begun() === 1)
  await passed(250)
  answers.push(call('hold'), call('hold'))
  await until('it runs again', () => begun() === 2)
  end('the first')
  end('the second')
  t.strictSame((await Promise.all(answers)).map(textOf), ['hold did not finish within 500 ms.', 'the second', 'the second'])
  t.match(app.cache?.counts.get('hold'), { misses: 2, coalesced: 1 })
})

t.test('what fails is never kept, and those who waited for it hear of it', async (t) => {
  let runs = 0
  const outcomes: Record<string, () => unknown> = {
    throws: () => { throw new Error(`broken ${runs}`) },
    reports: () => ({ content: [{ type: 'text', text: `broken ${runs}` }], isError: true }),
    unfit: () => ({ structuredContent: { n: `broken ${runs}` } }),
    unwritable: () => ({ n: BigInt(runs) })
  }
  const { call } = await open(t, { tools: [{ name: 'fail', inputSchema, cache: {}, outputSchema: { type: 'object', properties: { n: { type: 'number' } } } }] }, {
    fail: async ({ how }) => {
      runs++
      await turn()
      return outcomes[String(how)]?.()
    }
  })
  for (const how of Object.keys(outcomes)) {
    runs = 0
    const together = await Promise.all([call('fail', { how }), call('fail', { how }), call('fail', { how })])
    t.ok(together.every(({ message }) => message.result?.isError === true), how)
    t.ok(together.every((answer) => marked(answer) === undefined), how)
    t.equal(runs, 1, how)
    await call('fail', { how })
    t.equal(runs, 2, how)
  }
})

t.test('what depends on more than its arguments is not kept: questions, rights, tasks, what is too large', async (t) => {
  let runs = 0
  const capabilities = { elicitation: {} }
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { ...capabilities, extensions: { 'io.modelcontextprotocol/tasks': {} } } }
  const { app, call } = await open(t, {
    caching: { maxValueBytes: '2kb' },
    resources: [{ uri: 'test://r', name: 'r', content: 'text' }],
    tools: [
      { name: 'ask', inputSchema, cache: { scope: 'shared' } },
      { name: 'try', inputSchema, cache: {} },
      { name: 'hint', inputSchema, cache: {} },
      { name: 'read', inputSchema, cache: {} },
      { name: 'read-shared', inputSchema, cache: { scope: 'shared' } },
      { name: 'large', inputSchema, cache: {} },
      { name: 'cut', inputSchema, cache: {}, maxResultBytes: 1024 },
      { name: 'session', inputSchema, cache: {} },
      { name: 'later', inputSchema, cache: {}, task: 'optional' }
    ]
  }, {
    ask: async (_args, context) => { runs++; return (await context.elicit('Who?', { type: 'object', properties: { name: { type: 'string' } } })).content },
    try: async (_args, context) => { runs++; try { await context.roots() } catch { /* most clients have none */ } return `tried ${runs}` },
    hint: (_args, context) => { runs++; context.roots().catch(() => {}); return 'at once' },
    read: async (_args, context) => { runs++; return (await context.readResource('test://r')).contents },
    'read-shared': async (_args, context) => { runs++; return (await context.readResource('test://r')).contents },
    large: () => { runs++; return 'x'.repeat(2_100) },
    cut: () => { runs++; return 'x'.repeat(2_000) },
    session: (_args, { sessionId }) => { runs++; return `in ${String(sessionId)}` },
    later: async () => { runs++; await turn(); return 'done' }
  })
  const runsOf = async (name: string, more: JsonObject = {}): Promise<number> => {
    runs = 0
    for (let each = 0; each < 3; each++) await modern(app, 'tools/call', { name, arguments: {} }, { meta: more })
    return runs
  }
  const first = await modern(app, 'tools/call', { name: 'ask', arguments: {} }, { meta })
  t.match(first.message.result, { resultType: 'input_required' })
  for (const name of ['ann', 'bob']) {
    const { requestState, inputRequests } = first.message.result as JsonObject
    const [key = ''] = Object.keys(inputRequests as object)
    const answer = await modern(app, 'tools/call', { name: 'ask', arguments: {}, requestState, inputResponses: { [key]: { action: 'accept', content: { name } } } }, { meta })
    t.match(answer.message.result, { structuredContent: { name } })
  }
  t.match((await modern(app, 'tools/call', { name: 'ask', arguments: {} }, { meta })).message.result, { resultType: 'input_required' })
  t.equal(textOf(await call('try')).replace(/\d+/, ''), 'tried ')
  t.ok(await runsOf('try') >= 3, 'also where the handler bears that there is nobody to ask')
  t.ok(await runsOf('hint') >= 3, 'or does not wait for that')
  t.equal(await runsOf('read'), 1, 'what a caller reads with its own rights is its own')
  t.ok(await runsOf('read-shared') >= 3)
  t.equal(await runsOf('large'), 3)
  t.equal(await runsOf('cut'), 3)
  t.equal(await runsOf('later', meta), 3)
  t.equal(await runsOf('later'), 1)
  t.equal(await runsOf('later', meta), 0, 'a call that could become a task takes what is kept')
  const sessions = [await openSession(app), await openSession(app)]
  for (const session of sessions) t.equal(textOf(await session.call('tools/call', { name: 'session' })), 'in undefined', 'a run for all has no session')
})

t.test('nobody changes what is kept: not the handler that made it, nor one that gets its arguments', async (t) => {
  const answer = { list: [1] }
  const { call } = await open(t, { tools: [{ name: 'same', inputSchema, cache: {} }, { name: 'greedy', inputSchema, cache: {} }] }, {
    greedy: async (args, context) => {
      const n = args['n']
      args['n'] = 'changed'
      try { await context.roots() } catch { /* nobody is there to ask */ }
      return { n }
    },
    same: (args) => {
      args['x'] = 'changed'
      return answer
    }
  })
  const listOf = async (x: unknown): Promise<unknown> => (await call('same', { x })).message.result?.structuredContent
  t.strictSame(await listOf(1), { list: [1] })
  answer.list.push(2)
  t.strictSame(await listOf(1), { list: [1] })
  t.strictSame(await listOf('changed'), { list: [1, 2] })
  t.strictSame((await call('greedy', { n: 1 })).message.result?.structuredContent, { n: 1 }, 'a run for one begins with the arguments of its call')
})

t.test('what is past its time is handed out while one run makes it new', async (t) => {
  const { begun, end, fail, hold } = held()
  const { app, clock, call } = await open(t, { tools: [{ name: 'hold', inputSchema, cache: { ttl: 10, staleWhileRevalidate: 20 } }] }, { hold })
  const first = call('hold')
  await until('it runs', () => begun() === 1)
  end('old')
  await first
  clock.nowMs += 10_000
  const stale = await Promise.all(Array.from({ length: 20 }, () => call('hold')))
  t.ok(stale.every((answer) => textOf(answer) === 'old'))
  t.strictSame(marked(stale[0] as Answer), { hit: true, ageSeconds: 10, stale: true })
  await until('it runs again', () => begun() === 2)
  fail(new Error('not now'))
  await turn()
  t.equal(textOf(await call('hold')), 'old', 'a failure in the background is nobody’s')
  await until('it is tried again', () => begun() === 3)
  end('new')
  await turn()
  const renewed = await call('hold')
  t.strictSame([textOf(renewed), marked(renewed)], ['new', { hit: true, ageSeconds: 0 }])
  clock.nowMs += 30_000
  const late = call('hold')
  await until('it runs for its caller', () => begun() === 4)
  end('newest')
  t.equal(textOf(await late), 'newest')
  t.match(app.cache?.counts.get('hold'), { hits: 1, misses: 2, stale: 21 })
})

t.test('what is past its time stands in for what fails or takes too long, until that, too, is over', async (t) => {
  let outcome: () => unknown = () => 'sound'
  const { clock, call } = await open(t, { tools: [{ name: 'work', inputSchema, cache: { ttl: 10, staleIfError: 50 }, timeout: 50 }] }, { work: async () => await outcome() })
  await call('work')
  clock.nowMs += 20_000
  const failures: [string, () => unknown][] = [
    ['thrown', () => { throw new Error('broken') }],
    ['reported', () => ({ content: [], isError: true })],
    ['too slow', () => new Promise(() => {})]
  ]
  for (const [name, failure] of failures) {
    outcome = failure
    const answer = await call('work')
    t.strictSame([textOf(answer), marked(answer)], ['sound', { hit: true, ageSeconds: 20, stale: true }], name)
  }
  clock.nowMs += 40_000
  t.match((await call('work')).message.result, { isError: true })
  outcome = () => 'mended'
  t.equal(textOf(await call('work')), 'mended')
})

t.test('a success drops what it makes obsolete, by tag and by the name of a tool; a failure drops nothing', async (t) => {
  const [list, item, other] = [counting(), counting(), counting()]
  const { app, call } = await open(t, {
    tools: [
      { name: 'list', inputSchema, cache: { tags: ['orders'] } },
      { name: 'item', inputSchema, cache: { tags: ['orders', 'items'] } },
      { name: 'other', inputSchema, cache: {} },
      { name: 'write', inputSchema, invalidates: ['orders'] },
      { name: 'touch', inputSchema, invalidates: ['other'] }
    ]
  }, {
    list: list.count,
    item: item.count,
    other: other.count,
    write: async ({ how }) => {
      if (how === 'throws') throw new Error('broken')
      return { content: [], isError: how === 'reports' }
    },
    touch: () => 'touched'
  })
  const read = async (): Promise<number[]> => {
    for (const name of ['list', 'item', 'other']) await call(name)
    return [list.runs(), item.runs(), other.runs()]
  }
  t.strictSame(await read(), [1, 1, 1])
  for (const how of ['throws', 'reports']) await call('write', { how })
  t.strictSame(await read(), [1, 1, 1])
  await rest(app, 'write', {})
  t.strictSame(await read(), [2, 2, 1])
  await call('touch')
  t.strictSame(await read(), [2, 2, 2])
  await app.cache?.invalidate(['items', 'other'])
  t.strictSame(await read(), [2, 3, 3])
})

t.test('who calls after a change never gets what was read before it', async (t) => {
  let value = 'old'
  const { begun, end, hold } = held()
  const { call } = await open(t, { tools: [{ name: 'read', inputSchema, cache: { tags: ['value'] } }, { name: 'write', inputSchema, invalidates: ['value'], timeout: 60 }] }, {
    read: async (args, context) => { const read = value; await hold(args, context); return read },
    write: async ({ waitMs }) => { await passed(Number(waitMs)); value = 'new'; return 'written' }
  })
  const before = call('read')
  await until('it reads', () => begun() === 1)
  await call('write', { waitMs: 0 })
  const after = call('read')
  await until('it reads again', () => begun() === 2)
  end(undefined)
  end(undefined)
  t.strictSame([textOf(await before), textOf(await after)], ['old', 'new'])
  t.equal(textOf(await call('read')), 'new')

  value = 'old'
  const started = call('write', { waitMs: 120 })
  t.match((await started).message.result, { isError: true }, 'its caller does not wait for the end')
  const stale = call('read', { again: true })
  await until('it reads', () => begun() === 3)
  end(undefined)
  t.equal(textOf(await stale), 'old')
  await until('the write has come to its end', () => value === 'new')
  await turn()
  const fresh = call('read', { again: true })
  await until('it reads once more', () => begun() === 4)
  end(undefined)
  t.equal(textOf(await fresh), 'new')
})

t.test('a caller that goes away has left, and the handler is told when it was the last', async (t) => {
  const { contexts, begun, end, hold } = held()
  const { app, call } = await open(t, { tools: [{ name: 'hold', inputSchema, cache: {} }] }, { hold })
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/tools/hold`
  const leaving = new AbortController()
  const gone = fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}', signal: leaving.signal }).catch(() => 'gone')
  await until('it runs', () => begun() === 1)
  const staying = call('hold')
  await until('both wait', () => contexts[0] !== undefined && app.cache?.counts.get('hold')?.misses === 1)
  leaving.abort()
  t.equal(await gone, 'gone')
  end('done')
  t.equal(textOf(await staying), 'done')
  const last = new AbortController()
  const alone = fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}', signal: last.signal }).catch(() => 'gone')
  await until('it runs again', () => begun() === 2)
  last.abort()
  t.equal(await alone, 'gone')
  await until('the handler is told', () => contexts[1]?.signal.aborted === true)
  end('too late')
})

t.test('without the Redis that is configured, equal calls are one run, and who calls after a change joins none from before', async (t) => {
  const { begun, end, hold } = held()
  const { app, call } = await open(t, { redis: { port: 1 }, tools: [{ name: 'hold', inputSchema, cache: {} }, { name: 'write', inputSchema, invalidates: ['hold'] }] }, { hold, write: () => 'written' })
  const before = [call('hold'), call('hold')]
  await until('it runs', () => begun() === 1)
  t.equal(textOf(await call('write')), 'written')
  const after = [call('hold'), call('hold')]
  await until('it runs again', () => begun() === 2)
  end('before')
  end('after')
  t.strictSame((await Promise.all([...before, ...after])).map(textOf), ['before', 'before', 'after', 'after'])
  t.match(app.cache?.counts.get('hold'), { hits: 0, misses: 2, coalesced: 2, errors: 4 })
})

t.test('progress and log messages reach the one that a run was begun for', async (t) => {
  const { app } = await open(t, { tools: [{ name: 'work', inputSchema, cache: {} }] }, { work: async (_args, context) => { await turn(); context.progress(1, 2); return 'done' } })
  const session = await openSession(app)
  const answers = await Promise.all([1, 2].map((id) => session.call('tools/call', { name: 'work' }, { id, meta: { progressToken: id } })))
  t.strictSame(answers.map(({ messages }) => messages.filter(({ method }) => method === 'notifications/progress').length), [1, 0])
})

t.test('handlers keep values of their own: a copy, for a time, in the name of their tool', async (t) => {
  const use: ToolHandler = async ({ op, key, value, ttl }, { cache }) => {
    if (op === 'set') await cache.set(key as string, value, ttl as number | undefined)
    if (op === 'delete') await cache.delete(key as string)
    const found = await cache.get(key as string) as { list?: number[] } | undefined
    if (found?.list !== undefined) found.list.push(0)
    return found === undefined ? 'nothing' : JSON.stringify(await cache.get(key as string))
  }
  const { clock, call } = await open(t, { caching: { ttl: 60, maxValueBytes: '1kb' } }, { one: use, two: use })
  const used = async (tool: string, args: JsonObject): Promise<string> => textOf(await call(tool, args))
  t.equal(await used('one', { key: 'k' }), 'nothing')
  t.equal(await used('one', { op: 'set', key: 'k', value: { list: [1] } }), '{"list":[1]}')
  t.equal(await used('two', { key: 'k' }), 'nothing')
  await used('one', { op: 'set', key: 'short', value: 5, ttl: 10 })
  clock.nowMs += 10_000
  t.strictSame([await used('one', { key: 'short' }), await used('one', { key: 'k' })], ['nothing', '{"list":[1]}'])
  t.equal(await used('one', { op: 'delete', key: 'k' }), 'nothing')
  for (const args of [{ key: '' }, { key: 5 }, { op: 'set', key: 'k', value: 'x'.repeat(1_100) }, { op: 'set', key: 'k', value: 1, ttl: 0 }, { op: 'set', key: 'k', value: 1, ttl: 'x' }, { op: 'set', key: 'k' }]) {
    t.match(await used('one', args), /context\.cache/, JSON.stringify(args))
  }
  const { call: without } = await open(t, {}, { one: use })
  t.match(textOf(await without('one', { key: 'k' })), 'context.cache is not available')
})

t.test('a handler in a thread of its own has the same cache', async (t) => {
  const { call } = await open(t, { caching: {}, tools: [{ name: 'keep', inputSchema, handler: { type: 'file', path: './test/tools/isolated/fixtures/keep.mjs', isolation: 'worker' } }], server: { handlerRoots: ['.'] } }, {})
  const counts = []
  for (const args of [{}, {}, { forget: true }]) counts.push(textOf(await call('keep', args)))
  t.strictSame(counts, ['1', '2', '1'])
})

t.test('over stdio results are kept in the process, whatever the file says', async (t) => {
  const { runs, count } = counting()
  const config = configOf({ redis: { port: 1 }, caching: { store: 'redis' }, tools: [{ name: 'count', inputSchema, cache: {} }] })
  const app = await buildStdioApp({ config, baseDir: process.cwd(), handlers: new Map([['count', () => String(count({}, undefined as never))]]) })
  t.teardown(() => app.close())
  await app.ready()
  for (let id = 1; id <= 3; id++) await askOverLine(app, { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'count', arguments: {}, _meta: envelope() } })
  t.equal(runs(), 1)
  t.equal(app.cache?.size.entries, 1)
})

t.test('tools that are defined in code say the same', async (t) => {
  const { runs, count } = counting()
  const app = await build(t, {}, {
    definedTools: [
      defineTool({ name: 'count', input: Type.Object({}), cache: { ttl: 5, tags: ['c'] }, handler: () => String(count({}, undefined as never)) }),
      defineTool({ name: 'drop', input: Type.Object({}), invalidates: ['c'], handler: () => 'dropped' })
    ]
  })
  for (const name of ['count', 'count', 'drop', 'count']) await rest(app, name, {})
  t.equal(runs(), 2)
})
