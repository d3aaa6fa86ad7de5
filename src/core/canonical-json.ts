import { isObject } from './json-rpc.ts'

/** JSON text that is the same for equal values: members stand in the order of their names. Throws RangeError for what is nested too deeply. */
export function canonicalText (value: unknown): string {
  // Most values come in order, and are small.
  return isInOrder(value) ? JSON.stringify(value) : write(value)
}

function isInOrder (value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (!isObject(value)) return Array.isArray(value) && value.every(isInOrder)
  let last: string | undefined
  for (const name in value) {
    if ((last !== undefined && name < last) || !isInOrder(value[name])) return false
    last = name
  }
  return true
}

function write (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((element) => element === undefined ? 'null' : write(element)).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const names = Object.keys(value).sort().filter((name) => value[name] !== undefined)
  return `{${names.map((name) => `${JSON.stringify(name)}:${write(value[name])}`).join(',')}}`
}
