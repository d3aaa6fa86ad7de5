import t from 'tap'
import { CancelledError } from '../../src/core/call-errors.ts'
import { Durations, secondsBounds } from '../../src/core/durations.ts'
import { RateLimitedError, UnauthenticatedError } from '../../src/core/errors.ts'
import { Meter } from '../../src/core/meter.ts'
import type { CallTarget, Invoke } from '../../src/core/pipeline.ts'

/** A call of a tool through the stage that counts. */
function measured (meter: Meter, run: () => unknown, name = 'one'): () => unknown {
  const target = { kind: 'tool', name } as CallTarget<unknown>
  const counted = meter.stage.wrap(target, run) as Invoke<unknown>
  return () => counted({}, {} as never)
}

t.test('a duration falls into the first bucket that holds it, its bound included', async (t) => {
  const durations = new Durations()
  for (const seconds of [0, 0.001, 0.0011, 60, 60.1, 1e9]) durations.observe(seconds)
  const last = secondsBounds.length
  t.strictSame(durations.counts.map((count, index) => [index, count]).filter(([, count]) => count !== 0), [[0, 2], [1, 1], [last - 1, 1], [last, 2]])
  t.equal(durations.sum, 0 + 0.001 + 0.0011 + 60 + 60.1 + 1e9)
})

t.test('a call has its outcome before anybody who waits for it goes on', async (t) => {
  const meter = new Meter()
  const answer = { content: [] }
  const call = measured(meter, async () => await Promise.resolve(answer))
  t.equal(await (call() as Promise<unknown>).then((value) => {
    t.equal(meter.tools.get('one')?.outcomes.ok, 1)
    return value
  }), answer)
  const failing = measured(meter, async () => await Promise.reject(new CancelledError()))
  await t.rejects((failing() as Promise<unknown>).catch((error: unknown) => {
    t.equal(meter.tools.get('one')?.outcomes.cancelled, 1)
    throw error
  }), { code: 'MCP_CANCELLED' })
  const { running, durations: { counts } = new Durations() } = meter.tools.get('one') ?? {}
  t.equal(running, 0)
  t.equal(counts.reduce((sum, count) => sum + count, 0), 2)
})

t.test('what is not asynchronous stays so, and passes as it is', async (t) => {
  const meter = new Meter()
  const answer = { content: [], isError: true }
  t.equal(measured(meter, () => answer)(), answer)
  t.throws(measured(meter, () => { throw new CancelledError() }), { code: 'MCP_CANCELLED' })
  t.match(meter.tools.get('one')?.outcomes, { ok: 0, error: 1, cancelled: 1 })
})

t.test('prompts and resources are no tools', async (t) => {
  t.equal(new Meter().stage.wrap({ kind: 'prompt', name: 'one' } as CallTarget<unknown>, () => undefined), undefined)
})

t.test('names that clients invent are one, and so are methods that nobody uses', async (t) => {
  const meter = new Meter()
  measured(meter, () => ({}))()
  for (const name of ['one', 'two', '__proto__', '']) meter.unreached(name)
  t.strictSame([...meter.tools].map(([name, { outcomes: { refused } }]) => [name, refused]), [['one', 1], ['(unknown)', 3]])
  for (const method of ['GET', 'PROPFIND', 'MKCOL', 'GET']) meter.request(method, '/mcp', 405, 0.1)
  t.strictSame(meter.requests.map(({ method, durations }) => [method, durations.sum]), [['GET', 0.2], ['other', 0.2]])
})

t.test('a limit for refused credentials is a failure of authentication, one for requests is not', async (t) => {
  const meter = new Meter()
  meter.refusal(new RateLimitedError('too many', 1))
  meter.refusal(new RateLimitedError('too often', 1, { data: { limit: 'key' } }))
  meter.refusal(new UnauthenticatedError('who?', 'Bearer'))
  t.strictSame([...meter.authenticationFailures].filter(([, count]) => count > 0), [['missing', 1], ['limited', 1]])
  t.strictSame([...meter.refusals], [['MCP_RATE_LIMITED', 2], ['MCP_UNAUTHENTICATED', 1]])
})
