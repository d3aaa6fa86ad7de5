import t from 'tap'
import { CancelledError, NotAvailableError, ToolTimeoutError } from '../../src/core/call-errors.ts'
import { logLevels } from '../../src/core/exchange.ts'
import type { LogLevel } from '../../src/core/ports.ts'
import { revisions } from '../../src/core/versions.ts'
import { contextFor, exchangeOf } from '../helpers/exchange.ts'

t.test('progress goes out under the caller\'s own token, and only when it grows', async (t) => {
  const exchange = exchangeOf()
  const context = contextFor(exchange, 'token-1')
  for (const value of [0, 1, 1, 0.5, 2, -1, 2, 3]) context.progress(value, 10)
  t.strictSame(exchange.sent.map(({ method, params }) => [method, params]), [0, 1, 2, 3].map((progress) => ['notifications/progress', { progressToken: 'token-1', progress, total: 10 }]))
})

t.test('a token of 0 or of nothing is a token', async (t) => {
  for (const token of [0, '']) {
    const exchange = exchangeOf()
    contextFor(exchange, token).progress(1)
    t.strictSame(exchange.sent, [{ method: 'notifications/progress', params: { progressToken: token, progress: 1 } }])
  }
})

t.test('without a token nothing is reported', async (t) => {
  const exchange = exchangeOf()
  contextFor(exchange).progress(1)
  t.strictSame(exchange.sent, [])
})

t.test('what is no number that JSON can hold is not reported as progress', async (t) => {
  const exchange = exchangeOf()
  const context = contextFor(exchange, 1)
  const progress = context.progress.bind(context) as (value: unknown, total?: unknown) => void
  for (const value of [NaN, Infinity, '5', null, undefined, {}, [7], true, 5n]) progress(value)
  t.strictSame(exchange.sent, [])
  progress(1, NaN)
  progress(2, Infinity)
  t.strictSame(exchange.sent.map(({ params }) => params), [{ progressToken: 1, progress: 1 }, { progressToken: 1, progress: 2 }])
})

t.test('revisions that have no message in progress get none', async (t) => {
  const withMessage = revisions.filter((revision) => {
    const exchange = exchangeOf({ revision })
    contextFor(exchange, 1).progress(1, 2, 'half')
    return (exchange.sent[0]?.params as { message?: string }).message === 'half'
  })
  t.strictSame(withMessage, ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'])
})

t.test('log messages go out from the wanted level on', async (t) => {
  for (const wanted of logLevels) {
    const exchange = exchangeOf({ logLevel: wanted })
    for (const level of logLevels) contextFor(exchange).log(level, { n: 1 }, 'mine')
    t.strictSame(exchange.sent.map(({ params }) => params), logLevels.slice(logLevels.indexOf(wanted)).map((level) => ({ level, logger: 'mine', data: { n: 1 } })))
  }
})

t.test('without a wanted level no log message goes out', async (t) => {
  const exchange = exchangeOf({ logLevel: undefined })
  for (const level of logLevels) contextFor(exchange).log(level, 'x')
  t.strictSame(exchange.sent, [])
})

t.test('a level that is none is an error of the handler, even when nobody listens', async (t) => {
  for (const level of ['warn', 'INFO', '', 'constructor', undefined, 5]) t.throws(() => { contextFor().log(level as LogLevel, 'x') }, { name: 'TypeError', message: /log level/ })
})

t.test('a log message always has data', async (t) => {
  const exchange = exchangeOf({ logLevel: 'debug' })
  contextFor(exchange).log('info', undefined)
  t.strictSame(exchange.sent[0]?.params, { level: 'info', data: null })
})

t.test('nothing is reported after the end, whichever end it was', async (t) => {
  for (const end of ['finish', 'timeout', 'cancel']) {
    const exchange = exchangeOf({ logLevel: 'debug' })
    const context = contextFor(exchange, 1)
    context.progress(1)
    if (end === 'finish') context.finish()
    else context.abort(end === 'timeout' ? new ToolTimeoutError('work', 5) : new CancelledError())
    context.progress(2)
    context.log('emergency', 'x')
    t.equal(exchange.sent.length, 1, end)
  }
})

t.test('the first reason counts, and none after the end', async (t) => {
  const first = new CancelledError()
  const context = contextFor()
  const reasons: unknown[] = []
  context.whenAborted((reason) => { reasons.push(reason) })
  context.abort(first)
  context.abort(new ToolTimeoutError('work', 1))
  t.strictSame(reasons, [first])
  t.equal(context.abortReason, first)
  t.equal(context.signal.reason, first)

  const done = contextFor()
  done.finish()
  done.abort(first)
  t.notOk(done.signal.aborted)
})

t.test('one signal for all who ask, and a disconnect fires it', async (t) => {
  const exchange = exchangeOf()
  const context = contextFor(exchange)
  t.equal(context.signal, context.signal)
  exchange.disconnect()
  t.ok(context.signal.aborted)
  t.ok(context.signal.reason instanceof CancelledError)
})

t.test('what this version cannot give is refused by name', async (t) => {
  const context = contextFor()
  t.throws(() => context.db('main'), { message: /context\.db\("main"\)/ })
  t.throws(() => context.redis, NotAvailableError)
  t.throws(() => context.cache, NotAvailableError)
})

t.test('a handler sees who calls, and no more of the request', async (t) => {
  const context = contextFor(exchangeOf({ sessionId: 's1', traceparent: '00-a-b-01' }))
  t.match(context, { requestId: 'r1', sessionId: 's1', traceparent: '00-a-b-01', principal: { name: 'ann' }, metadata: { toolName: 'work' } })
  t.strictSame(Object.keys(context), ['metadata'])
})
