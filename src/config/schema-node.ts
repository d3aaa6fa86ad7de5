import { isObject } from '../core/json-rpc.ts'
import { rootSchema } from './root-schema.ts'
import { elements, member, type Path } from './fault.ts'
import type { SchemaNode, TypeName } from './schema-keywords.ts'

/** The questions that the loader asks of the configuration's schema. */

/** The node itself, or the named shape that it refers to with what the place says by itself. */
export function dereference (node: SchemaNode): SchemaNode {
  if (node.$ref === undefined) return node
  const target = rootSchema.$defs?.[node.$ref.slice('#/$defs/'.length)]
  if (target === undefined) throw new Error(`The generated schema refers to ${node.$ref}, which is not in it`)
  return node.default === undefined ? target : { ...target, default: node.default }
}

/** What the words of a discriminated union are: `file`, `inline`, … */
export function variantNames (node: SchemaNode): string[] {
  const tag = node.discriminator?.propertyName ?? ''
  return (node.oneOf ?? []).map((variant) => String(dereference(variant).properties?.[tag]?.const))
}

/** The variant of a union that a value means to be, or undefined when it cannot be told. */
export function variantOf (node: SchemaNode, value: unknown): SchemaNode | undefined {
  if (node.discriminator !== undefined) {
    const index = variantNames(node).indexOf(String(member(value, node.discriminator.propertyName)))
    const variant = node.oneOf?.[index]
    return variant === undefined ? undefined : dereference(variant)
  }
  const branches = (node.anyOf ?? []).map(dereference).filter((branch) => hasType(value, branch.type))
  const [first = undefined, ...others] = branches
  return others.reduce((best, branch) => presentKeys(branch, value) > presentKeys(best, value) ? branch : best, first)
}

function presentKeys (branch: SchemaNode | undefined, value: unknown): number {
  return (branch?.required ?? []).filter((key) => member(value, key) !== undefined).length
}

/** Whether a value is of the type, or of one of the types, that a node names. */
export function hasType (value: unknown, type: SchemaNode['type']): boolean {
  if (type === undefined) return true
  return typeof type === 'string' ? isOfType(value, type) : type.some((each) => isOfType(value, each))
}

function isOfType (value: unknown, type: TypeName): boolean {
  switch (type) {
    case 'object': return isObject(value)
    case 'array': return Array.isArray(value)
    case 'integer': return Number.isInteger(value)
    case 'number': return typeof value === 'number' && Number.isFinite(value)
    case 'string': return typeof value === 'string'
    case 'boolean': return typeof value === 'boolean'
  }
}

/** The schema of a place, as far as it can be told; the value decides between the variants of a union. */
export function schemaAt (path: Path, root: unknown): SchemaNode | undefined {
  let node: SchemaNode | undefined = rootSchema
  let value = root
  for (const step of path) {
    node = node === undefined ? undefined : concrete(node, value)
    if (typeof step === 'number') {
      node = node?.items
      value = elements(value)[step]
    } else {
      node = childOf(node, step)
      value = member(value, step)
    }
  }
  return node === undefined ? undefined : dereference(node)
}

function concrete (node: SchemaNode, value: unknown): SchemaNode | undefined {
  const target = dereference(node)
  return target.discriminator === undefined && target.anyOf === undefined ? target : variantOf(target, value)
}

function childOf (node: SchemaNode | undefined, key: string): SchemaNode | undefined {
  if (node?.properties !== undefined && Object.hasOwn(node.properties, key)) return node.properties[key]
  return node?.additionalProperties === false ? undefined : node?.additionalProperties
}

const units = { ms: ' of milliseconds', s: ' of seconds', bytes: ' of bytes' } as const

/** What fits a place, in words. */
export function expectation (schema: SchemaNode): string {
  const node = dereference(schema)
  if (node.expects !== undefined) return node.expects
  if (node.byteSize !== undefined) return `a size such as "10mb", or a whole number of bytes${range(node.byteSize, 1)}`
  if (node.const !== undefined) return JSON.stringify(node.const)
  if (node.enum !== undefined) return `one of ${node.enum.map((word) => JSON.stringify(word)).join(', ')}`
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(expectation))].join(' or ')
  const type = node.discriminator === undefined ? node.type : 'object'
  return type === undefined ? 'any value' : typeof type === 'string' ? ofType(type, node) : type.map((each) => ofType(each, node)).join(' or ')
}

function ofType (type: TypeName, node: SchemaNode): string {
  const unit = node.unit === undefined ? '' : units[node.unit]
  switch (type) {
    case 'integer': return `a whole number${unit}${range(node, 0)}`
    case 'number': return `a number${unit}${range(node, 0)}`
    case 'boolean': return 'true or false'
    case 'array': return (node.minItems ?? 0) > 0 ? 'a list with at least one entry' : 'a list'
    case 'object': return 'an object'
    case 'string': {
      if (node.maxLength !== undefined) return `a text of ${node.minLength ?? 0} to ${node.maxLength} characters`
      return (node.minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text'
    }
  }
}

function range ({ minimum, maximum }: { minimum?: number, maximum?: number }, least: number): string {
  if (maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER) return ` from ${minimum ?? least} to ${maximum}`
  return minimum === undefined ? '' : `, at least ${minimum}`
}
