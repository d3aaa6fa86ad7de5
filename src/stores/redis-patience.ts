import type { RedisConnections } from './redis-client.ts'
import type { RedisCommands } from './redis-commands.ts'

/** What is slower than this is not worth waiting for: whoever asks does without. */
const longestMs = 500
/** A timer that is later than this tells that this process was the slow one. */
const lateMs = 50
/** A Redis that was too slow is left alone for so long; then one asks for all. */
const restMs = 1_000

/** Asks Redis for what can be done without: gives undefined where there is no answer, or none in time. */
export type Ask = <T>(work: (commands: RedisCommands) => Promise<T>) => Promise<T | undefined>

/** Without a connection, Redis fails at once. With one that is dead or slow, one in a second waits for it, and all others do without. */
export function createPatience (run: RedisConnections['run']): Ask {
  let isSlow = false
  let restsUntil = 0

  return async (work) => {
    if (isSlow) {
      if (performance.now() < restsUntil) return undefined
      restsUntil = performance.now() + restMs
    }
    let timer: NodeJS.Timeout | undefined
    const tooSlow = new Promise<undefined>((resolve) => {
      function wait (): void {
        const startedAt = performance.now()
        timer = setTimeout(() => {
          // Then the answer may be here, and only has to be read.
          if (performance.now() - startedAt > longestMs + lateMs) return wait()
          isSlow = true
          restsUntil = performance.now() + restMs
          resolve(undefined)
        }, longestMs)
      }
      wait()
    })
    const answer = run(work).then((value) => { isSlow = false; return value }, () => undefined) // the connection's own log has it
    return await Promise.race([answer, tooSlow]).finally(() => { clearTimeout(timer) })
  }
}
