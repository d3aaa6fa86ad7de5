import t from 'tap'
import { CancelledError, ToolFailedError, ToolTimeoutError, type Mismatch } from '../../src/core/call-errors.ts'
import { GantryError, InvalidParamsError, ResourceUnknownError } from '../../src/core/errors.ts'
import { Pipeline, stageOrder, type CallStage, type CallTarget, type Invoke } from '../../src/core/pipeline.ts'
import { contextFor, exchangeOf } from '../helpers/exchange.ts'
import { deferred } from '../helpers/waiting.ts'

function targetOf (run: Invoke<unknown>, changes: Partial<CallTarget<unknown>> = {}): CallTarget<unknown> {
  return { kind: 'tool', name: 'work', timeoutMs: 60_000, checkArguments: undefined, refuseArguments: () => new InvalidParamsError('no'), run, ...changes }
}
function open (maskHandlerErrors = false): Pipeline { return new Pipeline({ maskHandlerErrors }) }

/** What a call fails with, whether it throws or rejects. */
async function failureOf (call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('The call was expected to fail.')
}

t.test('stages stand around a call in the one order, whatever order they came in', async (t) => {
  const pipeline = open()
  const passed: string[] = []
  const recording = (name: CallStage['name']): CallStage => ({
    name,
    wrap: (_target, next) => (args, context) => {
      passed.push(name)
      return next(args, context)
    }
  })
  for (const name of ['cache', 'trace', 'audit', 'metrics'] as const) pipeline.use(recording(name))
  const target = targetOf(() => passed.push('handler'), { checkArguments: () => { passed.push('validate'); return undefined } })
  await pipeline.compose(target)({}, contextFor())
  t.strictSame(passed, ['trace', 'metrics', 'audit', 'validate', 'cache', 'handler'])
  t.strictSame(stageOrder, ['trace', 'metrics', 'audit', 'validate', 'cache', 'task', 'timeout', 'queue', 'invalidate', 'run'])
})

t.test('a stage comes once, and before the first target', async (t) => {
  const stage: CallStage = { name: 'audit', wrap: () => undefined }
  const pipeline = open()
  pipeline.use(stage)
  t.throws(() => { pipeline.use(stage) }, { message: /audit is there already/ })
  t.throws(() => { pipeline.use({ ...stage, name: 'run' }) }, { message: /run is there already/ })
  pipeline.compose(targetOf(() => 1))
  t.throws(() => { pipeline.use({ ...stage, name: 'cache' }) }, { message: /cache came after the first target/ })
})

t.test('a stage that has nothing to do for a target is not in its function', async (t) => {
  const pipeline = open()
  pipeline.use({ name: 'cache', wrap: (target, next) => target.name === 'kept' ? () => 'kept' as never : (t.equal(typeof next, 'function'), undefined) })
  t.equal(pipeline.compose(targetOf(() => 'run', { name: 'kept' }))({}, contextFor()), 'kept')
  t.equal(pipeline.compose(targetOf(() => 'run'))({}, contextFor()), 'run')
})

t.test('arguments that do not fit never reach the handler', async (t) => {
  const mismatches: Mismatch[] = [{ path: '/a', message: 'is required' }]
  let entered = false
  const invoke = open().compose(targetOf(() => { entered = true }, { checkArguments: () => mismatches, refuseArguments: (found) => new InvalidParamsError(JSON.stringify(found)) }))
  t.match(await failureOf(() => invoke({}, contextFor())), { message: JSON.stringify(mismatches) })
  t.notOk(entered)
})

const tricky = Object.defineProperty(new Error('x'), 'message', { get () { throw new Error('from the getter') } })
const oddMessage = Object.assign(new Error('x'), { message: { not: 'a text' } })
const nameless = new Proxy({}, { getPrototypeOf () { throw new Error('from the proxy') }, get () { throw new Error('from the proxy') } })
const silent = 'work failed without saying why.'

t.test('whatever a handler throws is one tool failure with its words', async (t) => {
  const rows: [what: string, thrown: unknown, text: string][] = [
    ['an error', new Error('out of paper'), 'out of paper'],
    ['a type error', new TypeError('x is not a function'), 'x is not a function'],
    ['a text', 'just text', 'just text'],
    ['nothing', undefined, silent],
    ['null', null, silent],
    ['a number', 5, silent],
    ['an object', { message: 'hidden' }, silent],
    ['an error without words', new Error(''), silent],
    ['an error whose message is no text', oddMessage, silent],
    ['an error whose message throws', tricky, silent],
    ['a proxy that throws', nameless, silent],
    ['a function', () => 1, silent],
    ['a symbol', Symbol('x'), silent],
    ['a big integer', 5n, silent],
    ['an aggregate', new AggregateError([new Error('a')], 'several'), 'several']
  ]
  const ways: [string, (thrown: unknown) => unknown][] = [
    ['thrown', (thrown) => { throw thrown }],
    ['rejected', async (thrown) => { throw thrown }],
    ['rejected later', async (thrown) => { await null; throw thrown }]
  ]
  for (const [what, thrown, text] of rows) {
    for (const [way, run] of ways) {
      const invoke = open().compose(targetOf(() => run(thrown)))
      const failure = await failureOf(() => invoke({}, contextFor()))
      t.ok(failure instanceof ToolFailedError && failure.message === text, `${what}, ${way}: ${failure instanceof Error ? failure.message : typeof failure}`)
    }
  }
})

t.test('the words of a failure are bounded', async (t) => {
  const failure = await failureOf(() => open().compose(targetOf(() => { throw new Error('x'.repeat(1_000_000)) }))({}, contextFor()))
  t.ok(failure instanceof ToolFailedError && failure.message.length <= 10_000)
})

t.test('a failure is logged with its error, and masked where that is asked for', async (t) => {
  const exchange = exchangeOf()
  const secret = new Error('password is hunter2')
  const masked = await failureOf(() => open(true).compose(targetOf(() => { throw secret }))({}, contextFor(exchange)))
  t.ok(masked instanceof ToolFailedError && !masked.message.includes('hunter2') && masked.message.includes('r1'))
  t.match(exchange.lines, [{ level: 'warn', facts: { err: secret, requestId: 'r1' }, sentence: /tool work failed/ }])
  const own = await failureOf(() => open(true).compose(targetOf(() => { throw new ToolFailedError('hunter2') }))({}, contextFor()))
  t.ok(own instanceof ToolFailedError && !own.message.includes('hunter2'))
})

t.test('an error of the catalogue that a tool meets on its way is a failure of that tool', async (t) => {
  const failure = await failureOf(() => open().compose(targetOf(() => { throw new ResourceUnknownError('a:b') }))({}, contextFor()))
  t.match(failure, { code: 'MCP_TOOL_FAILED', message: 'Resource not found: a:b' })
  t.ok(failure instanceof ToolFailedError)
  const resource = await failureOf(() => open().compose(targetOf(() => { throw new ResourceUnknownError('a:b') }, { kind: 'resource' }))({}, contextFor()))
  t.match(resource, { code: 'MCP_RESOURCE_UNKNOWN' }, 'for a resource it is the answer')
})

t.test('a handler that never settles is given up in time, and its signal fires', async (t) => {
  const context = contextFor()
  const { signal } = context
  const failure = await failureOf(() => open().compose(targetOf(() => new Promise(() => {}), { timeoutMs: 5 }))({}, context))
  t.match(failure, { code: 'MCP_TOOL_TIMEOUT', status: 504, message: 'work did not finish within 5 ms.' })
  t.ok(failure instanceof ToolTimeoutError)
  t.ok(signal.aborted)
  t.equal(signal.reason, failure)
})

t.test('a signal that is looked at for the first time after the call was given up has fired already', async (t) => {
  const context = contextFor()
  await failureOf(() => open().compose(targetOf(() => new Promise(() => {}), { timeoutMs: 1 }))({}, context))
  t.ok(context.signal.aborted)
})

t.test('what a handler does when its signal fires is no failure of its own', async (t) => {
  const exchange = exchangeOf()
  const echo = open().compose(targetOf((_args, { signal }) => new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { reject(new Error('aborted, says the handler')) })
  }), { timeoutMs: 5 }))
  t.match(await failureOf(() => echo({}, contextFor(exchange))), { code: 'MCP_TOOL_TIMEOUT' })
  t.strictSame(exchange.lines.map(({ sentence }) => sentence), ['The tool work did not finish within 5 ms.'])
})

t.test('a result or a failure that comes too late is dropped', async (t) => {
  for (const end of ['resolve', 'reject'] as const) {
    const late = deferred<unknown>()
    const failure = await failureOf(() => open().compose(targetOf(() => late.promise, { timeoutMs: 1 }))({}, contextFor()))
    t.match(failure, { code: 'MCP_TOOL_TIMEOUT' })
    late[end](new Error('too late'))
  }
})

t.test('a call that is cancelled ends at once, whatever its handler does', async (t) => {
  const context = contextFor()
  const call = failureOf(() => open().compose(targetOf(() => new Promise(() => {})))({}, context))
  context.abort(new CancelledError())
  t.ok(await call instanceof CancelledError)
})

t.test('a handler that answers at once is not timed', async (t) => {
  t.equal(open().compose(targetOf(() => 'now', { timeoutMs: 1 }))({}, contextFor()), 'now')
})

t.test('nothing but an error of the catalogue comes out of a call', async (t) => {
  for (const thrown of [new Error('x'), 'x', undefined, nameless, tricky]) {
    t.ok(await failureOf(() => open().compose(targetOf(() => { throw thrown }))({}, contextFor())) instanceof GantryError)
    t.ok(await failureOf(() => open(true).compose(targetOf(async () => { throw thrown }))({}, contextFor())) instanceof GantryError)
  }
})

t.test('a logger that fails over what was thrown does not change that', async (t) => {
  const exchange = exchangeOf()
  exchange.logger.warn = () => { throw new Error('disk full') }
  const failure = await failureOf(() => open().compose(targetOf(() => { throw new Error('mine') }))({}, contextFor(exchange)))
  t.match(failure, { code: 'MCP_TOOL_FAILED' })
})
