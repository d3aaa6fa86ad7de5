import type { JsonObject, Logger } from '../core/ports.ts'

type Listener = (event: JsonObject) => void

/** Who listens to which channel in this process. */
export interface Listeners {
  has (channel: string): boolean
  channels (): string[]
  /** Returns what removes it again; further calls of that do nothing. The same function can be added twice. */
  add (channel: string, listener: Listener): () => void
  /** Calls all listeners of a channel in the order in which they came, but for those removed on the way. What one throws is logged. */
  deliver (channel: string, event: JsonObject): void
  clear (): void
}

/** `onEmpty` hears of channels whose last listener was removed. */
export function createListeners (logger: Logger, onEmpty: (channel: string) => void = () => {}): Listeners {
  const channels = new Map<string, Set<{ listener: Listener }>>()

  return {
    has: (channel) => channels.has(channel),
    channels: () => [...channels.keys()],
    add (channel, listener) {
      const seat = { listener }
      const seats = channels.get(channel) ?? new Set()
      channels.set(channel, seats.add(seat))
      return () => {
        if (!seats.delete(seat) || seats.size > 0 || channels.get(channel) !== seats) return
        channels.delete(channel)
        onEmpty(channel)
      }
    },
    deliver (channel, event) {
      const seats = channels.get(channel)
      if (seats === undefined) return
      for (const seat of [...seats]) {
        if (!seats.has(seat)) continue
        try {
          // One that is async gives a promise, whatever its type says.
          const outcome: unknown = seat.listener(event)
          if (outcome instanceof Promise) outcome.catch((error: unknown) => { complain(error, channel) })
        } catch (error) {
          complain(error, channel)
        }
      }
    },
    clear () {
      for (const seats of channels.values()) seats.clear()
      channels.clear()
    }
  }

  function complain (error: unknown, channel: string): void {
    logger.error({ err: error, channel }, 'A listener of the event bus failed.')
  }
}
