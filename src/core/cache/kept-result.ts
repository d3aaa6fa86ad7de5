import { fits } from '../result-budget.ts'
import { compileCheck, type Check } from '../validation.ts'
import { CallToolResult } from '../../../schemas/mcp.ts'
import type { CacheEntry } from './cache-store.ts'

/**
 * The form in which a result is kept: read back from its JSON, so that no handler holds a part of it, and frozen, so that nobody who is
 * handed it changes it for others. Undefined for what JSON cannot hold, or is too large.
 */
export function keptForm (result: CallToolResult, maxBytes: number): CacheEntry & { readonly value: CallToolResult } | undefined {
  try {
    const text = JSON.stringify(result)
    return fits(text, maxBytes) ? { text, value: freezeJson(JSON.parse(text) as CallToolResult) } : undefined
  } catch {
    return undefined // Whoever writes the result says what is wrong with it.
  }
}

let checkResult: Check | undefined

/** Whether a value that was read is the result of a tool. */
export function isToolResult (value: unknown): boolean {
  checkResult ??= compileCheck(CallToolResult, { defaults: false })
  return checkResult(value) === undefined
}

/** Freezes a JSON value as deep as it goes. */
export function freezeJson<Value> (value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) freezeJson(part)
  return Object.freeze(value)
}
