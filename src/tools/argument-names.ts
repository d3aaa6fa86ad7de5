import { isObject } from '../core/json-rpc.ts'

/** Keywords whose schemas say more of the same value. */
const alternatives = ['allOf', 'anyOf', 'oneOf'] as const
const branches = ['if', 'then', 'else'] as const

/** The properties that an input schema names, wherever it does. Undefined when it refers to what stands elsewhere. */
export function argumentNamesOf (schema: unknown): readonly string[] | undefined {
  const names = new Set<string>()
  const seen = new Set<unknown>()
  let isComplete = true

  function visit (part: unknown): void {
    if (!isObject(part) || seen.has(part)) return
    seen.add(part)
    if (isObject(part['properties'])) for (const name of Object.keys(part['properties'])) names.add(name)
    for (const key of alternatives) if (Array.isArray(part[key])) part[key].forEach(visit)
    for (const key of branches) visit(part[key])
    if (isObject(part['dependentSchemas'])) Object.values(part['dependentSchemas']).forEach(visit)
    const { $ref: reference } = part
    if (typeof reference !== 'string') return
    const target = reference.startsWith('#') ? at(schema, reference.slice(1)) : undefined
    if (target === undefined) isComplete = false
    else visit(target)
  }

  visit(schema)
  return isComplete ? [...names] : undefined
}

/** What a JSON pointer leads to. RFC 6901. */
function at (root: unknown, pointer: string): unknown {
  if (pointer === '') return root
  return pointer.split('/').slice(1).reduce<unknown>((value, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
  }, root)
}
