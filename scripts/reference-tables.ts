import type { JsonSchema } from './schema-forms.ts'

/** Tables of the reference page, made out of the TypeBox schemas: one for each object that has keys of its own. */

export interface Shape {
  /** How the page names it: a path such as `server.pressure`, or a word. */
  title: string
  schema: JsonSchema
  /** Whether a reload applies all of it. */
  reloadable?: boolean
  /** Heading level. */
  level: number
  /** Shapes with a table of their own elsewhere, by `$id`. */
  elsewhere: ReadonlyMap<string, string>
  /** A sentence for a place that this version refuses. */
  note (path: string): string | undefined
}

/** The table of a shape, then those of the shapes in it. */
export function tablesOf (shape: Shape): string {
  const { title, schema, level, note } = shape
  const parts = [`${'#'.repeat(level)} ${title}`]
  const remark = note(title)
  if (typeof schema['description'] === 'string') parts.push(schema['description'])
  if (remark !== undefined) parts.push(remark)
  const properties = Object.entries(propertiesOf(schema))
  parts.push([
    '| key | type | unit, range | default | reload | meaning |',
    '|---|---|---|---|---|---|',
    ...properties.map(([key, node]) => row(key, node, requiredOf(schema).includes(key), shape))
  ].join('\n'))
  for (const keys of (schema['exactlyOne'] ?? []) as string[][]) parts.push(`Exactly one of ${keys.map((key) => `\`${key}\``).join(', ')} is given.`)
  const children = properties.flatMap(([key, node]) => nestedShape(`${title === 'Top level' ? '' : `${title}.`}${key}`, node, shape))
  return [...parts, ...children.map(tablesOf)].join('\n\n')
}

function row (key: string, node: JsonSchema, required: boolean, shape: Shape): string {
  const path = shape.title === 'Top level' ? key : `${shape.title}.${key}`
  const remark = shape.note(path)
  const meaning = [node['description'], remark, node['deprecated'] === true ? 'Deprecated.' : undefined].filter((text) => typeof text === 'string').join(' ')
  const cells = [`\`${key}\``, typeText(node, shape), rangeText(node), defaultText(node, required), node['reloadable'] === true || shape.reloadable === true ? 'yes' : 'restart', meaning]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The object in a place, through lists and maps, when its table belongs below this one. */
function nestedShape (path: string, node: JsonSchema, parent: Shape): Shape[] {
  const { level, elsewhere } = parent
  const inner: Shape = { ...parent, reloadable: parent.reloadable === true || node['reloadable'] === true }
  if (typeof node['$id'] === 'string' && elsewhere.has(node['$id'])) return []
  const items = node['items'] as JsonSchema | undefined
  if (items !== undefined) return nestedShape(`${path}[]`, items, inner)
  const values = mapValues(node)
  if (values !== undefined) return nestedShape(`${path}.<name>`, values, inner)
  return Object.keys(propertiesOf(node)).length === 0 || isOpen(node) ? [] : [{ ...inner, title: path, schema: node, level: Math.min(level + 1, 4) }]
}

/** A foreign JSON Schema: what it says about single keys is no key of the configuration. */
function isOpen (node: JsonSchema): boolean {
  return node['additionalProperties'] !== false && Object.values(propertiesOf(node)).every((child) => child['type'] === undefined)
}

function typeText (node: JsonSchema, shape: Shape): string {
  const name = node['$id']
  const title = typeof name === 'string' ? shape.elsewhere.get(name) : undefined
  if (title !== undefined) return `[${title}](#${anchor(title)})`
  if (node['byteSize'] !== undefined) return 'whole number, or text such as `"10mb"`'
  if (Array.isArray(node['enum'])) return node['enum'].map((word) => `\`"${String(word)}"\``).join(', ')
  if (node['const'] !== undefined) return `\`${JSON.stringify(node['const'])}\``
  if (Array.isArray(node['anyOf'])) return alternatives(node['anyOf'] as JsonSchema[], shape)
  if (node['items'] !== undefined) return `list of ${typeText(node['items'] as JsonSchema, shape)}`
  const values = mapValues(node)
  if (values !== undefined) return `map of ${typeText(values, shape)}`
  const type = node['type']
  return Array.isArray(type) ? type.map((each) => typeNames[String(each)]).join(', ') : typeNames[String(type)] ?? 'any value'
}

function alternatives (branches: JsonSchema[], shape: Shape): string {
  if (branches.every((branch) => branch['const'] !== undefined)) return branches.map((branch) => `\`${JSON.stringify(branch['const'])}\``).join(', ')
  const tags = branches.map((branch) => propertiesOf(branch)['type']?.['const'])
  if (tags.every((tag) => typeof tag === 'string')) return `content block (${tags.map((tag) => `\`${tag}\``).join(', ')})`
  return [...new Set(branches.map((branch) => typeText(branch, shape)))].join(', or ')
}

const typeNames: Readonly<Record<string, string>> = {
  object: 'object', array: 'list', string: 'text', number: 'number', integer: 'whole number', boolean: 'true or false'
}

const units: Readonly<Record<string, string>> = { ms: 'milliseconds', s: 'seconds', bytes: 'bytes' }

function rangeText (node: JsonSchema): string {
  const unit = units[String(node['unit'])] ?? ''
  const { minimum, maximum } = (node['byteSize'] ?? node) as { minimum?: number, maximum?: number }
  const limits = maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER ? `${minimum ?? 0} to ${maximum}` : minimum === undefined ? '' : `from ${minimum}`
  const words = [unit, limits, expectsOf(node)]
  if (node['maxLength'] !== undefined) words.push(`${String(node['minLength'] ?? 0)} to ${String(node['maxLength'])} characters`)
  if (typeof node['minItems'] === 'number' && node['minItems'] > 0) words.push('at least one')
  return words.filter((word) => word !== '').join(', ')
}

function expectsOf (node: JsonSchema): string {
  const own = node['expects'] ?? (node['items'] as JsonSchema | undefined)?.['expects']
  return typeof own === 'string' ? own : ''
}

function defaultText (node: JsonSchema, required: boolean): string {
  const value = node['default']
  if (value === undefined) return required ? '**required**' : ''
  return JSON.stringify(value) === '{}' ? '' : `\`${JSON.stringify(value)}\``
}

function propertiesOf (node: JsonSchema): Record<string, JsonSchema> {
  return (node['properties'] ?? {}) as Record<string, JsonSchema>
}

function requiredOf (node: JsonSchema): readonly string[] {
  return (node['required'] ?? []) as string[]
}

function mapValues (node: JsonSchema): JsonSchema | undefined {
  return Object.values((node['patternProperties'] ?? {}) as Record<string, JsonSchema>)[0]
}

/** How Markdown renderers name a heading. */
export function anchor (title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9 _-]/g, '').replaceAll(' ', '-')
}
