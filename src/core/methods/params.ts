import type { Exchange } from '../exchange.ts'
import { InvalidParamsError } from '../errors.ts'
import { isObject, type RequestId } from '../json-rpc.ts'
import { isEmptyList } from '../mending.ts'
import type { Tolerance } from '../tolerating.ts'
import type { JsonObject } from '../ports.ts'

/** The token under which the client wants progress reports, if it wants any. 2026-07-28 basic/patterns/progress. */
export function progressTokenOf (params: JsonObject): RequestId | undefined {
  const meta = params['_meta']
  if (meta === undefined || !isObject(meta)) return undefined
  const { progressToken } = meta
  return typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined
}

/** The arguments of a call that are no object: none, where that is what is meant. Throws InvalidParamsError. */
export function mendArguments (args: unknown, { clientName }: Exchange, tolerance: Tolerance): JsonObject {
  if (args === null && tolerance.bears('arguments-null', clientName)) return {}
  if (isEmptyList(args) && tolerance.bears('arguments-empty-list', clientName)) return {}
  throw new InvalidParamsError('params.arguments must be an object.')
}
