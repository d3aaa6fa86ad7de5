import t from 'tap'
import type { SandboxEvent } from '../../../src/tools/sandbox/index.ts'
import { openSandbox } from '../../helpers/sandbox.ts'

const { run, fail } = openSandbox(t)

async function eventsOf (code: string): Promise<SandboxEvent[]> {
  const events: SandboxEvent[] = []
  await run(code, {}, { onEvent: (event) => { events.push(event) } })
  return events
}

t.test('the context tells of the call, and of the principal no more than name, permissions and tier', async (t) => {
  const principal = { kind: 'key' as const, name: 'ci', permissions: ['tools:*'], tier: 'free', key: 'never shown' }
  const info = { requestId: 'r-1', sessionId: 's-1', traceparent: '00-ab-cd-01', principal, metadata: { toolName: 'add', uri: 'x:y' }, signal: 'no', extra: 'no' }
  const seen = await run('const { requestId, sessionId, traceparent, principal, metadata, extra } = context; return { requestId, sessionId, traceparent, principal, metadata, extra }', {}, { info })
  t.strictSame(seen, { requestId: 'r-1', sessionId: 's-1', traceparent: '00-ab-cd-01', principal: { kind: 'key', name: 'ci', permissions: ['tools:*'], tier: 'free' }, metadata: { toolName: 'add', uri: 'x:y' } })
})

t.test('progress, log messages and the server log leave in order, and before the answer', async (t) => {
  t.match(await eventsOf(`
    context.progress(1, 3, 'one')
    context.progress(2)
    context.log('warning', { at: [1] }, 'mine')
    context.logger.info({ n: 1 }, 'facts first')
    context.logger.error('only a sentence')
    console.log('text', 1, { a: [true] }, undefined, null)
    console.warn(new TypeError('bad'))
    return 1
  `), [
    { type: 'progress', progress: 1, total: 3, message: 'one' },
    { type: 'progress', progress: 2, total: undefined, message: undefined },
    { type: 'log', level: 'warning', data: { at: [1] }, logger: 'mine' },
    { type: 'logger', level: 'info', facts: { n: 1 }, sentence: 'facts first' },
    { type: 'logger', level: 'error', facts: undefined, sentence: 'only a sentence' },
    { type: 'logger', level: 'info', sentence: 'text 1 {"a":[true]} undefined null' },
    { type: 'logger', level: 'warn', sentence: 'TypeError: bad' }
  ])
})

t.test('events arrive while the code still runs', async (t) => {
  const controller = new AbortController()
  const first = await new Promise<SandboxEvent>((resolve, reject) => {
    run('context.progress(1); for (;;);', {}, { timeoutMs: 60_000, signal: controller.signal, onEvent: resolve }).catch(reject)
  })
  t.match(first, { type: 'progress', progress: 1 })
  controller.abort()
})

t.test('wrong progress and levels are errors of the code', async (t) => {
  for (const value of ['"1"', 'NaN', 'Infinity', 'undefined', '{}']) t.match(await fail(`return context.progress(${value})`), /needs a finite number/, value)
  t.match(await fail('return context.progress(1, "2")'), /total .* finite number/)
  for (const level of ['"loud"', '"__proto__"', '"toString"', 'undefined']) t.match(await fail(`return context.log(${level}, 1)`), /needs a level: debug/, level)
  t.match(await fail('const a = {}; a.a = a; context.log("info", a)'), /circular/)
})

t.test('more than 1000 events, or more than a mebibyte, or one too large are dropped, and counted', async (t) => {
  const many = await eventsOf('for (let i = 0; i < 1500; i++) context.progress(i)')
  t.equal(many.length, 1001)
  t.strictSame(many.at(-1), { type: 'dropped', count: 500 })
  const large = await eventsOf('for (let i = 0; i < 30; i++) console.log("x".repeat(60000))')
  t.equal(large.length, 18)
  t.strictSame(large.at(-1), { type: 'dropped', count: 13 })
  t.strictSame(await eventsOf('return console.log("x".repeat(1e6))'), [{ type: 'dropped', count: 1 }])
})

t.test('an event that the code bent is refused', async (t) => {
  const bend = (event: string): Promise<string> => fail(`Object.prototype.toJSON = () => (${event}); context.progress(1); return 1`, {}, { onEvent: () => {} })
  for (const event of ['1', 'null', '{ type: "dropped", count: 5 }', '{ type: "logger", level: "constructor", sentence: "x" }', '{ type: "logger", level: "info", sentence: 1 }', '{ type: "log", level: "__proto__" }', '{ type: "progress", progress: "1" }']) {
    t.match(await bend(event), /neither progress nor a log message/, event)
  }
})

t.test('an observer that throws ends the call with its error, and hears no more', async (t) => {
  let calls = 0
  const refused = new Error('refused')
  t.equal(await fail('for (let i = 0; ; i++) context.progress(i)', {}, { onEvent: () => { calls++; throw refused } }), 'refused')
  await run('return 1')
  t.equal(calls, 1)
})

t.test('what inline code cannot have says so', async (t) => {
  for (const use of ['context.elicit("q", {})', 'context.elicitUrl("q", "https://127.0.0.1/")', 'context.sample([])', 'context.roots()', 'context.suspend()', 'context.startTask()', 'context.announce({})', 'context.readResource("x:y")', 'context.db("main")', 'context.redis.get("x")', 'context.cache.get("x")', 'context.signal.aborted', 'fetch("http://127.0.0.1")', 'require("fs")', 'setTimeout(() => {}, 1)', 'setInterval(() => {}, 1)', 'setImmediate(() => {})']) {
    const name = /^(?:context\.)?\w+/.exec(use)?.[0]
    t.equal(await fail(`return ${use}`), `${name} is not available in inline code`)
  }
})

t.test('arguments and results travel as JSON, unharmed', async (t) => {
  const value = { text: '\u0000 \u{1F600} \ud800 "\\ \u2028', numbers: [0, -1.5, 1e300, 2 ** 53], nested: [[], {}, [null, true]], 'key with "quotes"': 'é' }
  t.strictSame(await run('(args) => args', value), value)
  for (const plain of [null, true, 0, '', [], [1, [2]]]) t.strictSame(await run('(args) => args', plain), plain)
  t.strictSame(await run('return { gone: undefined, list: [undefined], nan: NaN, date: new Date(0), map: new Map([[1, 2]]) }'), { list: [null], nan: null, date: '1970-01-01T00:00:00.000Z', map: {} })
})

t.test('no answer is undefined, and null is null', async (t) => {
  t.equal(await run('return'), undefined)
  t.equal(await run('(args) => {}'), undefined)
  t.equal(await run('return null'), null)
})

t.test('a result that is not JSON is an error that names what it holds', async (t) => {
  const not = 'The result cannot be sent as JSON: '
  t.equal(await fail('return () => 1'), `${not}it holds a function`)
  t.equal(await fail('return { a: { b () {} } }'), `${not}it holds a function at "b"`)
  t.equal(await fail('return [1, 10n]'), `${not}it holds a bigint at "1"`)
  t.equal(await fail('return { s: Symbol("x") }'), `${not}it holds a symbol at "s"`)
  t.equal(await fail('const a = {}; a.self = a; return a'), `${not}circular reference`)
  t.equal(await fail('return { toJSON () { throw new Error("no") } }'), `${not}no`)
  t.equal(await run('BigInt.prototype.toJSON = function () { return String(this) }; return [10n]').then((value) => JSON.stringify(value)), '["10"]')
})

t.test('what the code throws becomes a message, whatever it is', async (t) => {
  t.equal(await fail('throw new Error("no such user")'), 'no such user')
  t.equal(await fail('throw "plain"'), 'plain')
  t.equal(await fail('throw { message: "like an error" }'), 'like an error')
  t.equal(await fail('throw new RangeError("")'), 'RangeError')
  t.equal(await fail('throw { code: 1 }'), 'The code threw {"code":1}')
  t.equal(await fail('throw undefined'), 'The code threw undefined')
  t.equal(await fail('throw null'), 'The code threw null')
  t.equal(await fail('throw Symbol("s")'), 'The code threw Symbol(s)')
  t.equal(await fail('return args.a.b'), 'cannot read property \'b\' of undefined')
  t.equal(await fail('await Promise.reject(new Error("later"))'), 'later')
})

t.test('the error keeps, for the log, where in the code it happened and nothing of this program', async (t) => {
  const error = await run('const a = 1\nconst b = () => {\n  throw new Error("here")\n}\nreturn b()').catch((error: unknown) => error)
  t.match(error, { code: 'MCP_TOOL_FAILED', message: 'here', cause: { message: 'here', stack: /^Error: here\n {4}at b \(inline:3:\d+\)\n {4}at <anonymous> \(inline:5:\d+\)/ } })
})

t.test('promises work, and one that nothing can settle ends the call at once', async (t) => {
  t.equal(await run('return await Promise.all([1, Promise.resolve(2)]).then(([a, b]) => a + b)'), 3)
  t.equal(await run('(args) => new Promise((resolve) => resolve(4))'), 4)
  t.equal(await run('let n = 0; for await (const x of (async function * () { yield 1; yield 2 })()) n += x; return n'), 3)
  t.match(await fail('return await new Promise(() => {})', {}, { timeoutMs: 60_000 }), /waits for a promise that nothing can ever settle/)
  t.match(await fail('return { then () {} }', {}, { timeoutMs: 60_000 }), /nothing can ever settle/)
})
