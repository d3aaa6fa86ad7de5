import { isLogLevel, type Method } from '../dispatcher.ts'
import { logLevels } from '../context.ts'
import { InvalidParamsError } from '../errors.ts'

/** `logging/setLevel` of the 2025 era. Without a session there is nothing to keep the level in, and the default holds. */
export const setLevelMethod: [string, Method] = ['logging/setLevel', ({ level }, exchange) => {
  if (!isLogLevel(level)) throw new InvalidParamsError(`params.level must be one of ${logLevels.join(', ')}.`)
  const kept = exchange.setLogLevel?.(level)
  return kept instanceof Promise ? kept.then(() => '{}') : '{}'
}]
