import t from 'tap'
import { CallerCounters } from '../../src/core/caller-counters.ts'
import type { Counter } from '../../src/core/counters.ts'

function open (capacity: number, idleMs = 1_000) {
  let time = 1_700_000_000_000
  const counters = new CallerCounters<Counter>({ capacity, idleMs, clock: { now: () => time } })
  const of = (caller: string) => counters.of(caller, () => ({ id: caller, windowMs: idleMs, max: 1, onStoreFailure: 'closed' }))
  return { counters, of, pass: (ms: number) => { time += ms } }
}

t.test('a caller keeps its counter', async (t) => {
  const { of } = open(10)
  const [ann, ben] = [of('ann'), of('ben')]
  t.not(ann, ben)
  t.equal(of('ann'), ann)
  t.equal(of('ben'), ben)
})

t.test('no counter that may hold something makes room, however many callers are invented', async (t) => {
  const { counters, of, pass } = open(100)
  const first = of('first')
  for (let each = 0; each < 10_000; each++) of(`caller-${each}`)
  pass(999)
  t.equal(of('late'), undefined)
  t.equal(of('first'), first)
  t.equal(counters.size, 100)
})

t.test('idle counters make room, those in use stay', async (t) => {
  const { counters, of, pass } = open(3)
  const [ann] = [of('ann'), of('ben'), of('cat')]
  pass(600)
  of('ann')
  pass(400)
  t.not(of('dan'), undefined, 'in the place of ben')
  t.equal(of('ann'), ann)
  t.equal(counters.size, 2, 'cat has gone, too')
})

t.test('when a crowd has gone, so do its counters, a few with each new one', async (t) => {
  const { counters, of, pass } = open(1_000)
  for (let each = 0; each < 1_000; each++) of(`caller-${each}`)
  pass(1_000)
  for (let each = 0; each < 600; each++) of(`other-${each}`)
  t.equal(counters.size, 600)
})
