import type { Abortable } from '../core/database.ts'

/** How long nobody looks whether a statement is to be given up. */
const unwatchedMs = 10

/**
 * Tells, once, when a statement is to be given up: when the signal of its call fires, or its time is over. Most statements have ended
 * before anybody could want that, so that their signals are never even made.
 */
export function watchCall (call: Abortable | undefined, limitMs: number | undefined, onAbort: (reason: unknown) => void, onLimit: () => void): { end (): void } {
  let signal: AbortSignal | undefined
  let timer = setTimeout(look, unwatchedMs)

  function look (): void {
    if (limitMs !== undefined) timer = setTimeout(() => { end(); onLimit() }, Math.max(0, limitMs - unwatchedMs))
    signal = call?.signal
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  }

  function abort (): void {
    end()
    onAbort(signal?.reason)
  }

  function end (): void {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }

  return { end }
}
