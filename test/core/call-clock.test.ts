import t from 'tap'
import { CallClock } from '../../src/core/call-clock.ts'
import { deferred, until } from '../helpers/waiting.ts'

t.test('a call that takes too long is told so once, with its limit', async (t) => {
  const expired = deferred<number>()
  let count = 0
  const clock = new CallClock(1, (limitMs) => { count++; expired.resolve(limitMs) })
  t.equal(await expired.promise, 1)
  clock.resume()
  clock.end()
  t.equal(count, 1)
})

/** Time that passes for sure: another clock with a longer limit has run out in it. */
async function longerThan (limitMs: number): Promise<void> {
  const over = deferred()
  const other = new CallClock(limitMs * 3, () => { over.resolve() })
  await over.promise
  other.end()
}

t.test('while it is paused no time passes', async (t) => {
  let expired = false
  const clock = new CallClock(10, () => { expired = true })
  clock.pause()
  await longerThan(10)
  t.notOk(expired)
  clock.resume()
  await until('the rest of its time is over', () => expired)
})

t.test('it goes on when as many resumes as pauses have come', async (t) => {
  let expired = false
  const clock = new CallClock(10, () => { expired = true })
  clock.pause()
  clock.pause()
  clock.resume()
  await longerThan(10)
  t.notOk(expired, 'one question is still open')
  clock.resume()
  await until('the rest of its time is over', () => expired)
})

t.test('after its end nothing starts it again', async (t) => {
  let expired = false
  const clock = new CallClock(5, () => { expired = true })
  clock.pause()
  clock.end()
  clock.resume()
  clock.pause()
  clock.resume()
  clock.restart(1)
  await longerThan(5)
  t.notOk(expired)
})

t.test('a pause at the very last moment still counts, and leaves a little time', async (t) => {
  let expired = false
  const clock = new CallClock(1, () => { expired = true })
  const end = performance.now() + 5
  while (performance.now() < end) { /* its time is over, but nobody could tell it yet */ }
  clock.pause()
  await longerThan(3)
  t.notOk(expired)
  clock.resume()
  await until('the rest of its time is over', () => expired)
})

t.test('more time can be given, also while it is paused', async (t) => {
  const expired = deferred<number>()
  const clock = new CallClock(5, expired.resolve)
  clock.pause()
  clock.restart(15)
  await longerThan(15)
  clock.resume()
  t.equal(await expired.promise, 15)

  const later = deferred<number>()
  const running = new CallClock(5, later.resolve)
  running.restart(10)
  t.equal(await later.promise, 10)
})
