import type { Test } from 'tap'
import type { TaskRecord, TaskStore } from '../../src/core/tasks/record.ts'
import type { TaskBounds } from '../../src/stores/task-bounds.ts'

export interface OpenedStore {
  store: TaskStore
  /** The time of the store. */
  now (): number
  /** Lets time pass, as far as the store can tell. */
  pass (ms: number): void | Promise<void>
}

export const bounds: TaskBounds = { maxTasks: 10, maxTasksPerPrincipal: 3, maxTotalBytes: 1_000_000 }
export const ttlMs = 20_000

let count = 0
export function taskRecord (more: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id: `task-${++count}`,
    principal: 'anonymous',
    instance: 'here',
    createdAt: 1_000_000,
    ttlMs,
    pollIntervalMs: 500,
    updatedAt: 1_000_000,
    status: 'working',
    statusMessage: undefined,
    inputs: undefined,
    outcome: undefined,
    ...more
  }
}

const inputs = '{"k":{"method":"roots/list","params":{}}}'
const ends = [
  { status: 'completed', outcome: '{"content":[]}' },
  { status: 'failed', statusMessage: 'Ünlucky', outcome: '{"code":-32603,"message":"no"}' },
  { status: 'cancelled' }
] as const

/** What every store of tasks promises. `open` gives an empty one. */
export function taskContract (t: Test, open: (t: Test, bounds: TaskBounds) => Promise<OpenedStore>): void {
  const begin = async (t: Test, more: Partial<TaskBounds> = {}) => {
    const opened = await open(t, { ...bounds, ...more })
    const create = async (record: TaskRecord = taskRecord()) => {
      const dated = { ...record, createdAt: opened.now(), updatedAt: opened.now() }
      return { record: dated, created: await opened.store.create(dated) }
    }
    return { ...opened, create }
  }

  t.test('a task comes back as it was created', async (t) => {
    const { store, create } = await begin(t)
    const whole = await create(taskRecord({ principal: 'zoë', statusMessage: 'halfway 半分', status: 'input_required', inputs }))
    const bare = await create()
    t.equal(whole.created, true)
    t.strictSame(await store.get(whole.record.id), whole.record)
    t.strictSame(await store.get(bare.record.id), bare.record)
  })

  t.test('an id that nobody was given leads to nothing', async (t) => {
    const { store } = await begin(t)
    for (const id of ['unknown', '', '../*', 'a\r\nb', '__proto__', 'total']) {
      t.equal(await store.get(id), undefined)
      t.equal(await store.update(taskRecord({ id })), 'gone')
    }
  })

  t.test('a change replaces the state, and what belonged to the state before is gone', async (t) => {
    const { store, create } = await begin(t)
    const { record } = await create()
    const asking: TaskRecord = { ...record, status: 'input_required', inputs, statusMessage: 'waiting', updatedAt: record.updatedAt + 5 }
    t.equal(await store.update(asking), 'kept')
    t.strictSame(await store.get(record.id), asking)
    t.equal(await store.update({ ...record, updatedAt: record.updatedAt + 9 }), 'kept')
    t.strictSame(await store.get(record.id), { ...record, updatedAt: record.updatedAt + 9 })
  })

  for (const end of ends) {
    t.test(`nothing comes after the end: ${end.status}`, async (t) => {
      const { store, create } = await begin(t)
      const { record } = await create()
      const ended: TaskRecord = { ...record, ...end }
      t.equal(await store.update(ended), 'kept')
      for (const later of [record, { ...record, status: 'completed', outcome: '"other"' }, { ...record, status: 'cancelled' }] as const) {
        t.equal(await store.update(later), 'ended')
      }
      t.strictSame(await store.get(record.id), ended)
    })
  }

  t.test('a task is there for its whole time, and no longer, running or not', async (t) => {
    const { store, create, pass } = await begin(t)
    const { record: running } = await create()
    const { record: done } = await create()
    await store.update({ ...done, status: 'completed', outcome: '1' })
    await pass(ttlMs - 1_000)
    t.equal((await store.get(running.id))?.status, 'working')
    t.equal((await store.get(done.id))?.outcome, '1')
    await pass(1_001)
    t.equal(await store.get(running.id), undefined)
    t.equal(await store.get(done.id), undefined)
    t.equal(await store.update(running), 'gone')
  })

  t.test('a change does not lengthen the life of a task', async (t) => {
    const { store, create, pass } = await begin(t)
    const { record } = await create()
    await pass(ttlMs - 5_000)
    await store.update({ ...record, statusMessage: 'still here' })
    await pass(5_001)
    t.equal(await store.get(record.id), undefined)
  })

  t.test('a full store refuses new tasks and keeps those it has, ended ones too', async (t) => {
    const { store, create, pass } = await begin(t)
    const held = await Promise.all(Array.from({ length: 10 }, async () => (await create()).record))
    t.equal((await create()).created, false)
    for (const record of held) t.equal(await store.update({ ...record, status: 'completed', outcome: '1' }), 'kept')
    t.equal((await create()).created, false, 'whoever waits for a result gets it')
    for (const { id } of held) t.ok(await store.get(id))
    await pass(ttlMs + 1)
    t.equal((await create()).created, true, 'expired ones make room')
  })

  t.test('a named principal has a bound of its own, the anonymous have none', async (t) => {
    const { create, pass } = await begin(t)
    const created = async (principal: string) => (await create(taskRecord({ principal }))).created
    for (let each = 0; each < 3; each++) t.equal(await created('ann'), true)
    t.equal(await created('ann'), false)
    t.equal(await created('bob'), true, 'others are not touched by it')
    for (let each = 0; each < 4; each++) t.equal(await created('anonymous'), true)
    await pass(ttlMs + 1)
    for (let each = 0; each < 3; each++) t.equal(await created('ann'), true)
    t.equal(await created('ann'), false)
  })

  t.test('a principal may have any name', async (t) => {
    const { store, create } = await begin(t)
    for (const principal of ['constructor', '__proto__', 'a:b', 'a b\n*', 'x'.repeat(3_000), 'ü']) {
      const { record } = await create(taskRecord({ principal }))
      t.equal((await store.get(record.id))?.principal, principal)
    }
  })

  t.test('what tasks hold together is bounded, and given back', async (t) => {
    const { store, create, pass } = await begin(t, { maxTotalBytes: 50_000 })
    const first = (await create()).record
    const second = (await create()).record
    const large = (bytes: number): Pick<TaskRecord, 'status' | 'inputs'> => ({ status: 'input_required', inputs: 'x'.repeat(bytes) })
    t.equal(await store.update({ ...first, ...large(40_000) }), 'kept')
    t.equal(await store.update({ ...second, ...large(20_000) }), 'full')
    t.strictSame(await store.get(second.id), second, 'a change that has no room is not made')
    t.equal(await store.update({ ...second, ...large(9_000) }), 'kept')
    t.equal((await create()).created, false, 'there is no room for another task either')
    t.equal(await store.update({ ...first, status: 'working' }), 'kept', 'what needs less room always has it')
    t.equal(await store.update({ ...second, ...large(20_000) }), 'kept')
    t.equal((await create()).created, true)
    await pass(ttlMs + 1)
    const third = (await create()).record
    t.equal(await store.update({ ...third, ...large(45_000) }), 'kept', 'expired tasks hold nothing')
  })

  t.test('bytes are counted, not letters', async (t) => {
    const { store, create } = await begin(t, { maxTotalBytes: 50_000 })
    const { record } = await create()
    t.equal(await store.update({ ...record, status: 'completed', outcome: '語'.repeat(20_000) }), 'full')
    t.equal(await store.update({ ...record, status: 'completed', outcome: 'a'.repeat(20_000) }), 'kept')
  })
}
