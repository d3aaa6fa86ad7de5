import type { JsonObject } from './ports.ts'
import type { MaybePromise } from './session.ts'

export interface SubscribeOptions {
  /** For what listens as long as the server runs: while the bus is away this waits for it and does not reject. */
  lasting?: boolean
}

/** Events between the instances of one server. One instance by itself has a bus too, in memory; every form passes one contract. */
export interface EventBus {
  /**
   * Hands an event to all that listen to the channel, on every instance, this one included. Gives the number of instances that do; where
   * it is 0, nobody heard. Rejects with StateUnavailableError.
   */
  publish (channel: string, event: JsonObject): MaybePromise<number>
  /** Listens to a channel until the returned function is called. A listener that throws harms nobody but itself. Rejects with StateUnavailableError. */
  subscribe (channel: string, listener: (event: JsonObject) => void, options?: SubscribeOptions): MaybePromise<() => void>
  close (): MaybePromise<void>
}
