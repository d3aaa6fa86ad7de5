import { isObject } from '../core/json-rpc.ts'
import { elements, valueAt, type Fault, type Path } from './fault.ts'
import type { Mask } from './validate.ts'

const required: Path = ['health', 'required']
/** Checks that there are only with what they check. */
const needs: Readonly<Record<string, string>> = { redis: 'redis', database: 'databases' }

/** A required check that never runs would be a control that nothing enforces. */
export function healthFaults (config: unknown, mask: Mask): Fault[] {
  return elements(valueAt(config, required)).flatMap((name, index) => {
    const section = typeof name === 'string' ? needs[name] : undefined
    if (section === undefined || isConfigured(valueAt(config, [section]))) return []
    const path = [...required, index]
    const found = mask(path) ?? `"${String(name)}"`
    return [{ path, message: `The check ${found} is required, and there is no "${section}" to check.`, found, suggestion: `Configure "${section}", or remove it here.` }]
  })
}

/** A Redis is one with its defaults alone; of databases, there may be none. */
function isConfigured (section: unknown): boolean {
  return section !== undefined && !(isObject(section) && Object.keys(section).length === 0)
}
