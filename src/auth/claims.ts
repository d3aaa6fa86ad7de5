import type { JsonObject } from '../core/ports.ts'
import { isObject } from '../core/json-rpc.ts'

/** What stands at a path in the claims of a token: the claim of that whole name, else step by step from dot to dot. */
export function claimAt (claims: JsonObject, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const step of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined
    value = value[step]
  }
  return value
}

/** The words of a claim: a list of texts, or one text with spaces between them (RFC 8693 section 4.2). What is neither has none. */
export function wordsAt (claims: JsonObject, path: string): string[] {
  const value = claimAt(claims, path)
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '')
  return Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string') : []
}
