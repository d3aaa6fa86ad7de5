import { randomUUID } from 'node:crypto'
import type { EventBus } from '../bus.ts'
import { AnswerUndeliveredError, CancelledError, TaskLimitError, TaskLostError, TaskUnknownError, ToolTimeoutError } from '../call-errors.ts'
import { InvalidParamsError } from '../errors.ts'
import { readAnswer, type Inquiry } from '../inquiry.ts'
import { isObject } from '../json-rpc.ts'
import type { Clock, JsonObject, Logger } from '../ports.ts'
import type { TaskedCall } from './lane.ts'
import { hasEnded, isExpired, type TaskRecord, type TaskStore } from './record.ts'
import { RunningTask } from './running-task.ts'
import { TaskNews, type TaskListener } from './task-news.ts'

export interface TaskLimits {
  /** How long a task is kept, from its creation. */
  ttlMs: number
  /** How often clients are asked to look. */
  pollIntervalMs: number
  /** How long a task may run, waiting for its client included. */
  maxDurationMs: number
  maxResultBytes: number
}

export interface TasksParts {
  store: TaskStore
  bus: EventBus
  clock: Clock
  logger: Logger
  limits: TaskLimits
}

/** How often an instance with running tasks says that it is there. */
const renewalMs = 10_000
/** Ours are shorter; what is longer came from a client and is not asked for. */
const maxIdLength = 64

/**
 * The tasks of this server. Each belongs to its principal: to anybody else it does not exist. Questions about one are answered by any
 * instance; what it has to be told reaches the instance that runs it over the bus.
 */
export class Tasks {
  readonly #parts: TasksParts
  readonly #instance = randomUUID()
  readonly #running = new Map<string, RunningTask>()
  readonly #news: TaskNews
  #listening: Promise<() => void> | undefined
  #renewal: NodeJS.Timeout | undefined
  #isClosing = false

  constructor (parts: TasksParts) {
    this.#parts = parts
    this.#news = new TaskNews({ bus: parts.bus, logger: parts.logger, look: (id) => this.#find(id) })
  }

  /** How many tasks run in this process. */
  get size (): number { return this.#running.size }

  /** Bytes that a result may have to be kept. */
  get maxResultBytes (): number { return this.#parts.limits.maxResultBytes }

  /** Makes a task for a call that goes on. Rejects with TaskLimitError, or StateUnavailableError when the store is away. */
  async create (principal: string, toolName: string, call: TaskedCall): Promise<RunningTask> {
    if (this.#isClosing) throw new TaskLostError()
    const { store, clock, logger, limits } = this.#parts
    const { ttlMs, pollIntervalMs, maxResultBytes } = limits
    const maxDurationMs = Math.min(limits.maxDurationMs, ttlMs)
    await this.#listen()
    const now = clock.now()
    const record: TaskRecord = {
      id: randomUUID(),
      principal,
      instance: this.#instance,
      createdAt: now,
      ttlMs,
      pollIntervalMs,
      updatedAt: now,
      status: 'working',
      statusMessage: undefined,
      inputs: undefined,
      outcome: undefined
    }
    if (!await store.create(record)) throw new TaskLimitError()
    const limit = setTimeout(() => { call.abort(new ToolTimeoutError(toolName, maxDurationMs)) }, maxDurationMs)
    limit.unref()
    const task = new RunningTask({
      record,
      call,
      clock,
      logger,
      maxResultBytes,
      keep: async (changed) => {
        const kept = await store.update(changed)
        if (kept === 'kept') void this.#news.tell(record.id)
        return kept
      },
      done: () => {
        clearTimeout(limit)
        this.#running.delete(record.id)
      }
    })
    this.#running.set(record.id, task)
    this.#renewal ??= setInterval(() => { void this.#renew() }, renewalMs).unref()
    if (this.#isClosing) await task.close(new TaskLostError())
    return task
  }

  /** The state of a task. Rejects with TaskUnknownError, which is the same whether there is none, it has expired, or it is another's. */
  async get (id: unknown, principal: string): Promise<TaskRecord> {
    if (typeof id !== 'string') throw new InvalidParamsError('params.taskId must be the id of a task.')
    const record = await this.#find(id)
    if (record === undefined || record.principal !== principal) throw new TaskUnknownError()
    return record
  }

  /** Hears how a task changes, on whatever instance, until the returned function is called. Whose it is was asked before. Rejects with StateUnavailableError. */
  async watch (id: string, listener: TaskListener): Promise<() => void> {
    return await this.#news.watch(id, listener)
  }

  /** Hands answers to the handler that asked. Those to nothing that is asked are ignored; one that does not fit rejects all with InvalidParamsError. */
  async answer (id: unknown, principal: string, responses: JsonObject): Promise<void> {
    const { id: known, instance, inputs } = await this.get(id, principal)
    if (inputs === undefined) return
    const answers = fittingAnswers(JSON.parse(inputs) as Record<string, Inquiry>, responses)
    if (Object.keys(answers).length === 0) return
    const own = this.#running.get(known)
    if (own !== undefined) own.answer(answers)
    else if (await this.#parts.bus.publish(channelOf(instance), { kind: 'answer', id: known, answers }) === 0) throw new AnswerUndeliveredError()
  }

  /** Ends a task. One that has ended already stays as it is. */
  async cancel (id: unknown, principal: string): Promise<void> {
    const record = await this.get(id, principal)
    if (hasEnded(record)) return
    const own = this.#running.get(record.id)
    if (own !== undefined) own.cancel(new CancelledError())
    else await this.#parts.bus.publish(channelOf(record.instance), { kind: 'cancel', id: record.id })
  }

  /** Ends all that run here, and says so to their clients. */
  async close (): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#renewal)
    await Promise.all([...this.#running.values()].map(async (task) => { await task.close(new TaskLostError()) }))
    const listening = this.#listening
    if (listening === undefined) return
    const stop = await listening
    stop()
  }

  async #find (id: string): Promise<TaskRecord | undefined> {
    const record = id.length > maxIdLength ? undefined : this.#running.get(id)?.record ?? await this.#parts.store.get(id)
    return record === undefined || isExpired(record, this.#parts.clock.now()) ? undefined : record
  }

  /** From the first task on: a server without tasks listens to nothing. */
  async #listen (): Promise<void> {
    this.#listening ??= Promise.resolve(this.#parts.bus.subscribe(channelOf(this.#instance), (event) => { this.#receive(event) }, { lasting: true }))
    try {
      await this.#listening
    } catch (error) {
      this.#listening = undefined
      throw error
    }
  }

  #receive ({ kind, id, answers }: JsonObject): void {
    const task = typeof id === 'string' ? this.#running.get(id) : undefined
    if (kind === 'cancel') task?.cancel(new CancelledError())
    else if (kind === 'answer' && isObject(answers)) task?.answer(answers)
  }

  async #renew (): Promise<void> {
    if (this.#running.size === 0) {
      clearInterval(this.#renewal)
      this.#renewal = undefined
      return
    }
    try {
      await this.#parts.store.renew(this.#instance)
    } catch (error) {
      this.#parts.logger.debug({ err: error }, 'The store of tasks does not answer.')
    }
  }
}

/** Of what a client sent, that which is asked for. Throws InvalidParamsError when an answer does not fit its question. */
function fittingAnswers (asked: Record<string, Inquiry>, responses: JsonObject): JsonObject {
  const keys = Object.keys(asked).filter((key) => Object.hasOwn(responses, key))
  for (const key of keys) readAnswer(key, asked[key] as Inquiry, structuredClone(responses[key]))
  return Object.fromEntries(keys.map((key) => [key, responses[key]]))
}

function channelOf (instance: string): string { return `tasks:${instance}` }
