import t, { type Test } from 'tap'
import { createStreamLogMemory, type StreamLogMemoryOptions } from '../../src/stores/stream-log-memory.ts'
import { fill, streamLogContract, streamOf } from './stream-log-contract.ts'

async function open (t: Test, options: Partial<StreamLogMemoryOptions> = {}) {
  let now = 1_000_000
  const log = createStreamLogMemory({ ...options, clock: { now: () => now } })
  t.teardown(() => log.close())
  return { log, pass (ms: number) { now += ms } }
}

t.test('streams in memory', async (t) => { streamLogContract(t, open) })

t.test('all streams together are bounded: those that were silent for longest go', async (t) => {
  const { log } = await open(t, { maxTotalBytes: 10_000 })
  for (const stream of ['a', 'b', 'c', 'd']) await log.append(streamOf(`session-${stream}`, stream), { id: `${stream}.1`, message: 'x'.repeat(3_000) })
  t.equal(await log.after('session-a', 'a.0'), undefined)
  for (const stream of ['c', 'd']) t.ok(await log.after(`session-${stream}`, `${stream}.0`), stream)
})

t.test('streams without messages are bounded, too', async (t) => {
  const { log } = await open(t, { maxTotalBytes: 100_000 })
  for (let each = 0; each < 1_000; each++) {
    await log.end(streamOf(`session-${each}`, 'a'), undefined)
    await fill(log, `session-${each}`, 'b', 1, 1)
  }
  let known = 0
  for (let each = 0; each < 1_000; each++) {
    for (const id of ['a.0', 'b.0']) if (await log.after(`session-${each}`, id) !== undefined) known++
  }
  t.ok(known > 50 && known < 300, `${known} are kept`)
})

t.test('what was trimmed, forgotten and replaced is counted no more', async (t) => {
  const { log } = await open(t, { maxTotalBytes: 20_000, maxBytes: 5_000, maxEvents: 5 })
  await log.append(streamOf('other', 'kept'), { id: 'kept.1', message: 'x' })
  for (let round = 0; round < 50; round++) {
    for (let number = 1; number <= 20; number++) await log.append(streamOf('s', `a${round}`), { id: `a${round}.${number}`, message: 'x'.repeat(900) })
    await log.forget('s')
  }
  t.ok(await log.after('other', 'kept.0'))
})
