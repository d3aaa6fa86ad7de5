import { isObject } from './json-rpc.ts'
import type { JsonObject } from './ports.ts'

/**
 * The part of JSON Schema that forms are made of: one flat object of texts, numbers, yes or no, and choices.
 * MCP 2026-07-28 client/elicitation, Requested Schema.
 */

/** What says something for people or tools and restricts nothing. */
const annotations = ['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment']
const keywords = {
  form: new Set(['$schema', '$id', 'type', 'properties', 'required', 'additionalProperties', ...annotations]),
  string: new Set(['type', 'minLength', 'maxLength', 'format', 'enum', 'enumNames', 'oneOf', ...annotations]),
  number: new Set(['type', 'minimum', 'maximum', ...annotations]),
  boolean: new Set(['type', ...annotations]),
  array: new Set(['type', 'items', 'minItems', 'maxItems', 'uniqueItems', ...annotations]),
  items: new Set(['type', 'enum', 'anyOf', ...annotations])
} as const
const formats: ReadonlySet<unknown> = new Set(['email', 'uri', 'date', 'date-time'])

/** Why clients could not make a form of a schema; undefined when they can. */
export function formFault (schema: unknown): string | undefined {
  if (!isObject(schema)) return 'it is no object'
  const { type, properties, required = [], additionalProperties = false } = schema
  if (type !== 'object') return 'its root has to say "type": "object"'
  if (!isObject(properties)) return 'its root has to have "properties"'
  const strange = strangeKeyword(schema, 'form')
  if (strange !== undefined) return `its root has "${strange}", which forms do not have`
  if (typeof additionalProperties !== 'boolean') return 'its root has "additionalProperties" that are neither true nor false'
  if (!Array.isArray(required)) return 'its root has "required" that is no list of fields'
  const missing: unknown = required.find((name) => typeof name !== 'string' || !Object.hasOwn(properties, name))
  if (missing !== undefined) return `it requires ${JSON.stringify(missing)}, which is no field of it`
  for (const [name, field] of Object.entries(properties)) {
    const fault = isObject(field) ? fieldFault(field) : 'is no schema'
    if (fault !== undefined) return `the field ${JSON.stringify(name)} ${fault}`
  }
  return undefined
}

function fieldFault (field: JsonObject): string | undefined {
  const { type } = field
  switch (type) {
    case 'string': return keywordFault(field, 'string') ?? formatFault(field) ?? choicesFault(field['enum'], field['oneOf'], 'oneOf')
    case 'number':
    case 'integer': return keywordFault(field, 'number')
    case 'boolean': return keywordFault(field, 'boolean')
    case 'array': return keywordFault(field, 'array') ?? itemsFault(field['items'])
    default: return `has the type ${JSON.stringify(type)}: there are string, number, integer and boolean, and array for a choice of several`
  }
}

function itemsFault (items: unknown): string | undefined {
  if (!isObject(items)) return 'is an array without "items"'
  const fault = keywordFault(items, 'items') ?? choicesFault(items['enum'], items['anyOf'], 'anyOf')
  if (fault !== undefined) return fault
  return items['enum'] === undefined && items['anyOf'] === undefined ? 'is an array whose "items" are no choice: they have to have "enum" or "anyOf"' : undefined
}

function formatFault ({ format }: JsonObject): string | undefined {
  return format === undefined || formats.has(format) ? undefined : `has the format ${JSON.stringify(format)}: there are ${[...formats].join(', ')}`
}

function choicesFault (values: unknown, titled: unknown, keyword: 'oneOf' | 'anyOf'): string | undefined {
  if (values !== undefined && !(Array.isArray(values) && values.every((value) => typeof value === 'string'))) return 'has an "enum" of something else than texts'
  if (titled !== undefined && !(Array.isArray(titled) && titled.every(isTitledChoice))) return `has "${keyword}" for something else than choices: each is {"const": text, "title": text}`
  return undefined
}

function isTitledChoice (choice: unknown): boolean {
  return isObject(choice) && typeof choice['const'] === 'string' && typeof choice['title'] === 'string'
}

function keywordFault (schema: JsonObject, kind: keyof typeof keywords): string | undefined {
  const strange = strangeKeyword(schema, kind)
  return strange === undefined ? undefined : `has "${strange}", which forms do not have: check the answer in the handler instead`
}

/** Keywords of others begin with "x-". */
function strangeKeyword (schema: JsonObject, kind: keyof typeof keywords): string | undefined {
  return Object.keys(schema).find((keyword) => !keywords[kind].has(keyword) && !keyword.startsWith('x-'))
}
