import t from 'tap'
import { stepOf } from '../../src/core/counters.ts'
import { createCounterMemory } from '../../src/stores/counter-memory.ts'
import { admittedOf, counter, counterContract, take } from './counter-contract.ts'

const minute = 60_000

function open (start = 1_700_000_000_000) {
  let time = start
  const store = createCounterMemory({ clock: { now: () => time } })
  return { store, pass: (ms: number) => { time += ms } }
}

t.test('counters in memory', async (t) => { counterContract(t, async () => open()) })

t.test('a window ends to the millisecond', async (t) => {
  const { store, pass } = open()
  const two = counter({ max: 2 })
  await take(store, two)
  await take(store, two)
  pass(minute - 1)
  t.match(await take(store, two), { admitted: false, standings: [{ waitMs: 1, resetMs: 1 }] })
  pass(1)
  t.equal(await admittedOf(store, 3, two), 2)
})

t.test('what trickles in leaves the window by one step late at most, and never early', async (t) => {
  const { store, pass } = open()
  const many = counter({ max: 1_000 })
  let admitted = 0
  for (let now = 0; now < 10 * minute; now += 50) {
    if ((await take(store, many)).admitted) admitted++
    pass(50)
  }
  // 1200 come in a minute: the limit alone holds them up, and a step costs a sixtieth at most.
  t.ok(admitted <= 10_000 && admitted > 9_800, `${admitted}`)
})

t.test('a clock that is set back lets nobody through, and holds nobody up for longer than a window', async (t) => {
  const { store, pass } = open()
  const two = counter({ max: 2 })
  t.equal(await admittedOf(store, 3, two), 2)
  pass(-3_600_000)
  t.match(await take(store, two), { admitted: false, standings: [{ waitMs: minute }] })
  pass(minute)
  t.equal(await admittedOf(store, 3, two), 2)
})

t.test('the shortest windows have steps of a millisecond', async (t) => {
  t.strictSame([1, 59, 60, 61, minute].map(stepOf), [1, 1, 1, 2, 1_000])
  const { store, pass } = open()
  const one = counter({ max: 1, windowMs: 1 })
  t.equal(await admittedOf(store, 2, one), 1)
  pass(1)
  t.equal(await admittedOf(store, 2, one), 1)
})

t.test('the answer is there at once', async (t) => {
  const { store } = open()
  t.match(store.take([{ counter: counter(), cost: 1 }]), { admitted: true })
})
