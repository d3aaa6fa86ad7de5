/** The form of the configuration's schema that the loader walks. */

export type TypeName = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'

/** The part of JSON Schema that schemas/config is written in, and four keywords of ours: see schemas/primitives.ts. */
export interface SchemaNode {
  type?: TypeName | readonly TypeName[]
  properties?: Readonly<Record<string, SchemaNode>>
  required?: readonly string[]
  additionalProperties?: false | SchemaNode
  propertyNames?: SchemaNode
  items?: SchemaNode
  anyOf?: readonly SchemaNode[]
  oneOf?: readonly SchemaNode[]
  discriminator?: { propertyName: string }
  const?: unknown
  enum?: readonly string[]
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  uniqueItems?: boolean
  default?: unknown
  $ref?: string
  $defs?: Readonly<Record<string, SchemaNode>>
  unit?: 'ms' | 's' | 'bytes'
  byteSize?: { minimum: number, maximum: number }
  exactlyOne?: readonly (readonly string[])[]
  expects?: string
  secret?: boolean
}
