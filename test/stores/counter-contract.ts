import type { Test } from 'tap'
import type { Charge, Counter, CounterStore, Verdict } from '../../src/core/counters.ts'

export interface OpenedCounters {
  store: CounterStore
  /** Lets time pass, as far as the store can tell. */
  pass (ms: number): void | Promise<void>
}

const minute = 60_000
/** A real clock goes on while a test runs: by this much at most. */
const slackMs = 5_000

let count = 0
export function counter (more: Partial<Counter> = {}): Counter {
  return { id: `counter-${++count}`, windowMs: minute, max: 10, onStoreFailure: 'closed', ...more }
}

/** Takes one of each counter. */
export async function take (store: CounterStore, ...counters: Counter[]): Promise<Verdict> {
  return await store.take(counters.map((each) => ({ counter: each, cost: 1 })))
}

/** Takes one at a time, and says how many were admitted. */
export async function admittedOf (store: CounterStore, tries: number, ...counters: Counter[]): Promise<number> {
  let admitted = 0
  for (let each = 0; each < tries; each++) if ((await take(store, ...counters)).admitted) admitted++
  return admitted
}

/** What every store of counters promises. `open` gives an empty one. */
export function counterContract (t: Test, open: (t: Test) => Promise<OpenedCounters>): void {
  t.test('a window admits as many as it may, and tells how many are left', async (t) => {
    const { store } = await open(t)
    const three = counter({ max: 3 })
    const left = []
    for (let each = 0; each < 4; each++) {
      const { admitted, standings: [standing] } = await take(store, three)
      left.push([admitted, standing?.remaining])
    }
    t.strictSame(left, [[true, 2], [true, 1], [true, 0], [false, 0]])
  })

  t.test('of 200 at once at a limit of 10, exactly 10 are admitted', async (t) => {
    const { store } = await open(t)
    const ten = counter({ max: 10 })
    const verdicts = await Promise.all(Array.from({ length: 200 }, async () => await take(store, ten)))
    t.equal(verdicts.filter(({ admitted }) => admitted).length, 10)
  })

  t.test('several counters are taken all or not at all', async (t) => {
    const { store } = await open(t)
    const [wide, narrow, other] = [counter({ max: 10 }), counter({ max: 2 }), counter({ max: 10 })]
    t.equal(await admittedOf(store, 5, wide, narrow, other), 2)
    t.equal((await take(store, wide)).standings[0]?.remaining, 7, 'what the narrow one refused used up nothing of the one before it')
    t.equal((await take(store, other)).standings[0]?.remaining, 7, 'nor of the one behind it')
  })

  t.test('of 200 at once that cost two counters, the refused ones use up nothing of either', async (t) => {
    const { store } = await open(t)
    const [wide, narrow] = [counter({ max: 100 }), counter({ max: 10 })]
    await Promise.all(Array.from({ length: 200 }, async () => await take(store, wide, narrow)))
    t.equal((await take(store, wide)).standings[0]?.remaining, 89)
  })

  t.test('a standing tells of each charge, in their order', async (t) => {
    const { store } = await open(t)
    const charges: Charge[] = [{ counter: counter({ max: 5 }), cost: 2 }, { counter: counter({ max: 9, windowMs: 1_000_000 }), cost: 3 }]
    const { standings } = await store.take(charges)
    t.match(standings, [{ remaining: 3, waitMs: 0 }, { remaining: 6, waitMs: 0 }])
    t.ok(near(standings[0]?.resetMs, minute) && near(standings[1]?.resetMs, 1_000_000), JSON.stringify(standings))
  })

  t.test('several are admitted together or not at all', async (t) => {
    const { store } = await open(t)
    const ten = counter({ max: 10 })
    const cost = async (many: number): Promise<Verdict> => await store.take([{ counter: ten, cost: many }])
    t.match(await cost(7), { admitted: true, standings: [{ remaining: 3 }] })
    t.match(await cost(4), { admitted: false, standings: [{ remaining: 3 }] })
    t.match(await cost(3), { admitted: true, standings: [{ remaining: 0 }] })
  })

  t.test('more than a window ever admits is refused for ever, and uses up nothing', async (t) => {
    const { store } = await open(t)
    const ten = counter({ max: 10 })
    t.match(await store.take([{ counter: ten, cost: 11 }]), { admitted: false, standings: [{ remaining: 10, waitMs: Infinity }] })
    t.match(await store.take([{ counter: ten, cost: 10 }]), { admitted: true, standings: [{ remaining: 0 }] })
  })

  t.test('after its window, an admission counts no more', async (t) => {
    const { store, pass } = await open(t)
    const two = counter({ max: 2 })
    t.equal(await admittedOf(store, 3, two), 2)
    await pass(minute - slackMs)
    t.equal((await take(store, two)).admitted, false)
    await pass(slackMs)
    t.equal(await admittedOf(store, 3, two), 2)
  })

  t.test('the window slides: what came later goes later', async (t) => {
    const { store, pass } = await open(t)
    const two = counter({ max: 2 })
    await take(store, two)
    await pass(40_000)
    await take(store, two)
    await pass(20_000)
    const { admitted, standings } = await take(store, two)
    t.equal(admitted, true, 'the first has gone')
    t.ok(near(standings[0]?.resetMs, 40_000), JSON.stringify(standings))
    const refused = await take(store, two)
    t.equal(refused.admitted, false, 'the second has not, 60 s after the first')
    t.ok(near(refused.standings[0]?.waitMs, 40_000), JSON.stringify(refused))
    await pass(40_000)
    t.equal(await admittedOf(store, 3, two), 1)
  })

  t.test('what came within one step of a window leaves it with the last of its group, not with the first', async (t) => {
    const { store, pass } = await open(t)
    // A step is 100 s.
    const two = counter({ max: 2, windowMs: 6_000_000 })
    await take(store, two)
    await pass(6_000)
    await take(store, two)
    await pass(6_000_000 - 3_000)
    t.ok(await admittedOf(store, 3, two) <= 1, 'the second has not been there for a window')
    await pass(3_000)
    t.ok(await admittedOf(store, 3, two) >= 1)
  })

  t.test('several wait until there is room for all of them', async (t) => {
    const { store, pass } = await open(t)
    const three = counter({ max: 3 })
    for (let each = 0; each < 3; each++) {
      await take(store, three)
      await pass(10_000)
    }
    const waits = async (cost: number): Promise<number | undefined> => (await store.take([{ counter: three, cost }])).standings[0]?.waitMs
    t.ok(near(await waits(1), 30_000))
    t.ok(near(await waits(2), 40_000))
    t.ok(near(await waits(3), 50_000))
  })

  t.test('counters of other ids and other windows are others', async (t) => {
    const { store } = await open(t)
    const one = counter({ id: 'a:b', max: 1 })
    t.equal(await admittedOf(store, 2, one), 1)
    for (const other of [counter({ id: 'a:b:c', max: 1 }), counter({ id: 'a', max: 1 }), counter({ id: 'ä:b\r\n*', max: 1 }), counter({ id: 'a:b', windowMs: 1, max: 1 })]) t.equal((await take(store, other)).admitted, true)
  })

  t.test('the longest windows and large limits are counted, too', async (t) => {
    const { store } = await open(t)
    const vast = counter({ max: 2 ** 52, windowMs: 2_147_483_647 })
    t.match(await take(store, vast), { admitted: true, standings: [{ remaining: 2 ** 52 - 1 }] })
    t.match(await take(store, vast), { admitted: true, standings: [{ remaining: 2 ** 52 - 2 }] })
  })

  t.test('what trickles in is never more than the limit in any window', async (t) => {
    const { store, pass } = await open(t)
    const limit = counter({ max: 25 })
    const admissions: number[] = []
    const startedAt = performance.now()
    let passed = 0
    for (let each = 0; each < 300; each++) {
      if ((await take(store, limit)).admitted) admissions.push(passed + performance.now() - startedAt)
      // Steps of all sizes, the same in each run.
      const ms = (each * 7_919) % 1_300
      await pass(ms)
      passed += ms
    }
    // As long as a window but for what a round trip may take.
    const nearlyMinute = minute - 1_000
    const most = Math.max(...admissions.map((start) => admissions.filter((time) => time >= start && time < start + nearlyMinute).length))
    t.equal(most, 25)
    t.ok(admissions.length > 50, `${admissions.length} were admitted in ${passed} ms`)
  })
}

function near (value: number | undefined, expected: number): boolean {
  return value !== undefined && value <= expected && value > expected - slackMs
}
