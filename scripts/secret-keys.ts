import { Config } from '../schemas/config/index.ts'
import type { SchemaNode } from '../src/config/schema-keywords.ts'
import { runtimeSchema } from './schema-forms.ts'

/** The keys of the configuration whose values are secret, such as `redis.password`. `*` is any key or index. */
export function secretKeys (): string[] {
  const { $defs = {}, ...root } = runtimeSchema(Config) as SchemaNode
  const named = Object.entries($defs).flatMap(([name, node]) => secretsIn(node, [name.toLowerCase()]))
  return [...secretsIn(root, []), ...named].map((path) => path.join('.'))
}

function secretsIn (node: SchemaNode, path: readonly string[]): (readonly string[])[] {
  const { properties = {}, additionalProperties: rest, items, anyOf = [], oneOf = [] } = node
  return [
    ...(node.secret === true ? [path] : []),
    ...Object.entries(properties).flatMap(([key, child]) => secretsIn(child, [...path, key])),
    ...[rest, items].flatMap((child) => child === undefined || child === false ? [] : secretsIn(child, [...path, '*'])),
    ...[...anyOf, ...oneOf].flatMap((child) => secretsIn(child, path))
  ]
}
