import t from 'tap'
import { Health, type Check, type Finding, type HealthOptions } from '../../src/core/health.ts'
import type { Test } from '../helpers/build.ts'
import { deferred, until } from '../helpers/waiting.ts'

const healthy: Finding = { status: 'healthy' }
const failing: Check = async () => { throw new Error('what clients are told', { cause: new Error('why') }) }

function watch (t: Test, checks: Record<string, Check>, more: Partial<HealthOptions> = {}): Health {
  const health = new Health({ checks: new Map(Object.entries(checks)), required: [], intervalMs: 1, timeoutMs: 20, clock: Date, ...more })
  t.teardown(() => { health.stop() })
  health.start()
  return health
}

t.test('what counts decides the status', async (t) => {
  const cases: readonly [string, Record<string, Check>, string[], string][] = [
    ['all are well', { a: () => healthy, b: () => healthy }, ['a'], 'healthy'],
    ['one that is not required works in part', { a: () => healthy, b: () => ({ status: 'degraded' }) }, ['a'], 'degraded'],
    ['one that is not required fails', { a: () => healthy, b: failing }, ['a'], 'degraded'],
    ['a required one works in part', { a: () => ({ status: 'degraded' }) }, ['a'], 'degraded'],
    ['a required one fails', { a: failing, b: () => healthy }, ['a'], 'unhealthy'],
    ['a required one throws', { a: () => { throw new Error('at once') } }, ['a'], 'unhealthy'],
    ['a required one fails beside one that works in part', { a: failing, b: () => ({ status: 'degraded' }) }, ['a'], 'unhealthy'],
    ['nothing is looked at', {}, ['a'], 'healthy']
  ]
  for (const [title, checks, required, status] of cases) {
    const health = watch(t, checks, { required })
    await until('all have an outcome', () => health.isKnown)
    t.equal(health.report().status, status, title)
  }
})

t.test('what is not known yet is not taken for healthy', async (t) => {
  const { promise, resolve } = deferred<Finding>()
  const health = watch(t, { slow: () => promise }, { required: ['slow'], timeoutMs: 60_000 })
  t.equal(health.isKnown, false)
  t.match(health.report(), { status: 'unhealthy' })
  t.match(health.report().checks.get('slow'), { status: 'unknown', checkedAt: undefined })
  resolve({ ...healthy, facts: { n: 1 } })
  await until('it has an outcome', () => health.isKnown)
  t.match(health.report().checks.get('slow'), { status: 'healthy', facts: { n: 1 }, checkedAt: Number, durationMs: Number })
})

t.test('the reason of a failure is what caused it', async (t) => {
  const health = watch(t, { a: failing })
  await until('it has an outcome', () => health.isKnown)
  t.match(health.report().checks.get('a'), { status: 'unhealthy', message: 'why' })
})

t.test('a check that hangs has failed after its timeout, is never asked twice at a time, and counts again when it answers', async (t) => {
  let [asked, hangs] = [0, true]
  const { promise, resolve } = deferred<Finding>()
  const health = watch(t, {
    async peer () {
      asked++
      return hangs ? await promise : healthy
    },
    other: () => healthy
  })
  const last = () => health.report().checks.get('peer')
  await until('its time is over', () => last()?.status === 'unhealthy')
  t.match(last(), { message: /^It has not answered for \d+ ms\.$/ })
  const { durationMs: first = 0 } = last() ?? {}
  await until('it is said again, with the time it has taken by now', () => (last()?.durationMs ?? 0) > first + 20)
  t.equal(asked, 1)
  hangs = false
  resolve(healthy)
  await until('it is asked again', () => asked > 1 && last()?.status === 'healthy')
})

t.test('an outcome that is too old says nothing', async (t) => {
  let now = 1_000
  const health = watch(t, { a: () => healthy }, { required: ['a'], intervalMs: 60_000, timeoutMs: 1_000, clock: { now: () => now } })
  now += 122_000
  t.equal(health.report().status, 'healthy')
  now += 1
  t.match(health.report(), { status: 'unhealthy' })
  t.match(health.report().checks.get('a'), { status: 'unknown', message: /too old/, checkedAt: 1_000 })
})

t.test('after the end nothing is asked any more', async (t) => {
  let [asked, askedElsewhere] = [0, 0]
  const { promise, resolve } = deferred<Finding>()
  const health = watch(t, { peer () { asked++; return promise } })
  health.stop()
  resolve(healthy)
  watch(t, { peer () { askedElsewhere++; return healthy } })
  await until('another one has been asked several times', () => askedElsewhere > 5)
  t.equal(asked, 1)
})
