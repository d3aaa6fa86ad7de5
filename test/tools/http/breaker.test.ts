import t from 'tap'
import { Breaker, CircuitOpen, type Verdict } from '../../../src/tools/http/breaker.ts'

function breakerAt (limits = {}, chance = 0) {
  const clock = { ms: 0 }
  const breaker = new Breaker({ enabled: true, failures: 3, cooldown: 1000, ...limits }, { now: () => clock.ms, random: () => chance })
  const tell = (...verdicts: Verdict[]) => verdicts.map((verdict) => breaker.settle(breaker.admit(), verdict))
  return { clock, breaker, tell }
}

t.test('it opens after so many failures in a row, and says so once', async (t) => {
  const { breaker, tell } = breakerAt()
  t.strictSame(tell('fails', 'fails', 'works', 'fails', 'unknown', 'fails'), [false, false, false, false, false, false])
  t.equal(breaker.state, 'closed')
  t.strictSame(tell('fails'), [true])
  t.equal(breaker.state, 'open')
  t.throws(() => breaker.admit(), new CircuitOpen(1000))
})

t.test('it stays open for the cool-down, and by chance for up to half of that longer', async (t) => {
  for (const [chance, ms] of [[0, 1000], [0.5, 1250], [0.998, 1499]] as const) {
    const { clock, breaker, tell } = breakerAt({}, chance)
    tell('fails', 'fails', 'fails')
    clock.ms = ms - 1
    t.throws(() => breaker.admit(), new CircuitOpen(1))
    clock.ms = ms
    t.doesNotThrow(() => breaker.admit())
    t.equal(breaker.state, 'half-open')
  }
})

t.test('after the cool-down one request at a time finds out: success closes, failure opens again, anything else leaves it to the next', async (t) => {
  const { clock, breaker, tell } = breakerAt()
  tell('fails', 'fails', 'fails')
  clock.ms = 1000
  const probe = breaker.admit()
  t.throws(() => breaker.admit(), new CircuitOpen(1000))
  t.equal(breaker.settle(probe, 'fails'), true)
  t.equal(breaker.state, 'open')
  clock.ms = 1999
  t.throws(() => breaker.admit(), new CircuitOpen(1))
  clock.ms = 2000
  t.equal(breaker.settle(breaker.admit(), 'unknown'), false)
  t.equal(breaker.state, 'half-open')
  t.equal(breaker.settle(breaker.admit(), 'works'), true)
  t.equal(breaker.state, 'closed')
  t.strictSame(tell('fails', 'fails'), [false, false])
})

t.test('what was sent before the last change of state does not count', async (t) => {
  const { clock, breaker, tell } = breakerAt()
  const [old, older] = [breaker.admit(), breaker.admit()]
  tell('fails', 'fails', 'fails')
  t.equal(breaker.settle(old, 'works'), false)
  t.equal(breaker.state, 'open')
  clock.ms = 1000
  const probe = breaker.admit()
  t.equal(breaker.settle(older, 'works'), false)
  t.throws(() => breaker.admit(), new CircuitOpen(1000))
  breaker.settle(probe, 'works')
  t.equal(breaker.state, 'closed')
  t.equal(breaker.settle(older, 'fails'), false)
  t.equal(breaker.failures, 0)
})

t.test('one that is switched off never opens', async (t) => {
  const { breaker, tell } = breakerAt({ enabled: false })
  tell(...Array<Verdict>(100).fill('fails'))
  t.equal(breaker.state, 'closed')
  t.doesNotThrow(() => breaker.admit())
})
