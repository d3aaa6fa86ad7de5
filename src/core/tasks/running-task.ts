import { errorObject } from '../json-rpc.ts'
import { CancelledError, ResultTooLargeError, ToolFailedError, type ToolCallError } from '../call-errors.ts'
import { GantryError, InternalError } from '../errors.ts'
import { readAnswer, type Inquiry } from '../inquiry.ts'
import type { Clock, JsonObject, Logger } from '../ports.ts'
import type { MaybePromise } from '../session.ts'
import type { TaskedCall } from './lane.ts'
import { hasEnded, isExpired, type Kept, type TaskRecord } from './record.ts'

export interface RunningTaskParts {
  record: TaskRecord
  call: TaskedCall
  clock: Clock
  logger: Logger
  maxResultBytes: number
  keep: (record: TaskRecord) => MaybePromise<Kept>
  /** Nothing more will come of it. */
  done: () => void
}

interface Question {
  inquiry: Inquiry
  settle: (answer: unknown) => void
}

/** Makes the text of a result that says what failed. */
export type WriteFailure = (error: ToolCallError) => string

const maxMessageLength = 500
/** How often a message about progress is kept at most. */
const messageIntervalMs = 1_000
const retryMs = 1_000

/** A task while its handler runs in this process. Its state here is the newest; the store follows. */
export class RunningTask {
  readonly #parts: RunningTaskParts
  readonly #pending = new Map<string, Question>()
  readonly #usedKeys = new Set<string>()
  #record: TaskRecord
  #messageTimer: NodeJS.Timeout | undefined
  #isDirty = false
  #saving: Promise<void> | undefined
  #writeFailure: WriteFailure | undefined
  #isClosing = false

  constructor (parts: RunningTaskParts) {
    this.#parts = parts
    this.#record = parts.record
  }

  get record (): TaskRecord { return this.#record }

  /** Asks the client, which answers whenever it likes. Rejects with the reason when the call is given up. */
  async ask (wanted: string, inquiry: Inquiry, signal: AbortSignal): Promise<unknown> {
    // Each key stands for one question for as long as the task lives.
    let key = wanted
    for (let count = 2; this.#usedKeys.has(key); count++) key = `${wanted}-${count}`
    if (signal.aborted || hasEnded(this.#record)) throw signal.reason instanceof Error ? signal.reason : new CancelledError()
    if (Buffer.byteLength(JSON.stringify(inquiry)) > this.#parts.maxResultBytes) throw new ToolFailedError(`A question to the client (${inquiry.method}) is larger than a task may keep.`)
    this.#usedKeys.add(key)
    return await new Promise((resolve, reject) => {
      const giveUp = (): void => { reject(signal.reason as Error) }
      const settle = (answer: unknown): void => {
        signal.removeEventListener('abort', giveUp)
        resolve(answer)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#pending.set(key, { inquiry, settle })
      this.#showQuestions()
    })
  }

  /** Takes answers to what is asked at the moment; others are ignored. What does not fit its question stays asked. */
  answer (responses: JsonObject): void {
    for (const [key, { inquiry, settle }] of [...this.#pending]) {
      if (!Object.hasOwn(responses, key)) continue
      try {
        settle(readAnswer(key, inquiry, responses[key]))
      } catch (error) {
        this.#parts.logger.debug({ err: error, taskId: this.#record.id }, 'An answer did not fit its question.')
        continue
      }
      this.#pending.delete(key)
    }
    this.#showQuestions()
  }

  /** Shows a message in the state of the task; of many in a short time, the last. */
  say (message: string): void {
    if (hasEnded(this.#record)) return
    this.#change({ statusMessage: message.slice(0, maxMessageLength) })
    if (this.#messageTimer !== undefined) return
    this.#save()
    const { statusMessage } = this.#record
    this.#messageTimer = setTimeout(() => {
      this.#messageTimer = undefined
      if (this.#record.statusMessage !== statusMessage) this.#save()
    }, messageIntervalMs)
    this.#messageTimer.unref()
  }

  /** `result` is JSON text. It was cut where it was known to be that of a task; one that is too large in spite of that is a failure of the tool. */
  complete (result: string, writeFailure: WriteFailure): void {
    this.#writeFailure = writeFailure
    const bytes = Buffer.byteLength(result)
    const { maxResultBytes } = this.#parts
    this.#end({
      status: 'completed',
      outcome: bytes <= maxResultBytes ? result : writeFailure(new ResultTooLargeError('this task', bytes, maxResultBytes))
    })
  }

  /** Ends with the error that the call would have been answered with. */
  fail (error: unknown): void {
    const known = error instanceof GantryError ? error : new InternalError({ cause: error })
    if (known instanceof InternalError) this.#parts.logger.error({ err: error, taskId: this.#record.id }, 'A task ended in an internal error.')
    this.#end({ status: 'failed', statusMessage: known.message.slice(0, maxMessageLength), outcome: JSON.stringify(errorObject(known, '2026-07-28')) })
  }

  /** Ends at once, and tells the handler by its signal. A task that has ended stays as it is. */
  cancel (reason: Error): void {
    this.#end({ status: 'cancelled' })
    this.#parts.call.abort(reason)
  }

  /** Ends because this process does. Resolves when that is kept, or could not be. */
  async close (reason: GantryError): Promise<void> {
    this.#isClosing = true
    this.fail(reason)
    this.#parts.call.abort(reason)
    await this.#saving
  }

  #end (changes: Pick<TaskRecord, 'status'> & Partial<TaskRecord>): void {
    if (hasEnded(this.#record)) return
    clearTimeout(this.#messageTimer)
    this.#pending.clear()
    this.#change({ statusMessage: undefined, ...changes, inputs: undefined })
    this.#save()
  }

  #showQuestions (): void {
    if (hasEnded(this.#record)) return
    const asked = [...this.#pending].map(([key, { inquiry }]) => [key, inquiry])
    this.#change(asked.length === 0 ? { status: 'working', inputs: undefined } : { status: 'input_required', inputs: JSON.stringify(Object.fromEntries(asked)) })
    this.#save()
  }

  #change (changes: Partial<TaskRecord>): void {
    this.#record = { ...this.#record, ...changes, updatedAt: this.#parts.clock.now() }
  }

  /** Writes one after the other, so that an older state never comes over a newer one. */
  #save (): void {
    this.#isDirty = true
    this.#saving ??= this.#saveAll()
  }

  async #saveAll (): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false
      try {
        this.#take(await this.#parts.keep(this.#record))
      } catch (error) {
        if (this.#isClosing || isExpired(this.#record, this.#parts.clock.now())) break
        this.#parts.logger.debug({ err: error, taskId: this.#record.id }, 'A task could not be kept: the next attempt follows.')
        this.#isDirty = true
        await pause(retryMs)
      }
    }
    this.#saving = undefined
    if (hasEnded(this.#record)) this.#parts.done()
  }

  #take (kept: Kept): void {
    const isEnd = hasEnded(this.#record)
    if (kept === 'full') {
      const failure = new ToolFailedError('The server has no room left to keep what this task has to say.')
      if (!isEnd) return this.#parts.call.abort(failure)
      this.#change({ statusMessage: undefined, outcome: this.#writeFailure?.(failure) ?? this.#record.outcome })
      this.#isDirty = this.#writeFailure !== undefined
      this.#writeFailure = undefined
    } else if (kept !== 'kept' && !isEnd) {
      // Another instance found this one silent and ended its tasks, or the task has expired.
      this.#change({ status: 'cancelled', inputs: undefined })
      this.#parts.call.abort(new ToolFailedError('The task was ended elsewhere.'))
    }
  }
}

async function pause (ms: number): Promise<void> {
  await new Promise<void>((resolve) => { setTimeout(resolve, ms).unref() })
}
