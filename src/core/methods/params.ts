import { isObject, type RequestId } from '../json-rpc.ts'
import type { JsonObject } from '../ports.ts'

/** The token under which the client wants progress reports, if it wants any. 2026-07-28 basic/patterns/progress. */
export function progressTokenOf (params: JsonObject): RequestId | undefined {
  const meta = params['_meta']
  if (meta === undefined || !isObject(meta)) return undefined
  const { progressToken } = meta
  return typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined
}
