import type { EventBus } from '../bus.ts'
import type { Logger } from '../ports.ts'
import type { MaybePromise } from '../session.ts'
import { hasEnded, type TaskRecord } from './record.ts'

export interface TaskNewsParts {
  bus: EventBus
  logger: Logger
  /** A task as it is now; undefined when there is none any more. */
  look (id: string): MaybePromise<TaskRecord | undefined>
}

export type TaskListener = (record: TaskRecord) => void

/** How often watched tasks are looked after unasked: an instance that is lost tells nothing any more, and news can be lost, too. */
const lookMs = 15_000

/** Tells how tasks change, on every instance. Only the name of a task goes over the bus: who is interested looks. */
export class TaskNews {
  readonly #parts: TaskNewsParts
  readonly #watched = new Map<string, WatchedTask>()
  #timer: NodeJS.Timeout | undefined

  constructor (parts: TaskNewsParts) { this.#parts = parts }

  /** Says that a task has changed. While the bus is away, those who watch find it out later. */
  async tell (id: string): Promise<void> {
    try {
      await this.#parts.bus.publish(channelOf(id), {})
    } catch (error) {
      this.#parts.logger.debug({ err: error, taskId: id }, 'A change of a task could not be told to the other instances.')
    }
  }

  /** Hears of changes, the last of which is the end, until the returned function is called. Rejects with StateUnavailableError. */
  async watch (id: string, listener: TaskListener): Promise<() => void> {
    const task = this.#watched.get(id) ?? this.#begin(id)
    const { listeners } = task
    listeners.add(listener)
    const stop = (): void => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#end(task)
    }
    try {
      await task.joined
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  #begin (id: string): WatchedTask {
    const task = new WatchedTask(id, this.#parts, () => { this.#end(task) })
    this.#watched.set(id, task)
    this.#timer ??= setInterval(() => { for (const each of this.#watched.values()) each.refresh() }, lookMs).unref()
    return task
  }

  #end (task: WatchedTask): void {
    if (this.#watched.get(task.id) !== task) return
    this.#watched.delete(task.id)
    // Where joining failed there is nothing to leave.
    task.joined.then((leave) => { leave() }, () => {})
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** A task that somebody here watches. It is read once for all of them, and one reading follows the other. */
class WatchedTask {
  readonly id: string
  readonly listeners = new Set<TaskListener>()
  /** Gives what leaves the bus again. */
  readonly joined: Promise<() => void>
  readonly #parts: TaskNewsParts
  readonly #done: () => void
  #isStale = false
  #isReading = false

  constructor (id: string, parts: TaskNewsParts, done: () => void) {
    this.id = id
    this.#parts = parts
    this.#done = done
    this.joined = (async () => await parts.bus.subscribe(channelOf(id), () => { this.refresh() }))()
  }

  refresh (): void {
    this.#isStale = true
    if (!this.#isReading) void this.#read()
  }

  async #read (): Promise<void> {
    this.#isReading = true
    try {
      while (this.#isStale) {
        this.#isStale = false
        const record = await this.#parts.look(this.id)
        if (record !== undefined) for (const listener of this.listeners) listener(record)
        if (record === undefined || hasEnded(record)) this.#done()
      }
    } catch (error) {
      this.#parts.logger.debug({ err: error, taskId: this.id }, 'A task that is watched could not be read: the next attempt follows.')
    }
    this.#isReading = false
  }
}

function channelOf (id: string): string { return `task:${id}` }
