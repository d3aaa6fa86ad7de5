import type { ThrownOutcome } from './messages.ts'

/** Of a text that was thrown, this much leaves the thread. */
const maxChars = 16_000

/** What was thrown, as it can leave the thread. A text stands for itself; of what has no words, there are none. Never throws. */
export function thrownOf (thrown: unknown): ThrownOutcome {
  try {
    const isError = thrown instanceof Error
    const message: unknown = isError ? thrown.message : thrown
    const stack: unknown = isError ? thrown.stack : undefined
    return { type: 'thrown', message: textOf(message) ?? '', stack: textOf(stack), answerId: undefined }
  } catch {
    return { type: 'thrown', message: '', stack: undefined, answerId: undefined } // a getter, a proxy
  }
}

/** A result that cannot leave the thread: structured cloning does not take it. */
export function unsendable (cause: unknown): ThrownOutcome {
  const { message, ...rest } = thrownOf(cause)
  return { ...rest, message: `The result cannot leave its thread: ${message}` }
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, maxChars) : undefined
}
