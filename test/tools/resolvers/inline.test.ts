import t from 'tap'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import type { HandlerContext, HandlerOwner, Logger } from '../../../src/core/ports.ts'
import { createInlineResolver } from '../../../src/tools/resolvers/inline.ts'
import type { InlineHandler } from '../../../schemas/handler.ts'
import { mib, openSandbox } from '../../helpers/sandbox.ts'

const { sandbox } = openSandbox(t)
const resolver = createInlineResolver({ sandbox })
const owner: HandlerOwner = { kind: 'tool', name: 'add', timeoutMs: 30_000 }

function spec (code: string, more: Partial<InlineHandler> = {}): InlineHandler {
  return { type: 'inline', code, timeout: 5000, memoryLimit: 64 * mib, ...more }
}

/** A context that writes down what the code does with it. */
function recorder (signal = new AbortController().signal): { context: HandlerContext, told: unknown[] } {
  const told: unknown[] = []
  const tell = (name: string) => (...values: unknown[]): void => { told.push([name, ...values]) }
  const refuse = (): never => { throw new Error('never reached') }
  const logger: Logger = { trace: tell('trace'), debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }
  return {
    told,
    context: {
      signal,
      logger,
      requestId: 'r-1',
      sessionId: 's-1',
      principal: { kind: 'key', name: 'ci', permissions: ['tools:*'], tier: undefined },
      metadata: { toolName: 'add' },
      traceparent: undefined,
      progress: tell('progress'),
      log: tell('log'),
      elicit: refuse,
      elicitUrl: refuse,
      sample: refuse,
      roots: refuse,
      suspend: refuse,
      startTask: refuse,
      announce: refuse,
      readResource: refuse,
      db: refuse,
      redis: undefined,
      cache: { get: refuse, set: refuse, delete: refuse }
    }
  }
}

/** Resolves and calls. */
async function call (handler: InlineHandler, context = recorder().context, args = {}): Promise<unknown> {
  return (await resolver.resolve(handler, owner))(args, context)
}

t.test('a handler of the configuration runs with its arguments and its context', async (t) => {
  const code = 'async ({ a, b }, context) => ({ sum: a + b, tool: context.metadata.toolName, who: context.principal.name })'
  t.strictSame(await call(spec(code), recorder().context, { a: 1, b: 2 }), { sum: 3, tool: 'add', who: 'ci' })
})

t.test('code that does not parse is refused at load, with the place', async (t) => {
  const refused = await resolver.resolve(spec('return args.'), owner).catch((error: unknown) => error)
  t.ok(refused instanceof HandlerLoadError)
  t.match(refused, { path: ['code'], message: /^The code does not load: .+ \(line 1, column 13\)\.$/ })
})

t.test('progress, client log, server log and console reach the context', async (t) => {
  const { context, told } = recorder()
  const handler = spec('context.progress(1, 2, "half"); context.log("notice", { a: 1 }, "mine"); context.logger.warn({ b: 2 }, "careful"); context.logger.debug("plain"); console.error("loud"); return 1')
  t.equal(await call(handler, context), 1)
  t.strictSame(told, [['progress', 1, 2, 'half'], ['log', 'notice', { a: 1 }, 'mine'], ['warn', { b: 2 }, 'careful'], ['debug', 'plain'], ['error', 'loud']])
})

t.test('reports beyond the limit of a call are dropped, and the log says how many', async (t) => {
  const { context, told } = recorder()
  await call(spec('for (let i = 0; i < 1003; i++) context.progress(i)'), context)
  t.match(told.at(-1), ['warn', { dropped: 3 }, /dropped/])
})

t.test('an error of the code is a failed call with its message', async (t) => {
  await t.rejects(call(spec('throw new Error("no such user")')), { code: 'MCP_TOOL_FAILED', message: 'no such user' })
})

t.test('the timeout and the memory limit are those of the handler', async (t) => {
  await t.rejects(call(spec('for (;;);', { timeout: 50 })), { code: 'MCP_TOOL_TIMEOUT', message: 'add did not finish within 50 ms.' })
  const fill = 'return new Uint8Array(20 * 1024 * 1024).length'
  await t.rejects(call(spec(fill, { memoryLimit: 10 * mib })), { code: 'MCP_TOOL_FAILED', message: 'The code used more memory than its limit of 10485760 bytes.' })
  t.equal(await call(spec(fill, { memoryLimit: 40 * mib })), 20 * mib)
})

t.test('the signal of the context stops the code, with its reason', async (t) => {
  const controller = new AbortController()
  const { context } = recorder(controller.signal)
  const reason = new HandlerLoadError([], 'a reason of ours')
  const watched: HandlerContext = { ...context, progress: () => { controller.abort(reason) } }
  t.equal(await call(spec('context.progress(1); for (;;);'), watched).catch((error: unknown) => error), reason)
})

t.test('a result above 10 MiB of JSON is refused', async (t) => {
  await t.rejects(call(spec('return "x".repeat(11 * 1024 * 1024)')), { code: 'MCP_TOOL_FAILED', message: /too large/ })
})
