import type { FuncKeywordDefinition, SchemaValidateFunction } from 'ajv'

/**
 * The keyword `uniqueItems` in one pass. Ajv's own compares each item with each other one: a list of objects that fits into one request
 * would keep it busy for minutes.
 */
const validate: SchemaValidateFunction = function areUnique (wanted: boolean, items: readonly unknown[]): boolean {
  if (!wanted) return true
  const seen = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const text = canonical(item)
    const twin = seen.get(text)
    if (twin !== undefined) {
      validate.errors = [{ keyword: 'uniqueItems', message: `must NOT have duplicate items (items ## ${twin} and ${index} are identical)`, params: { i: index, j: twin } }]
      return false
    }
    seen.set(text, index)
  }
  return true
}

export const uniqueItems: FuncKeywordDefinition = { keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', errors: true, validate }

/** One text for equal JSON values: the order of members makes no difference. */
function canonical (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const members = Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}
