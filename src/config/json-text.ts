import { createRequire } from 'node:module'
import type * as Jsonc from 'jsonc-parser'
import type { Node, ParseError } from 'jsonc-parser'
import { maxSyntaxFaults } from './bounds.ts'
import { quote, type Fault, type Path } from './fault.ts'
import { nearestPlace, type Locate, type Offsets } from './lines.ts'

/** What a text holds, and where. */
export interface ParsedText { value: unknown, faults: Fault[], locate: Locate }

const require = createRequire(import.meta.url)
// Loaded when positions are needed, or when the text is more than plain JSON.
const jsonc = () => require('jsonc-parser') as typeof Jsonc

/** Reads JSON, with comments and trailing commas. Keys that are there twice are faults. */
export function parseJsonText (text: string): ParsedText {
  const plain = parsePlain(text)
  if (plain !== undefined) {
    return { value: plain.value, faults: [], locate: lazyLocate(text) }
  }
  const errors: ParseError[] = []
  const root = jsonc().parseTree(text, errors, { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false })
  const locate = nearestPlace(text, (path) => findOffsets(root, path))
  if (errors.length > 0 || root === undefined) return { value: undefined, faults: syntaxFaults(text, errors), locate }
  const faults: Fault[] = []
  return { value: toValue(root, [], faults, locate), faults, locate }
}

/** Positions of plain JSON: most files have no fault, and nobody asks. */
function lazyLocate (text: string): Locate {
  let tree: { root: Node | undefined } | undefined
  return nearestPlace(text, (path) => {
    tree ??= { root: treeOf(text) }
    return findOffsets(tree.root, path)
  })
}

/** Undefined for a text that is nested so deep that this parser, which descends by recursion, finds no end: its faults have no places. */
function treeOf (text: string): Node | undefined {
  try {
    return jsonc().parseTree(text)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Plain JSON without repeated keys needs no parser of ours: the usual case, and several times faster. */
function parsePlain (text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return needsCloserLook(text) ? undefined : { value }
  } catch {
    return undefined // Not plain JSON: the tolerant parser says what it is, and where it breaks.
  }
}

/** Whether valid JSON has a key twice in one object, or the key `__proto__`. */
function needsCloserLook (text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (let index = 0; index < text.length; index++) {
    switch (text[index]) {
      case '{': open.push(new Set()); break
      case '[': open.push(undefined); break
      case '}':
      case ']': open.pop(); break
      case '"': {
        const end = stringEnd(text, index)
        const keys = open.at(-1)
        if (keys !== undefined && isKey(text, end)) {
          const key = JSON.parse(text.slice(index, end)) as string
          if (key === '__proto__' || keys.has(key)) return true
          keys.add(key)
        }
        index = end - 1
      }
    }
  }
  return false
}

function stringEnd (text: string, start: number): number {
  let index = start + 1
  while (text[index] !== '"') index += text[index] === '\\' ? 2 : 1
  return index + 1
}

function isKey (text: string, end: number): boolean {
  let index = end
  while (index < text.length && ' \t\r\n'.includes(text[index] ?? '')) index++
  return text[index] === ':'
}

function findOffsets (root: Node | undefined, path: Path): Offsets | undefined {
  const node = root === undefined ? undefined : jsonc().findNodeAtLocation(root, [...path])
  if (node === undefined) return undefined
  return { value: node.offset, key: node.parent?.type === 'property' ? node.parent.children?.[0]?.offset : undefined }
}

function toValue (node: Node, path: Path, faults: Fault[], locate: Locate): unknown {
  switch (node.type) {
    case 'array': return (node.children ?? []).map((child, index) => toValue(child, [...path, index], faults, locate))
    case 'object': {
      const result: { [key: string]: unknown } = {}
      const offsets = new Map<string, number>()
      for (const { children: [key, value] = [] } of node.children ?? []) {
        if (key === undefined || value === undefined) continue
        const name = String(key.value)
        const first = offsets.get(name)
        if (first !== undefined) faults.push(repeatedKey(name, path, locate.at(first), locate.at(key.offset)))
        else if (name === '__proto__') faults.push(forbiddenKey(path, locate.at(key.offset)))
        else result[name] = toValue(value, [...path, name], faults, locate)
        offsets.set(name, first ?? key.offset)
      }
      return result
    }
    default: return node.value
  }
}

/** A key that is there twice: a reader would see one value, the program another. */
export function repeatedKey (key: string, parent: Path, first: { line: number }, place: { line: number, column: number }): Fault {
  return { path: [...parent, key], message: `The key ${quote(key)} is here twice; the first is on line ${first.line}.`, ...place, suggestion: 'Remove one of them.', atKey: true }
}

/** `__proto__` means something to JavaScript and nothing here. */
export function forbiddenKey (parent: Path, place: { line: number, column: number }): Fault {
  return { path: [...parent, '__proto__'], message: 'The key "__proto__" is not allowed.', ...place, suggestion: 'Remove it.', atKey: true }
}

function syntaxFaults (text: string, errors: readonly ParseError[]): Fault[] {
  if (text.trim() === '') return [{ path: [], message: 'The file is empty.', line: 1, column: 1, expected: 'an object with the configuration' }]
  const { at } = nearestPlace(text, () => undefined)
  const lines = new Set<number>()
  const faults: Fault[] = []
  for (const { error, offset } of errors) {
    const place = at(offset)
    if (lines.has(place.line) || faults.length === maxSyntaxFaults) continue
    lines.add(place.line)
    faults.push({ path: [], message: `This is not valid JSON: ${sentences[jsonc().printParseErrorCode(error)] ?? 'something here cannot be read.'}`, ...place })
  }
  return faults
}

const sentences: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a text needs double quotes; only true, false and null stand without.',
  InvalidNumberFormat: 'this number is not written as JSON writes numbers.',
  PropertyNameExpected: 'a key in double quotes is expected here.',
  ValueExpected: 'a value is expected here.',
  ColonExpected: 'a colon is expected here, after the key.',
  CommaExpected: 'a comma is expected here, after the previous value.',
  CloseBraceExpected: 'a closing brace is expected here.',
  CloseBracketExpected: 'a closing bracket is expected here.',
  EndOfFileExpected: 'the configuration ended before this.',
  InvalidCommentToken: 'a comment is not allowed here.',
  UnexpectedEndOfComment: 'this comment is never closed.',
  UnexpectedEndOfString: 'this text is never closed on its line.',
  UnexpectedEndOfNumber: 'this number is not finished.',
  InvalidUnicode: 'after \\u, four hexadecimal digits are expected.',
  InvalidEscapeCharacter: 'this escape is none of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u.',
  InvalidCharacter: 'a text cannot hold this character as it is: write it as an escape.'
}
