import { byteSizePattern } from '../schemas/primitives.ts'

/**
 * The two forms that the TypeBox root schema is written in: the published one (plain JSON Schema 2020-12, for editors) and the one that
 * the loader compiles (with the keywords of src/config/validate.ts, without texts). In both, what has a default may be left out, and
 * shapes with a name stand once under `$defs`.
 */

export type JsonSchema = { [keyword: string]: unknown }
type Form = 'published' | 'runtime'

/** Keywords that only people and editors need. */
const texts: ReadonlySet<string> = new Set(['title', 'description', 'reloadable', 'deprecated', 'contentEncoding', 'example'])
/** Keywords that only the loader knows. */
const loaderOnly: ReadonlySet<string> = new Set(['byteSize', 'exactlyOne', 'discriminator', 'expects', 'secret'])
/** What the place where a named shape is used may say by itself. */
const placeKeywords = ['description', 'reloadable', 'default'] as const

export type Describe = (path: readonly string[]) => string | undefined

/** The schema that editors use. `note` may add a sentence to the description of a place; array items and map values are `*`. */
export function publishedSchema (root: object, note: Describe = () => undefined): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...formOf(root, 'published', note) }
}

/** The schema that the loader compiles. */
export function runtimeSchema (root: object): JsonSchema {
  return formOf(root, 'runtime', () => undefined)
}

function formOf (root: object, form: Form, note: Describe): JsonSchema {
  const definitions: JsonSchema = {}
  const schema = convert(root as JsonSchema, { form, definitions, note }, [])
  return { ...schema, $defs: definitions }
}

interface Context { form: Form, definitions: JsonSchema, note: Describe }

function convert (node: JsonSchema, context: Context, path: readonly string[]): JsonSchema {
  const name = node['$id']
  if (typeof name !== 'string') return convertBody(node, context, path)
  if (context.definitions[name] === undefined) {
    context.definitions[name] = {}
    const body = Object.fromEntries(Object.entries(node).filter(([key]) => key !== '$id' && !placeKeywords.some((keyword) => keyword === key)))
    context.definitions[name] = convertBody(body, context, [name])
  }
  const place = Object.fromEntries(placeKeywords.filter((key) => node[key] !== undefined).map((key) => [key, node[key]]))
  return annotate({ $ref: `#/$defs/${name}`, ...place }, context, path)
}

function convertBody (source: JsonSchema, context: Context, path: readonly string[]): JsonSchema {
  const node = unionForm(source)
  const result: JsonSchema = {}
  for (const [keyword, value] of Object.entries(node)) {
    if (loaderOnly.has(keyword) && context.form === 'published') continue
    const converted = convertKeyword(keyword, value, node, context, path)
    if (converted !== undefined) Object.assign(result, converted)
  }
  if (context.form === 'published') Object.assign(result, plainByteSize(node), plainExactlyOne(node))
  return annotate(result, context, path)
}

function convertKeyword (keyword: string, value: unknown, node: JsonSchema, context: Context, path: readonly string[]): JsonSchema | undefined {
  switch (keyword) {
    case 'properties': {
      const properties = Object.entries(value as Record<string, JsonSchema>)
      return { properties: Object.fromEntries(properties.map(([key, child]) => [key, convert(child, context, [...path, key])])) }
    }
    case 'required': {
      const required = (value as string[]).filter((key) => (node['properties'] as Record<string, JsonSchema> | undefined)?.[key]?.['default'] === undefined)
      return required.length === 0 ? undefined : { required }
    }
    case 'patternProperties': return { additionalProperties: convert(mapValues(value as Record<string, JsonSchema>), context, [...path, '*']) }
    case 'items': return { items: convert(value as JsonSchema, context, [...path, '*']) }
    case 'propertyNames': return { propertyNames: convert(value as JsonSchema, context, path) }
    case 'anyOf':
    case 'oneOf': return { [keyword]: (value as JsonSchema[]).map((child) => convert(child, context, path)) }
    default: return { [keyword]: value }
  }
}

/** TypeBox writes a map as a pattern that every key fits. */
function mapValues (patterns: Record<string, JsonSchema>): JsonSchema {
  const [[pattern, values] = ['', undefined], ...rest] = Object.entries(patterns)
  if (pattern !== '^(.*)$' || values === undefined || rest.length > 0) throw new Error(`Only maps with any keys are supported, not ${pattern}`)
  return values
}

/** TypeBox writes unions as `anyOf`: words become an `enum`, and objects that differ in `type` say so. */
function unionForm (node: JsonSchema): JsonSchema {
  const { anyOf, ...rest } = node
  if (!Array.isArray(anyOf)) return node
  const branches = anyOf as JsonSchema[]
  if (branches.every((branch) => typeof branch['const'] === 'string')) return { type: 'string', enum: branches.map((branch) => branch['const']), ...rest }
  const tagged = branches.every((branch) => typeof (branch['properties'] as Record<string, JsonSchema> | undefined)?.['type']?.['const'] === 'string')
  return tagged ? { type: 'object', discriminator: { propertyName: 'type' }, oneOf: branches, ...rest } : node
}

function plainByteSize ({ byteSize }: JsonSchema): JsonSchema {
  return byteSize === undefined ? {} : { anyOf: [{ type: 'integer', ...byteSize as object }, { type: 'string', pattern: byteSizePattern }] }
}

function plainExactlyOne ({ exactlyOne }: JsonSchema): JsonSchema {
  return exactlyOne === undefined ? {} : { allOf: (exactlyOne as string[][]).map((keys) => ({ oneOf: keys.map((key) => ({ required: [key] })) })) }
}

function annotate (schema: JsonSchema, { form, note }: Context, path: readonly string[]): JsonSchema {
  if (form === 'runtime') return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !texts.has(keyword)))
  const addition = note(path)
  if (addition === undefined) return schema
  const description = typeof schema['description'] === 'string' ? `${schema['description']} ${addition}` : addition
  return { ...schema, description }
}
