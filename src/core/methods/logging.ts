import { isLogLevel, type Method } from '../dispatcher.ts'
import { logLevels } from '../exchange.ts'
import { InvalidParamsError, MethodNotFoundError } from '../errors.ts'
import type { LogLevel } from '../ports.ts'
import type { Tolerance } from '../tolerating.ts'

/** `logging/setLevel` of the 2025 era. Without a session there is nothing to keep the level in, so that there is no such method. */
export function createSetLevelMethod (tolerance: Tolerance): [string, Method] {
  return ['logging/setLevel', function setLevel ({ level: given }, exchange) {
    const { setLogLevel } = exchange
    if (setLogLevel === undefined) throw new MethodNotFoundError('logging/setLevel')
    const level = isLogLevel(given) ? given : meantLevel(given)
    if (level === undefined || (level !== given && !tolerance.bears('log-level-spelling', exchange.clientName))) throw new InvalidParamsError(`params.level must be one of ${logLevels.join(', ')}.`)
    const kept = setLogLevel(level)
    return kept instanceof Promise ? kept.then(() => '{}') : '{}'
  }]
}

const maxLevelLength = 16

function meantLevel (given: unknown): LogLevel | undefined {
  if (typeof given !== 'string' || given.length > maxLevelLength) return undefined
  const word = given.toLowerCase()
  const level = word === 'warn' ? 'warning' : word
  return isLogLevel(level) ? level : undefined
}
