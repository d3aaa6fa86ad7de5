import { dereference, hasType } from './schema-node.ts'
import type { SchemaNode } from './schema-keywords.ts'

/** Values that are written as text: byte sizes, and what comes from the environment. */

const factors: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }
// Kept equal to byteSizePattern of schemas/primitives.ts by a test: importing that would load TypeBox.
export const byteSizeText = /^([0-9]+(?:\.[0-9]+)?) ?([bB]|[kK][bB]|[mM][bB]|[gG][bB])$/
const numberText = /^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** The bytes that a text such as "10mb" means, or undefined. */
export function parseByteSize (text: string): number | undefined {
  const [, amount, unit] = byteSizeText.exec(text) ?? []
  const factor = factors[unit?.toLowerCase() ?? '']
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor)
}

/** What a text of the environment means at a place: a number or boolean where the place wants one, else the text; undefined when it does not fit. */
export function fromText (text: string, schema: SchemaNode | undefined): unknown {
  const node = schema === undefined ? {} : dereference(schema)
  if (node.byteSize !== undefined) return parseByteSize(text) ?? toNumber(text)
  if (node.type === undefined || hasType(text, node.type)) return text
  const wanted = typeof node.type === 'string' ? [node.type] : node.type
  if (wanted.includes('integer') || wanted.includes('number')) return toNumber(text)
  if (wanted.includes('boolean')) return text === 'true' ? true : text === 'false' ? false : undefined
  return undefined
}

function toNumber (text: string): number | undefined {
  return numberText.test(text) ? Number(text) : undefined
}
