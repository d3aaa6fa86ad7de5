import type { Test } from 'tap'
import type { EventBus } from '../../../src/core/bus.ts'
import type { TaskRecord, TaskStore } from '../../../src/core/tasks/record.ts'
import type { TaskedCall } from '../../../src/core/tasks/lane.ts'
import type { RunningTask } from '../../../src/core/tasks/running-task.ts'
import { Tasks, type TaskLimits } from '../../../src/core/tasks/tasks.ts'
import { createBusMemory } from '../../../src/stores/bus-memory.ts'
import { createTaskMemory } from '../../../src/stores/task-memory.ts'
import type { TaskBounds } from '../../../src/stores/task-bounds.ts'
import { keepingLogger, type LogLine } from '../../helpers/exchange.ts'

export const hourMs = 3_600_000
const bounds: TaskBounds = { maxTasks: 100, maxTasksPerPrincipal: 100, maxTotalBytes: 10_000_000 }

export interface OpenedTasks {
  tasks: Tasks
  store: TaskStore
  bus: EventBus
  lines: LogLine[]
  pass (ms: number): void
  /** Begins a task for ann, unless another is named. */
  begin (principal?: string): Promise<{ task: RunningTask, call: TestCall }>
  /** What ann sees of a task. */
  look (task: RunningTask): Promise<TaskRecord>
}

export interface TestCall extends TaskedCall {
  readonly signal: AbortSignal
  readonly limits: number[]
}

export interface TasksOptions {
  limits?: Partial<TaskLimits>
  bounds?: Partial<TaskBounds>
  /** Of another instance. */
  shared?: Pick<OpenedTasks, 'store' | 'bus'>
  store?: TaskStore
}

/** The tasks of an instance, in memory. */
export function openTasks (t: Test, { limits = {}, bounds: more = {}, shared, store: given }: TasksOptions = {}): OpenedTasks {
  let now = Date.now()
  const clock = { now: () => now }
  const logger = keepingLogger()
  const store = given ?? shared?.store ?? createTaskMemory({ ...bounds, ...more, clock })
  const bus = shared?.bus ?? createBusMemory({ logger })
  const tasks = new Tasks({ store, bus, clock, logger, limits: { ttlMs: 2 * hourMs, pollIntervalMs: 500, maxDurationMs: hourMs, maxResultBytes: 100_000, ...limits } })
  t.teardown(async () => {
    await tasks.close()
    await store.close()
  })
  return {
    tasks,
    store,
    bus,
    lines: logger.lines,
    pass (ms) { now += ms },
    async begin (principal = 'ann') {
      const call = testCall()
      return { call, task: await tasks.create(principal, 'work', call) }
    },
    look: async ({ record: { id } }) => await tasks.get(id, 'ann')
  }
}

export function testCall (): TestCall {
  const controller = new AbortController()
  const limits: number[] = []
  return {
    limits,
    signal: controller.signal,
    get abortReason () { return controller.signal.aborted ? controller.signal.reason as Error : undefined },
    abort (reason) { if (!controller.signal.aborted) controller.abort(reason) },
    retime (limitMs) { limits.push(limitMs) }
  }
}

/** What something rejects with. */
export async function failureOf (outcome: Promise<unknown>): Promise<Error & { code?: unknown, data?: unknown }> {
  const failed = await outcome.then(() => undefined, (error: unknown) => error)
  if (failed instanceof Error) return failed
  throw new Error(`Expected a failure with an error, found ${String(failed)}.`)
}
