import { isObject } from './json-rpc.ts'

/** JSON text that is the same for equal values, whatever the order of their members. Throws RangeError for what is nested too deeply. */
export function canonicalText (value: unknown): string {
  return JSON.stringify(canonical(value))
}

function canonical (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, canonical(value[key])]))
}
