import { isObject } from '../core/json-rpc.ts'
import { describeValue, member, quote, type Fault, type Path } from './fault.ts'
import { rootSchema } from './root-schema.ts'
import { fromText, parseByteSize } from './scalar-text.ts'
import { dereference, expectation, hasType, variantNames, variantOf } from './schema-node.ts'
import type { SchemaNode } from './schema-keywords.ts'
import { closestWord, didYouMean } from './suggestion.ts'

/**
 * Checks the configuration against its schema. A walk rather than a compiled validator: compiling this schema costs more than a hundred
 * times what one walk does, and a walk knows which variant of a union was meant. test/config/validate.test.ts holds it against Ajv.
 */

/** What to show of a place instead of its value, when that must not be seen. */
export type Mask = (path: Path) => string | undefined

/** Is told of each text that stands where the schema has a secret. */
export type NoteSecret = (text: string, path: Path) => void

interface Walk { faults: Fault[], mask: Mask, noteSecret: NoteSecret }

/** Reports everything that does not fit. Fills in defaults and turns byte sizes into numbers, in place. */
export function validate (config: { [key: string]: unknown }, mask: Mask = () => undefined, noteSecret: NoteSecret = () => {}): Fault[] {
  const walk: Walk = { faults: [], mask, noteSecret }
  checkObject(config, rootSchema, [], walk)
  return walk.faults
}

/** Reports what does not fit a single value, which cannot have defaults. */
export function validateValue (value: unknown, schema: SchemaNode, path: Path): Fault[] {
  const walk: Walk = { faults: [], mask: () => undefined, noteSecret: () => {} }
  check(value, schema, path, walk)
  return walk.faults
}

/** Returns what takes the place of the value: itself, but for byte sizes. */
function check (value: unknown, schema: SchemaNode, path: Path, walk: Walk): unknown {
  const node = dereference(schema)
  if (node.byteSize !== undefined) return checkByteSize(value, node, path, walk)
  if (node.discriminator !== undefined || node.anyOf !== undefined) checkUnion(value, node, path, walk)
  else if (!hasType(value, node.type) || (node.const !== undefined && value !== node.const)) mismatch(value, node, path, walk)
  else if (typeof value === 'string') checkText(value, node, path, walk)
  else if (typeof value === 'number') checkNumber(value, node, path, walk)
  else if (Array.isArray(value)) checkList(value, node, path, walk)
  else if (isObject(value)) checkObject(value, node, path, walk)
  return value
}

function checkByteSize (value: unknown, node: SchemaNode, path: Path, walk: Walk): unknown {
  const bytes = typeof value === 'string' ? parseByteSize(value) : value
  const { minimum, maximum } = node.byteSize ?? { minimum: 0, maximum: 0 }
  if (typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= minimum && bytes <= maximum) return bytes
  mismatch(value, node, path, walk)
  return value
}

function checkText (value: string, node: SchemaNode, path: Path, walk: Walk): void {
  if (node.secret === true) walk.noteSecret(value, path)
  if (node.enum !== undefined) {
    if (!node.enum.includes(value)) mismatch(value, node, path, walk, didYouMean(value, node.enum))
    return
  }
  const tooLong = node.maxLength !== undefined && value.length > node.maxLength
  const tooShort = node.minLength !== undefined && value.length < node.minLength
  if (tooLong || tooShort || !fits(value, node.pattern)) mismatch(value, node, path, walk)
}

const patterns = new Map<string, RegExp>()

function fits (text: string, pattern: string | undefined): boolean {
  if (pattern === undefined) return true
  const known = patterns.get(pattern) ?? new RegExp(pattern, 'u')
  patterns.set(pattern, known)
  return known.test(text)
}

function checkNumber (value: number, node: SchemaNode, path: Path, walk: Walk): void {
  if (value < (node.minimum ?? -Infinity) || value > (node.maximum ?? Infinity)) mismatch(value, node, path, walk)
}

function checkList (list: unknown[], node: SchemaNode, path: Path, walk: Walk): void {
  if (list.length < (node.minItems ?? 0)) walk.faults.push({ path, message: `Expected ${expectation(node)}, found an empty one.`, found: 'an empty list', expected: expectation(node) })
  const items = node.items
  if (items === undefined) return
  list.forEach((value, index) => { list[index] = check(value, items, [...path, index], walk) })
  if (node.uniqueItems === true) {
    list.forEach((value, index) => {
      if (list.indexOf(value) < index) walk.faults.push({ path: [...path, index], message: `${shown(value, [...path, index], node, walk)} is in this list twice.`, suggestion: 'Remove one of them.' })
    })
  }
}

function checkObject (object: { [key: string]: unknown }, node: SchemaNode, path: Path, walk: Walk): void {
  const properties = node.properties ?? {}
  const unknown: string[] = []
  for (const key of Object.keys(object)) {
    if (node.propertyNames !== undefined) checkKey(key, node.propertyNames, [...path, key], walk)
    const child = Object.hasOwn(properties, key) ? properties[key] : node.additionalProperties
    if (child === false) unknown.push(key)
    else if (child !== undefined) object[key] = check(object[key], child, [...path, key], walk)
  }
  const meant = reportUnknown(unknown, object, node, path, walk)
  for (const [key, child] of Object.entries(properties)) {
    if (Object.hasOwn(object, key)) continue
    const fallback = dereference(child).default
    if (fallback !== undefined) object[key] = check(structuredClone(fallback), child, [...path, key], walk)
    else if (node.required?.includes(key) === true && !meant.has(key)) reportMissing(key, child, path, walk)
  }
  for (const group of node.exactlyOne ?? []) checkGroup(group, object, meant, path, walk)
}

function checkKey (key: string, names: SchemaNode, path: Path, walk: Walk): void {
  if (fits(key, names.pattern)) return
  const expected = expectation(names)
  walk.faults.push({ path, message: `The key ${quote(key)} does not fit: expected ${expected}.`, found: quote(key), expected, atKey: true })
}

/** Reports keys that are not known. Returns those keys that were probably meant, so that they are not reported as missing too. */
function reportUnknown (unknown: readonly string[], object: object, node: SchemaNode, path: Path, walk: Walk): Set<string> {
  const absent = Object.keys(node.properties ?? {}).filter((key) => !Object.hasOwn(object, key))
  const meant = new Set<string>()
  for (const key of unknown) {
    const guess = closestWord(key, absent)
    if (guess !== undefined) meant.add(guess)
    walk.faults.push({
      path: [...path, key],
      message: `Unknown key ${quote(key)}.`,
      expected: absent.length === 0 ? 'no other key' : `one of ${absent.map((each) => JSON.stringify(each)).join(', ')}`,
      suggestion: guess === undefined ? 'Remove it: nothing reads it.' : `Did you mean "${guess}"?`,
      atKey: true
    })
  }
  return meant
}

function reportMissing (key: string, child: SchemaNode, path: Path, walk: Walk): void {
  const expected = expectation(child)
  walk.faults.push({ path: [...path, key], message: `The key ${quote(key)} is missing: expected ${expected}.`, found: 'nothing', expected })
}

function checkGroup (group: readonly string[], object: object, meant: ReadonlySet<string>, path: Path, walk: Walk): void {
  const present = group.filter((key) => Object.hasOwn(object, key))
  const names = group.map((key) => JSON.stringify(key)).join(', ')
  const [first, second] = present
  if (first === undefined) {
    if (!group.some((key) => meant.has(key))) walk.faults.push({ path, message: `One of the keys ${names} is needed here, and none is there.`, found: 'none of them', expected: `exactly one of ${names}` })
  } else if (second !== undefined) {
    const message = `The keys ${present.map((key) => JSON.stringify(key)).join(' and ')} cannot stand together: exactly one of ${names} is possible.`
    walk.faults.push({ path: [...path, second], message, found: present.join(', '), expected: `exactly one of ${names}`, suggestion: 'Keep one of them.', atKey: true })
  }
}

function checkUnion (value: unknown, node: SchemaNode, path: Path, walk: Walk): void {
  const tag = node.discriminator?.propertyName
  if (tag !== undefined && !isObject(value)) {
    mismatch(value, node, path, walk, { suggestion: `Write { "${tag}": "${variantNames(node)[0] ?? ''}", … }.` })
    return
  }
  const variant = variantOf(node, value)
  if (variant !== undefined) check(value, variant, path, walk)
  else if (tag === undefined) mismatch(value, node, path, walk)
  else reportVariant(value, node, tag, path, walk)
}

function reportVariant (value: unknown, node: SchemaNode, tag: string, path: Path, walk: Walk): void {
  const names = variantNames(node)
  const named = member(value, tag)
  const expected = `one of ${names.map((name) => JSON.stringify(name)).join(', ')}`
  if (named !== undefined) {
    const suggestion = typeof named === 'string' && walk.mask([...path, tag]) === undefined ? didYouMean(named, names) : {}
    const found = shown(named, [...path, tag], node, walk)
    walk.faults.push({ path: [...path, tag], message: `Expected ${expected}, found ${found}.`, found, expected, ...suggestion })
    return
  }
  const likely = names.find((_, index) => telltaleKeys(node, index, tag).some((key) => member(value, key) !== undefined))
  const suggestion = likely === undefined ? {} : { suggestion: `Did you mean "${tag}": "${likely}"?` }
  walk.faults.push({ path: [...path, tag], message: `The key ${quote(tag)} is missing: expected ${expected}.`, found: 'nothing', expected, ...suggestion })
}

/** The keys that a variant cannot do without. */
function telltaleKeys (node: SchemaNode, index: number, tag: string): string[] {
  return (node.oneOf?.[index]?.required ?? []).filter((key) => key !== tag)
}

function mismatch (value: unknown, node: SchemaNode, path: Path, walk: Walk, hint: { suggestion?: string } = {}): void {
  const expected = expectation(node)
  const found = shown(value, path, node, walk)
  const suggestion = walk.mask(path) === undefined ? hint.suggestion ?? quotesHint(value, node) : undefined
  walk.faults.push({ path, message: `Expected ${expected}, found ${found}.`, found, expected, ...(suggestion === undefined ? {} : { suggestion }) })
}

function shown (value: unknown, path: Path, node: SchemaNode, walk: Walk): string {
  const masked = walk.mask(path)
  if (masked !== undefined) return masked
  return node.secret === true && !isObject(value) && !Array.isArray(value) ? 'a value that is not shown' : describeValue(value)
}

function quotesHint (value: unknown, node: SchemaNode): string | undefined {
  if (node.type === undefined) return undefined
  if (typeof value === 'string' && typeof fromText(value, node) === 'number') return 'Write the number without quotes.'
  if (typeof value === 'string' && node.type === 'boolean') return 'Write true or false, without quotes.'
  return (typeof value === 'number' || typeof value === 'boolean') && node.type === 'string' ? 'Write it in quotes.' : undefined
}
