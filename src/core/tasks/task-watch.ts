import { TaskUnknownError } from '../call-errors.ts'
import { hasEnded, type TaskRecord } from './record.ts'
import type { TaskListener } from './task-news.ts'
import type { Tasks } from './tasks.ts'

/** What one subscription is told of the tasks that it named: how each is, and then each change. */
export class TaskWatch {
  readonly #latest = new Map<string, TaskRecord>()
  readonly #stops: (() => void)[] = []
  #tell: TaskListener | undefined
  #hasStopped = false

  /** Watches those that the principal has: the others do not exist for it. Rejects with StateUnavailableError. */
  static async open (tasks: Tasks, ids: readonly string[], principal: string): Promise<TaskWatch> {
    const watch = new TaskWatch()
    try {
      await Promise.all([...new Set(ids)].map(async (id) => { await watch.#add(tasks, id, principal) }))
      return watch
    } catch (error) {
      watch.stop()
      throw error
    }
  }

  get ids (): string[] { return [...this.#latest.keys()] }

  /** Tells how the tasks are, and from now on how they change. */
  begin (tell: TaskListener): void {
    this.#tell = tell
    for (const record of this.#latest.values()) tell(record)
  }

  stop (): void {
    this.#hasStopped = true
    for (const stop of this.#stops.splice(0)) stop()
  }

  async #add (tasks: Tasks, id: string, principal: string): Promise<void> {
    const record = await find(tasks, id, principal)
    if (record === undefined) return
    this.#take(record)
    if (hasEnded(record)) return
    this.#stops.push(await tasks.watch(id, (changed) => { this.#take(changed) }))
    if (this.#hasStopped) return this.stop()
    // It may have changed before anybody listened.
    const now = await find(tasks, id, principal)
    if (now !== undefined) this.#take(now)
  }

  #take (record: TaskRecord): void {
    const known = this.#latest.get(record.id)
    if (known !== undefined && !isNewer(record, known)) return
    this.#latest.set(record.id, record)
    this.#tell?.(record)
  }
}

async function find (tasks: Tasks, id: string, principal: string): Promise<TaskRecord | undefined> {
  try {
    return await tasks.get(id, principal)
  } catch (error) {
    if (error instanceof TaskUnknownError) return undefined
    throw error
  }
}

/** Clocks of instances differ, but nothing follows the end. */
function isNewer (record: TaskRecord, known: TaskRecord): boolean {
  if (hasEnded(known)) return false
  if (hasEnded(record) || record.updatedAt > known.updatedAt) return true
  return record.updatedAt === known.updatedAt && (record.status !== known.status || record.statusMessage !== known.statusMessage || record.inputs !== known.inputs)
}
