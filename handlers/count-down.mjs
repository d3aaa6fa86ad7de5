import { setTimeout as wait } from 'node:timers/promises'

/**
 * Counts down to zero and reports each step. `context.signal` fires when the client cancels the call or its time is up:
 * passed on to whatever waits, it ends the work at once.
 *
 * @param {{ from: number, intervalMs: number }} args The defaults come from the tool's inputSchema.
 * @param {import('../src/core/ports.ts').HandlerContext} context
 * @returns {Promise<string>}
 */
export default async function countDown ({ from, intervalMs }, context) {
  context.logger.info({ from, requestId: context.requestId }, 'Counting down.')
  for (let done = 0; done < from; done++) {
    context.progress(done, from, `${from - done} …`)
    await wait(intervalMs, undefined, { signal: context.signal })
  }
  context.progress(from, from, 'Lift-off')
  return `Counted down from ${from}.`
}
