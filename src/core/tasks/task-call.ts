import type { Audit } from '../audit.ts'
import type { Door, Exchange } from '../exchange.ts'
import { CancelledError } from '../call-errors.ts'
import type { InFlight } from '../in-flight.ts'
import type { Inquiry } from '../inquiry.ts'
import type { JsonObject, Logger, LogLevel, Principal } from '../ports.ts'
import type { RequestId } from '../json-rpc.ts'
import type { Failure } from '../outcome.ts'
import type { Revision } from '../versions.ts'
import type { TaskedCall, TaskLane, TaskRule } from './lane.ts'
import type { TaskRecord } from './record.ts'
import type { RunningTask, WriteFailure } from './running-task.ts'
import type { Tasks } from './tasks.ts'

export interface TaskCallParts {
  tasks: Tasks
  inFlight: InFlight
  /** Undefined where nothing is recorded. */
  audit: Audit | undefined
}

/**
 * The exchange of a call that may become a task. Until then it is the client's request; from then on nothing connects the two: what
 * the client's connection does no longer matters, and nothing of the request is held.
 */
export class TaskCall implements Exchange, TaskLane {
  readonly requestId: string
  readonly revision: Revision
  readonly principal: Principal
  readonly door: Door
  readonly address: string | undefined
  readonly clientName: string | undefined
  readonly logger: Logger
  readonly sessionId = undefined
  readonly rpcId: RequestId | undefined
  readonly streaming: boolean
  readonly clientCapabilities: JsonObject
  readonly logLevel: LogLevel | undefined
  readonly traceparent: string | undefined
  /** The task as it began, as soon as it is there and its client can be answered. Stays open when there is never one. */
  readonly announced: Promise<TaskRecord>
  readonly #parts: TaskCallParts
  #client: Exchange | undefined
  #call: TaskedCall | undefined
  #rule: TaskRule | undefined
  #toolName = ''
  #starting: Promise<void> | undefined
  #task: RunningTask | undefined
  /** Takes the call from those that a notification can cancel. */
  #release: (() => void) | undefined
  #announce: (record: TaskRecord) => void = () => {}

  constructor (client: Exchange, parts: TaskCallParts) {
    this.requestId = client.requestId
    this.revision = client.revision
    this.principal = client.principal
    this.door = client.door
    this.address = client.address
    this.clientName = client.clientName
    this.logger = client.logger
    this.rpcId = client.rpcId
    this.streaming = client.streaming
    this.clientCapabilities = client.clientCapabilities
    this.logLevel = client.logLevel
    this.traceparent = client.traceparent
    this.#client = client
    this.#parts = parts
    this.announced = new Promise((resolve) => { this.#announce = resolve })
  }

  get task (): TaskLane { return this }
  get started (): boolean { return this.#starting !== undefined }
  get maxResultBytes (): number { return this.started ? this.#parts.tasks.maxResultBytes : Infinity }
  get taskId (): string | undefined { return this.#task?.record.id }

  /** A call can be cancelled by notification, a task cannot: it is up to this class. */
  get cancelKey (): undefined { return undefined }

  /** Tasks send no notifications of progress and no log messages. */
  notify (method: string, params: JsonObject): void { this.#client?.notify(method, params) }

  failed (failure: Failure): void { this.#client?.failed?.(failure) }

  onDisconnect (gone: () => void): void {
    this.#client?.onDisconnect?.(() => { if (this.#client !== undefined) gone() })
  }

  enter (call: TaskedCall, rule: TaskRule, toolName: string): void {
    this.#call = call
    this.#rule = rule
    this.#toolName = toolName
    const cancelKey = this.#client?.cancelKey
    if (cancelKey === undefined) return
    this.#parts.inFlight.add(cancelKey, call)
    this.#release = () => { this.#parts.inFlight.remove(cancelKey, call) }
  }

  async start (): Promise<void> {
    this.#starting ??= this.#start()
    await this.#starting
  }

  async inquire (key: string, inquiry: Inquiry, signal: AbortSignal): Promise<unknown> {
    await this.#starting
    return await this.#task?.ask(key, inquiry, signal)
  }

  report (progress: number, total: number | undefined, message: string | undefined): boolean {
    if (this.#task === undefined) return false
    this.#task.say(typeof message === 'string' ? message : total === undefined ? `${progress}` : `${progress} of ${total}`)
    return true
  }

  /** Waits for the call and gives its result; when there is a task, that takes the result. Rejects with what the call failed with, if there is none. */
  async conclude (outcome: Promise<string>, writeFailure: WriteFailure): Promise<string | TaskRecord> {
    let result
    try {
      result = await outcome.finally(() => { this.#release?.() })
    } catch (error) {
      const task = await this.#settledTask()
      if (task === undefined) throw error
      if (error instanceof CancelledError) task.cancel(error)
      else task.fail(error)
      return await this.announced
    }
    const task = await this.#settledTask()
    if (task === undefined) return result
    task.complete(result, writeFailure)
    return await this.announced
  }

  async #start (): Promise<void> {
    const { tasks } = this.#parts
    const call = this.#call
    if (call === undefined || this.#rule === undefined) throw new Error('A task was started before its call.')
    let task
    try {
      task = await tasks.create(this.principal.name, this.#toolName, call)
    } catch (error) {
      this.#starting = undefined
      throw error
    }
    if (call.abortReason !== undefined) {
      // The client has gone away in the meantime: nobody would ever ask for it.
      task.cancel(call.abortReason)
      throw call.abortReason
    }
    try {
      this.#parts.audit?.record('task.start', this, { name: this.#toolName, task: task.record.id })
    } catch (error) {
      task.cancel(error as Error)
      throw error
    }
    this.#task = task
    this.#client = undefined
    this.#release?.()
    call.retime(this.#rule.timeoutMs)
    this.#announce(task.record)
  }

  /** The task, when there is one or is going to be. */
  async #settledTask (): Promise<RunningTask | undefined> {
    try {
      await this.#starting
    } catch { /* whoever started it was told */ }
    return this.#task
  }
}
