import t from 'tap'
import { Audit } from '../../src/core/audit.ts'
import type { AuditEvent, AuditSink } from '../../src/core/audit-event.ts'
import { ArgumentsInvalidError, CancelledError, InputRequiredError, ToolFailedError, ToolTimeoutError } from '../../src/core/call-errors.ts'
import { AddressRefusedError, AuditUnavailableError, HostRefusedError, InvalidParamsError, PermissionRefusedError, RateLimitedError, ResourceUnknownError, ToolUnknownError, UnauthenticatedError, type GantryError } from '../../src/core/errors.ts'
import type { RpcRequest } from '../../src/core/json-rpc.ts'
import { Pipeline, type CallTarget, type Invoke } from '../../src/core/pipeline.ts'
import type { JsonObject } from '../../src/core/ports.ts'
import { contextFor, exchangeOf } from '../helpers/exchange.ts'
import { deferred } from '../helpers/waiting.ts'

interface KeptEvents extends AuditSink { readonly events: AuditEvent[], isFull: boolean }

/** A sink that keeps what it is told. */
function keeping (records: (event: string) => boolean = () => true): KeptEvents {
  const events: AuditEvent[] = []
  const sink: KeptEvents = {
    events,
    isFull: false,
    records,
    admit () { if (sink.isFull) throw new AuditUnavailableError() },
    digest: (args) => ({ digest: JSON.stringify(args) }),
    record (event) {
      if (!records(event.event)) return
      if (sink.isFull) throw new AuditUnavailableError()
      events.push(event)
    },
    note (event) { if (records(event.event) && !sink.isFull) events.push(event) }
  }
  return sink
}

function invokeThrough (audit: Audit, run: Invoke<unknown>, changes: Partial<CallTarget<unknown>> = {}): Invoke<unknown> {
  const pipeline = new Pipeline({ maskHandlerErrors: false, redact: undefined })
  pipeline.use(audit.stage)
  return pipeline.compose({ kind: 'tool', name: 'work', timeoutMs: 60_000, checkArguments: undefined, refuseArguments: () => new InvalidParamsError('no'), run, ...changes })
}

/** What a tool gives. */
const done = { content: [] }

const request = (method: string, params: JsonObject = {}): RpcRequest => ({ kind: 'request', id: 1, method, params })

async function outcomeOf (call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

t.test('a call is recorded when its outcome is known, and before anybody else knows it', async (t) => {
  for (const run of [() => done, async () => done]) {
    const sink = keeping()
    const invoke = invokeThrough(new Audit(sink), run)
    const outcome = invoke({ a: 1 }, contextFor())
    if (outcome instanceof Promise) {
      t.strictSame(sink.events, [], 'not before it is known')
      let isAnswered = false
      void outcome.then(() => { isAnswered = true; t.equal(sink.events.length, 1) })
      await outcome
      t.ok(isAnswered)
    }
    t.match(sink.events, [{ event: 'tool.call', outcome: 'ok', code: undefined, subject: { name: 'work' }, arguments: { digest: '{"a":1}' }, durationMs: Number }])
  }
})

t.test('a line has the arguments that came, whatever the handler does to them', async (t) => {
  const sink = keeping()
  await invokeThrough(new Audit(sink), (args) => { args['a'] = 2; delete args['b']; return done })({ a: 1, b: 1 }, contextFor())
  t.match(sink.events, [{ arguments: { digest: '{"a":1,"b":1}' } }])
})

t.test('outcomes are told apart', async (t) => {
  const cases: [thrown: Error, outcome: string, code: string | undefined][] = [
    [new ToolFailedError('no'), 'error', 'MCP_TOOL_FAILED'],
    [new TypeError('no'), 'error', 'MCP_TOOL_FAILED'],
    [new ToolTimeoutError('work', 5), 'timeout', 'MCP_TOOL_TIMEOUT'],
    [new CancelledError(), 'cancelled', 'MCP_CANCELLED'],
    [new ArgumentsInvalidError('work', []), 'refused', 'MCP_ARGUMENTS_INVALID']
  ]
  for (const [thrown, outcome, code] of cases) {
    for (const run of [() => { throw thrown }, async () => { throw thrown }]) {
      const sink = keeping()
      await outcomeOf(() => invokeThrough(new Audit(sink), run)({}, contextFor()))
      t.match(sink.events, [{ event: 'tool.call', outcome, code }])
      t.equal(sink.events.length, 1)
    }
  }
  const sink = keeping()
  const audit = new Audit(sink)
  await invokeThrough(audit, () => ({ isError: true, content: [] }))({}, contextFor())
  await outcomeOf(() => invokeThrough(audit, () => { throw new InputRequiredError({}, {}) }, { kind: 'prompt' })({}, contextFor()))
  await outcomeOf(() => invokeThrough(audit, () => { throw new ResourceUnknownError('a://b') }, { kind: 'resource', name: 'a://b' })({}, contextFor()))
  t.match(sink.events, [
    { event: 'tool.call', outcome: 'error', code: 'MCP_TOOL_REPORTED' },
    { event: 'prompt.get', outcome: 'input_required', code: undefined },
    { event: 'resource.read', outcome: 'refused', code: 'MCP_RESOURCE_UNKNOWN' }
  ])
})

t.test('where nothing of a call is recorded, the stage is not in its function', async (t) => {
  const { stage } = new Audit(keeping((event) => event === 'prompt.get'))
  const target = { kind: 'tool', name: 'work', timeoutMs: 1, checkArguments: undefined, refuseArguments: () => new InvalidParamsError('no'), run: () => 1 } as const
  t.equal(stage.wrap(target, () => 1), undefined)
  t.ok(stage.wrap({ ...target, kind: 'prompt' }, () => 1) !== undefined)
})

t.test('what may not happen unrecorded does not happen', async (t) => {
  const sink = keeping()
  sink.isFull = true
  let entered = 0
  const audit = new Audit(sink)
  t.type(await outcomeOf(() => invokeThrough(audit, () => { entered++ })({}, contextFor())), AuditUnavailableError)
  t.type(await outcomeOf(() => audit.around(request('tasks/cancel'), exchangeOf(), () => { entered++; return '{}' })), AuditUnavailableError)
  t.equal(entered, 0)
})

t.test('what happened and cannot be recorded is not answered', async (t) => {
  for (const run of [() => done, async () => done, async () => { throw new ToolFailedError('no') }] as Invoke<unknown>[]) {
    const sink = keeping()
    const invoke = invokeThrough(new Audit(sink), (args, context) => { sink.isFull = true; return run(args, context) })
    t.type(await outcomeOf(() => invoke({}, contextFor())), AuditUnavailableError)
  }
})

t.test('each request has one line: its method has it, or its call, or its refusal', async (t) => {
  const cases: [what: string, method: string, serve: (invoke: Invoke<unknown>) => unknown, expected: object][] = [
    ['a method', 'tools/list', () => '{}', { event: 'tool.list', outcome: 'ok' }],
    ['a method that takes its time', 'tasks/get', async () => '{}', { event: 'task.get', outcome: 'ok' }],
    ['a method that refuses', 'completion/complete', () => { throw new InvalidParamsError('no') }, { event: 'completion.get', outcome: 'refused', code: 'MCP_INVALID_PARAMS' }],
    ['a method that fails', 'tasks/get', async () => { throw new Error('no') }, { event: 'task.get', outcome: 'error', code: 'MCP_INTERNAL' }],
    ['a method that there is not', 'no/such', () => { throw new InvalidParamsError('no') }, { event: 'request.refused', subject: { method: 'no/such' } }],
    ['a call', 'tools/call', (invoke) => invoke({}, contextFor()), { event: 'tool.call', outcome: 'ok', subject: { name: 'work' } }],
    ['a call that takes its time', 'tools/call', async (invoke) => await invoke({}, contextFor()), { event: 'tool.call', outcome: 'ok', subject: { name: 'work' } }],
    ['a call that fails', 'tools/call', (invoke) => { invoke({ fail: true }, contextFor()) }, { event: 'tool.call', outcome: 'error' }],
    ['a call that fails later', 'tools/call', async (invoke) => { await invoke({ fail: true }, contextFor()) }, { event: 'tool.call', outcome: 'error' }],
    ['a call whose answer cannot be written', 'resources/read', (invoke) => { invoke({}, contextFor()); throw new Error('no') }, { event: 'tool.call', outcome: 'ok' }],
    ['a call of something that is not there', 'tools/call', () => { throw new ToolUnknownError('other') }, { event: 'tool.call', outcome: 'refused', code: 'MCP_TOOL_UNKNOWN', subject: { name: 'other' }, arguments: { digest: '{"a":1}' } }]
  ]
  for (const [what, method, serve, expected] of cases) {
    const sink = keeping()
    const audit = new Audit(sink)
    const invoke = invokeThrough(audit, ({ fail }) => { if (fail === true) throw new Error('no'); return done })
    await outcomeOf(() => audit.around(request(method, { name: 'other', arguments: { a: 1 } }), exchangeOf(), () => serve(invoke) as string))
    t.match(sink.events, [expected], what)
    t.equal(sink.events.length, 1, what)
  }
})

t.test('of many requests at once, each has its own line', async (t) => {
  const sink = keeping()
  const audit = new Audit(sink)
  const ends = Array.from({ length: 20 }, () => deferred<object>())
  const invoke = invokeThrough(audit, async ({ index }) => await ends[Number(index)]?.promise)
  const served = ends.map((_end, index) => outcomeOf(() => audit.around(request('tools/call', { name: `n-${index}` }), exchangeOf({ requestId: `r-${index}` }), () => {
    if (index % 3 === 0) throw new ToolUnknownError('x')
    return invoke({ index }, contextFor(exchangeOf({ requestId: `r-${index}` }))) as Promise<string>
  })))
  for (const end of [...ends].reverse()) end.resolve(done)
  await Promise.all(served)
  t.strictSame(sink.events.map(({ source, outcome }) => `${source?.requestId} ${outcome}`).sort(), ends.map((_end, index) => `r-${index} ${index % 3 === 0 ? 'refused' : 'ok'}`).sort())
})

t.test('a subscription is recorded when it begins and when it ends', async (t) => {
  const cases: [serve: () => Promise<string>, expected: object][] = [
    [async () => '{}', { event: 'subscription.end', outcome: 'ok' }],
    [async () => { throw new CancelledError() }, { event: 'subscription.end', outcome: 'cancelled' }],
    [async () => { throw new InvalidParamsError('no') }, { event: 'subscription.open', outcome: 'refused' }]
  ]
  for (const [serve, expected] of cases) {
    const sink = keeping()
    await outcomeOf(() => new Audit(sink).around(request('subscriptions/listen'), exchangeOf(), serve))
    t.match(sink.events, [expected])
  }
})

t.test('what a guard refuses has its own name, and goes by the body', async (t) => {
  const cases: [error: GantryError, event: string][] = [
    [new UnauthenticatedError('no', 'Bearer'), 'auth.refused'],
    [new HostRefusedError('no'), 'origin.refused'],
    [new AddressRefusedError(), 'address.refused'],
    [new RateLimitedError('no', 1), 'rate.refused'],
    [new ToolUnknownError('secret', { cause: new PermissionRefusedError('tools:call:secret') }), 'permission.refused'],
    [new InvalidParamsError('no'), 'tool.call']
  ]
  for (const [error, event] of cases) {
    const sink = keeping()
    new Audit(sink).refuse(error, {}, { method: 'tools/call', params: { name: 'secret', arguments: {} } }, { verb: 'POST', path: '/mcp' })
    t.match(sink.events, [{ event, outcome: 'refused', code: error.code, subject: { name: 'secret', verb: 'POST', path: '/mcp', method: event === 'tool.call' ? undefined : 'tools/call' } }])
    t.equal(sink.events[0]?.subject?.permission, event === 'permission.refused' ? 'tools:call:secret' : undefined)
  }
})

t.test('what a client sends in the place of a message or its parts is recorded as far as it is text', async (t) => {
  for (const message of [undefined, null, 5, 'x', [], {}, { method: 5 }, { method: {} }, { method: 'tools/call' }, { method: 'tools/call', params: 5 }, { method: 'tools/call', params: { name: {}, arguments: [] } }, { method: '__proto__', params: { name: 'x' } }, { method: 'constructor' }]) {
    const sink = keeping()
    new Audit(sink).refuse(new InvalidParamsError('no'), {}, message)
    t.equal(sink.events.length, 1, JSON.stringify(message))
    for (const value of Object.values(sink.events[0]?.subject ?? {})) t.ok(value === undefined || typeof value === 'string')
  }
})

t.test('calls that the end of the process cuts off are recorded, once', async (t) => {
  const sink = keeping()
  const audit = new Audit(sink)
  const end = deferred<object>()
  const call = invokeThrough(audit, async () => await end.promise)({}, contextFor()) as Promise<unknown>
  audit.cutOff()
  audit.cutOff()
  t.match(sink.events, [{ event: 'tool.call', outcome: 'cut_off', subject: { name: 'work' } }])
  t.equal(sink.events.length, 1)
  end.resolve(done)
  await call
})
