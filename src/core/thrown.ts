import type { Logger } from './ports.ts'

/** Of what was thrown, one log line holds this much. */
const maxChars = 16_000

/**
 * Logs what a handler threw, whatever it is: one line of bounded length, also where a getter or a proxy throws when it is looked at. Never
 * throws: a log that cannot be written changes nothing of a call.
 */
export function logThrown (logger: Logger, thrown: unknown, facts: object, sentence: string, level: 'warn' | 'error' = 'warn'): void {
  try {
    logger[level]({ ...facts, err: presentable(thrown) }, sentence)
  } catch {
    // A logger writes nothing before it has read all of it.
    logSafely(logger, { ...facts, err: { message: 'What was thrown cannot be looked at.' } }, sentence, level)
  }
}

/** Logs what matters less than the call it is about. Never throws. */
export function logSafely (logger: Logger, facts: object, sentence: string, level: 'warn' | 'error' = 'warn'): void {
  try {
    logger[level](facts, sentence)
  } catch {
    // There is nowhere left to say it.
  }
}

/** An error as it is, where its texts are of a length that somebody reads. What JSON has no word for gets one. */
function presentable (thrown: unknown): unknown {
  if (thrown instanceof Error) {
    const { name, message, stack } = thrown as { name: unknown, message: unknown, stack?: unknown }
    if (lengthOf(message) <= maxChars && lengthOf(stack) <= maxChars) return thrown
    return { type: cut(name), message: cut(message), stack: cut(stack) }
  }
  if (typeof thrown === 'object' && thrown !== null) {
    const text = JSON.stringify(thrown)
    return text.length <= maxChars ? thrown : { message: cut(text) }
  }
  return cut(thrown)
}

function lengthOf (value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}

function cut (value: unknown): string {
  return String(value).slice(0, maxChars)
}
