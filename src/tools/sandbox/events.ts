import { ToolFailedError } from '../../core/call-errors.ts'
import type { LogLevel } from '../../core/ports.ts'

const clientLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const satisfies readonly LogLevel[]
const loggerLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const

/** What code reports while it runs. */
export type SandboxEvent =
  | { readonly type: 'progress', readonly progress: number, readonly total: number | undefined, readonly message: string | undefined }
  | { readonly type: 'log', readonly level: LogLevel, readonly data: unknown, readonly logger: string | undefined }
  | { readonly type: 'logger', readonly level: typeof loggerLevels[number], readonly facts: object | undefined, readonly sentence: string | undefined }
  /** So many reports of this call were more than a call may send, and were dropped. */
  | { readonly type: 'dropped', readonly count: number }

/** Reads what the prelude sent. The code can bend it (a toJSON on Object.prototype), so nothing is taken on trust. Throws ToolFailedError. */
export function readEvent (text: string): SandboxEvent {
  const event: unknown = JSON.parse(text)
  if (typeof event === 'object' && event !== null) {
    const { type, level, progress, total, message, data, logger, facts, sentence } = event as Record<string, unknown>
    const clientLevel = clientLevels.find((known) => known === level)
    const loggerLevel = loggerLevels.find((known) => known === level)
    if (type === 'progress' && typeof progress === 'number' && isOptionalNumber(total) && isOptionalText(message)) return { type, progress, total, message }
    if (type === 'log' && clientLevel !== undefined && isOptionalText(logger)) return { type, level: clientLevel, data, logger }
    if (type === 'logger' && loggerLevel !== undefined && isFacts(facts) && isOptionalText(sentence)) return { type, level: loggerLevel, facts, sentence }
  }
  throw new ToolFailedError('The code reported something that is neither progress nor a log message: it must not change how built-in objects become JSON.')
}

function isOptionalNumber (value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number'
}

function isOptionalText (value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function isFacts (facts: unknown): facts is object | undefined {
  return facts === undefined || (typeof facts === 'object' && facts !== null)
}
