import t from 'tap'
import { Gate, GateFull, GateTimeout } from '../../src/core/gate.ts'
import { failureOf } from '../tools/http/support.ts'

const forever = new AbortController().signal

t.test('so many enter at once; the others get their places in the order in which they came', async (t) => {
  const gate = new Gate({ maxConcurrent: 2, maxQueue: 3 })
  t.strictSame([gate.enter(), gate.enter(), gate.enter()], [true, true, false])
  const order: number[] = []
  const waits = [1, 2, 3].map(async (n) => { await gate.wait(60_000, forever); order.push(n) })
  t.strictSame([gate.running, gate.waiting], [2, 3])
  gate.leave()
  gate.leave()
  await Promise.all(waits.slice(0, 2))
  t.strictSame([order, gate.running, gate.waiting], [[1, 2], 2, 1])
  gate.leave()
  await waits[2]
  gate.leave()
  gate.leave()
  t.strictSame([gate.running, gate.waiting], [0, 0])
  t.equal(gate.enter(), true)
})

t.test('one more than may wait is refused at once', async (t) => {
  const gate = new Gate({ maxConcurrent: 1, maxQueue: 1 })
  gate.enter()
  const wait = gate.wait(60_000, forever)
  t.match(await failureOf(gate.wait(60_000, forever)), { constructor: GateFull })
  gate.leave()
  await wait
  t.match(await failureOf(new Gate({ maxConcurrent: 1, maxQueue: 0 }).wait(60_000, forever)), { constructor: GateFull })
})

t.test('who gives up, or waits too long, leaves the line and takes no place', async (t) => {
  const gate = new Gate({ maxConcurrent: 1, maxQueue: 5 })
  gate.enter()
  const cancel = new AbortController()
  const cancelled = failureOf(gate.wait(60_000, cancel.signal))
  const late = failureOf(gate.wait(1, forever))
  const next = gate.wait(60_000, forever)
  const reason = new Error('enough')
  t.equal(await failureOf(gate.wait(60_000, AbortSignal.abort(reason))), reason)
  cancel.abort(reason)
  t.equal(await cancelled, reason)
  t.match(await late, { constructor: GateTimeout, timeoutMs: 1 })
  t.equal(gate.waiting, 1)
  gate.leave()
  await next
  gate.leave()
  t.equal(gate.running, 0)
})
