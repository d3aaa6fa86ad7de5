import fc, { type Arbitrary } from 'fast-check'

/** Values that fit the schemas of tools, that nearly do, and that nobody expects. */

export type JsonSchema = { readonly [keyword: string]: unknown }

/** What is attacked, as far as attacks are made for it. */
export interface Target { readonly tools: readonly { readonly name: string, readonly inputSchema: JsonSchema }[] }

const nastyTexts = [
  '', ' ', '\u0000', '\ud800', '\u2028', '\r\nx-injected: 1', '🙂'.repeat(50), 'a'.repeat(5_000), '__proto__', 'constructor', 'toString', '../../etc/passwd',
  '%2e%2e%2f', '%00', '%zz', '${PATH}', '{{who}}', '{section}', '*', '**', "' OR 1=1 --", '<script>', '-1', '1e999', 'null', 'docs://', 'docs://one/two', 'file:///etc/passwd', '\\', '"', '\ufeff'
]
const nastyNumbers = [0, -0, -1, 1e308, -1e308, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 0.1, 5e-324]

export const text: Arbitrary<string> = fc.oneof({ weight: 3, arbitrary: fc.string() }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) }, { weight: 2, arbitrary: fc.constantFrom(...nastyTexts) })

/** Anything that JSON can say, members with the names of what objects inherit among it. */
export const wild: Arbitrary<unknown> = fc.oneof(
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(...nastyNumbers) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[[[]]]], nested(40)) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'prototype', 'toJSON', 'then', 'length', 'a'), fc.jsonValue({ maxDepth: 1 })).map((members) => JSON.parse(`{"__proto__":${JSON.stringify(members)}}`) as unknown) }
)

function nested (depth: number): unknown {
  let value: unknown = 'leaf'
  for (let each = 0; each < depth; each++) value = each % 2 === 0 ? [value] : { a: value }
  return value
}

/** Mostly what the schema of a tool allows; now and then with a member too many, too few, or of another kind. */
export function argumentsFor (schema: JsonSchema): Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  const members = Object.fromEntries(properties.map(([name, property]) => [name, fc.oneof({ weight: 8, arbitrary: fitting(property) }, { weight: 1, arbitrary: wild })]))
  const object = fc.record(members, { requiredKeys: [] })
  return fc.oneof(
    { weight: 8, arbitrary: object },
    { weight: 1, arbitrary: fc.tuple(object, fc.dictionary(text, wild, { maxKeys: 3 })).map(([known, more]) => ({ ...more, ...known })) },
    { weight: 1, arbitrary: wild }
  )
}

function fitting (schema: JsonSchema): Arbitrary<unknown> {
  const { enum: choices, type, items } = schema
  if (Array.isArray(choices)) return fc.constantFrom<unknown>(...choices as unknown[])
  switch (type) {
    case 'string': return fc.oneof(text, fc.stringMatching(/^[a-z]{1,8}$/), fc.constant('2026-01-31T12:00:00Z'))
    case 'integer': return fc.integer({ min: -5, max: 105 })
    case 'number': return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean': return fc.boolean()
    case 'array': return fc.array(fitting((items ?? {}) as JsonSchema), { maxLength: 5 })
    case 'object': return argumentsFor(schema)
    default: return wild
  }
}
