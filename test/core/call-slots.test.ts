import t from 'tap'
import { CancelledError } from '../../src/core/call-errors.ts'
import { CallSlots } from '../../src/core/call-slots.ts'
import type { CallContext } from '../../src/core/context.ts'
import { contextFor, exchangeOf } from '../helpers/exchange.ts'
import { turn } from '../helpers/waiting.ts'

const contextOf = (name: string): CallContext => contextFor(exchangeOf({ principal: { kind: 'key', name, permissions: ['*'], tier: undefined } }))

t.test('places are given while there are any, and handed on when they are free', async (t) => {
  const slots = new CallSlots('work', { maxConcurrent: 2 })
  t.strictSame([slots.take(), slots.take(), slots.take()], [true, true, false])
  const served: string[] = []
  for (const name of ['first', 'second']) void slots.wait(contextOf('ann')).then(() => served.push(name))
  t.strictSame([slots.running, slots.waiting], [2, 2])
  slots.release()
  await turn()
  t.strictSame([served, slots.running, slots.waiting], [['first'], 2, 1])
  t.equal(slots.take(), false, 'nobody overtakes those who wait')
  slots.release()
  slots.release()
  await turn()
  t.strictSame([served, slots.running, slots.waiting], [['first', 'second'], 1, 0])
  slots.release()
  t.equal(slots.running, 0)
  t.equal(slots.take(), true)
})

t.test('callers take turns: one that sends many calls does not hold up the others', async (t) => {
  const slots = new CallSlots('work', { maxConcurrent: 1 })
  slots.take()
  const served: string[] = []
  for (const name of ['ann', 'ann', 'ann', 'bob', 'bob', 'cyd']) void slots.wait(contextOf(name)).then(() => served.push(name))
  for (let round = 0; round < 6; round++) { slots.release(); await turn() }
  t.strictSame(served, ['ann', 'bob', 'cyd', 'ann', 'bob', 'ann'])
})

t.test('so many may wait and no more; who gave up makes room', async (t) => {
  const slots = new CallSlots('work', { maxConcurrent: 1, maxQueue: 2 })
  slots.take()
  const [one, two] = [contextOf('ann'), contextOf('bob')]
  const waits = [slots.wait(one), slots.wait(two)]
  t.throws(() => slots.wait(contextOf('cyd')), { code: 'MCP_TOOL_BUSY', status: 503, headers: { 'retry-after': '2' }, message: /^work is busy/ })
  t.equal(slots.refused, 1)
  const reason = new CancelledError()
  one.abort(reason)
  await t.rejects(waits[0] ?? Promise.resolve(), reason)
  t.equal(slots.waiting, 1)
  const third = slots.wait(contextOf('ann'))
  slots.release()
  await waits[1]
  slots.release()
  await third
  t.strictSame([slots.running, slots.waiting], [1, 0])
})

t.test('a call that was given up before it could wait takes no place', async (t) => {
  const slots = new CallSlots('work', { maxConcurrent: 1 })
  slots.take()
  const gone = contextOf('ann')
  gone.abort(new CancelledError())
  await t.rejects(slots.wait(gone), { code: 'MCP_CANCELLED' })
  t.equal(slots.waiting, 0)
})

t.test('no queue at all is a queue, too, and without a word 100 may wait', async (t) => {
  const none = new CallSlots('work', { maxConcurrent: 1, maxQueue: 0 })
  none.take()
  t.throws(() => none.wait(contextOf('ann')), { code: 'MCP_TOOL_BUSY' })
  const some = new CallSlots('work', { maxConcurrent: 1 })
  some.take()
  for (let count = 0; count < 100; count++) void some.wait(contextOf('ann'))
  t.throws(() => some.wait(contextOf('ann')), { code: 'MCP_TOOL_BUSY' })
})
