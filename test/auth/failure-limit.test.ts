import t from 'tap'
import { FailureLimit } from '../../src/auth/failure-limit.ts'

function limitOf (maxFailures: number, windowMs: number): { limit: FailureLimit, clock: { time: number } } {
  const clock = { time: 1_000_000, now () { return this.time } }
  return { limit: new FailureLimit({ maxFailures, windowMs, clock }), clock }
}

t.test('an address waits after its failures, until its window ends, and no other does', async (t) => {
  const { limit, clock } = limitOf(3, 60_000)
  for (let failure = 0; failure < 3; failure++) {
    t.equal(limit.waitSeconds('a'), undefined)
    limit.count('a')
  }
  t.equal(limit.waitSeconds('a'), 60)
  t.equal(limit.waitSeconds('b'), undefined)
  clock.time += 59_001
  t.equal(limit.waitSeconds('a'), 1)
  clock.time += 999
  t.equal(limit.waitSeconds('a'), undefined)
  limit.count('a')
  t.equal(limit.waitSeconds('a'), undefined)
})

t.test('many addresses take bounded room, and the newest are kept', async (t) => {
  const { limit } = limitOf(1, 60_000)
  for (let address = 0; address < 20_000; address++) limit.count(String(address))
  t.equal(limit.waitSeconds('19999'), 60)
  t.equal(limit.waitSeconds('10000'), 60)
  t.equal(limit.waitSeconds('9999'), undefined)
})
