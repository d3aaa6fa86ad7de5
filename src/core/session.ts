import type { JsonObject, LogLevel } from './ports.ts'
import type { Revision } from './versions.ts'

/** What is kept of a client of the 2025 era between its requests. Plain data: any instance can serve it. */
export interface SessionRecord {
  readonly id: string
  readonly revision: Revision
  readonly principal: string
  readonly clientCapabilities: JsonObject
  readonly clientName: string | undefined
  logLevel: LogLevel
  /** The resources whose changes the client wants to be told. Never changed in place: a new list takes its place. */
  subscriptions: readonly string[]
  /** The one stream that takes messages which belong to no request: each goes out once. */
  streamId: string | undefined
}

export type MaybePromise<T> = T | Promise<T>

/** Where sessions live. Every form of it passes one contract in the tests. */
export interface SessionStore {
  /** How many there are, where that is known without asking anybody. */
  readonly size?: number
  /** False when the store holds as many sessions as it may. */
  create (record: SessionRecord): MaybePromise<boolean>
  /** The session, unless it is unknown, ended or idle for too long. Counts as use. */
  get (id: string): MaybePromise<SessionRecord | undefined>
  /** Keeps what changed in a record that `get` returned. */
  update (record: SessionRecord): MaybePromise<void>
  /** False when there was none. */
  delete (id: string): MaybePromise<boolean>
  close (): MaybePromise<void>
}
