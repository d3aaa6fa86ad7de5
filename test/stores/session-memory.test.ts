import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { createSessionMemory } from '../../src/stores/session-memory.ts'
import type { SessionLimits } from '../../src/stores/session-record.ts'
import { limits, record, sessionContract, type OpenedStore } from './session-contract.ts'

async function open (t: Test, limits: SessionLimits): Promise<OpenedStore> {
  let now = 1_000_000
  const store = createSessionMemory({ ...limits, clock: { now: () => now } })
  t.teardown(() => store.close())
  return { store, pass (ms) { now += ms } }
}

t.test('sessions in memory', async (t) => { sessionContract(t, open) })

t.test('a name is not held by the text that it was cut from, nor a capability by its request', async (t) => {
  const { store } = await open(t, { ...limits, maxSessions: 1_000 })
  const before = heapAfter(() => {})
  const grown = heapAfter(() => {
    for (let each = 0; each < 100; each++) store.create(record({ clientName: `${each}${'n'.repeat(1_000_000)}`.slice(0, 128) }))
  }) - before
  t.ok(grown < 5_000_000, `100 sessions hold ${grown} bytes`)
})

t.test('a usual session costs no more than 2 KB', async (t) => {
  const { store } = await open(t, { ...limits, maxSessions: 20_000 })
  const count = 10_000
  const before = heapAfter(() => {})
  const grown = heapAfter(() => {
    for (let each = 0; each < count; each++) {
      store.create(record({
        id: crypto.randomUUID(),
        clientName: 'a client with a name of its own',
        clientCapabilities: JSON.parse('{"roots":{"listChanged":true},"sampling":{"tools":{}},"elicitation":{"form":{},"url":{}},"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}}')
      }))
    }
  }) - before
  t.comment(`${Math.round(grown / count)} bytes a session`)
  t.ok(grown / count < 2_048, `${Math.round(grown / count)} bytes`)
  t.ok(grown / count > 200, 'and the measurement saw them')
})

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** What the heap holds after some work, without what can be collected. */
function heapAfter (work: () => void): number {
  work()
  if (typeof collect !== 'function') throw new Error('Node gives no garbage collector.')
  for (let round = 0; round < 3; round++) collect()
  return process.memoryUsage().heapUsed
}
