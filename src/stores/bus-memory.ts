import type { EventBus } from '../core/bus.ts'
import type { JsonObject, Logger } from '../core/ports.ts'
import { createListeners } from './bus-listeners.ts'

/** Events within this process. A listener is never called inside of `publish`. */
export function createBusMemory ({ logger }: { logger: Logger }): EventBus {
  const listeners = createListeners(logger)

  return {
    publish (channel, event) {
      if (!listeners.has(channel)) return 0
      queueMicrotask(() => { listeners.deliver(channel, event) })
      return 1
    },
    subscribe (channel: string, listener: (event: JsonObject) => void) {
      return listeners.add(channel, listener)
    },
    close () { listeners.clear() }
  }
}
