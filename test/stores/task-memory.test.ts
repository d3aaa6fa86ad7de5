import t, { type Test } from 'tap'
import { createTaskMemory } from '../../src/stores/task-memory.ts'
import type { TaskBounds } from '../../src/stores/task-bounds.ts'
import { bounds, taskContract, taskRecord, ttlMs, type OpenedStore } from './task-contract.ts'

async function open (t: Test, bounds: TaskBounds): Promise<OpenedStore> {
  let now = 1_000_000
  const store = createTaskMemory({ ...bounds, clock: { now: () => now } })
  t.teardown(() => store.close())
  return { store, now: () => now, pass (ms) { now += ms } }
}

t.test('tasks in memory', async (t) => { taskContract(t, open) })

t.test('a store that was closed holds nothing', async (t) => {
  const { store, now } = await open(t, bounds)
  const record = taskRecord({ createdAt: now() })
  await store.create(record)
  await store.close()
  t.equal(await store.get(record.id), undefined)
})

t.test('tasks of different lengths make room as each expires', async (t) => {
  const { store, now, pass } = await open(t, { ...bounds, maxTasks: 2 })
  await store.create(taskRecord({ createdAt: now(), ttlMs: ttlMs * 10 }))
  await store.create(taskRecord({ createdAt: now() }))
  t.equal(await store.create(taskRecord({ createdAt: now() })), false)
  await pass(ttlMs + 1)
  t.equal(await store.create(taskRecord({ createdAt: now() })), true)
  t.equal(await store.create(taskRecord({ createdAt: now() })), false)
})
