import type { MaybePromise } from '../session.ts'

export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled'

/** What is kept of a task. Plain data: any instance can tell of it, one runs it. */
export interface TaskRecord {
  readonly id: string
  readonly principal: string
  /** The instance that runs it. */
  readonly instance: string
  readonly createdAt: number
  /** Milliseconds from its creation for which it is kept, whatever becomes of it. */
  readonly ttlMs: number
  readonly pollIntervalMs: number
  readonly updatedAt: number
  readonly status: TaskStatus
  readonly statusMessage: string | undefined
  /** What the client is asked, by key, as JSON text. Only while input is required. */
  readonly inputs: string | undefined
  /** As JSON text the result of a completed task, or the error of a failed one. */
  readonly outcome: string | undefined
}

export function hasEnded ({ status }: Pick<TaskRecord, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

export function isExpired ({ createdAt, ttlMs }: TaskRecord, now: number): boolean {
  return now >= createdAt + ttlMs
}

/** Each task counts at least this much, so that there is always room to note how it ended. */
const reservedBytes = 4_096

/** What a task counts for in the bound of all. */
export function sizeOf ({ statusMessage = '', inputs = '', outcome = '' }: TaskRecord): number {
  return Math.max(reservedBytes, Buffer.byteLength(statusMessage) + Buffer.byteLength(inputs) + Buffer.byteLength(outcome))
}

/** What became of a change: `ended` when the task had ended before, `gone` when there is none, `full` when there is no room for it. */
export type Kept = 'kept' | 'ended' | 'gone' | 'full'

/** Where tasks live. Every form of it passes one contract in the tests. */
export interface TaskStore {
  /** False when the store holds as many tasks, or as much, as it may, in all or of this principal. */
  create (record: TaskRecord): MaybePromise<boolean>
  /** The task, unless it is unknown or expired. One whose instance is gone has failed. */
  get (id: string): MaybePromise<TaskRecord | undefined>
  /** Keeps a change of a task that has not ended. The first end counts. */
  update (record: TaskRecord): MaybePromise<Kept>
  /** Says that an instance is there and still runs its tasks. Creating one says so, too. */
  renew (instance: string): MaybePromise<void>
  close (): MaybePromise<void>
}
