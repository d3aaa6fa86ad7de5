import type * as Yaml from 'yaml'
import type { Alias, CST, Document, Node, Pair, YAMLMap } from 'yaml'
import { maxDepth, maxExpandedValues, maxSyntaxFaults } from './bounds.ts'
import type { Fault, Path } from './fault.ts'
import { forbiddenKey, repeatedKey, type ParsedText } from './json-text.ts'
import { nearestPlace, type Locate, type Offsets } from './lines.ts'

type Library = typeof Yaml

/** Reads one YAML 1.2 document, with merge keys. Keys that are there twice are faults; aliases are bounded. */
export async function parseYamlText (text: string): Promise<ParsedText> {
  const yaml = await import('yaml')
  const { at } = nearestPlace(text, () => undefined)
  const tokens = [...new yaml.Parser().parse(text)]
  // Composing descends by recursion; the tokens do not.
  if (depthOf(tokens) > maxDepth) return failed(text, `This file is nested deeper than ${maxDepth} levels.`)
  const documents = [...new yaml.Composer({ merge: true, uniqueKeys: false, stringKeys: true }).compose(tokens, true, text.length)]
  const [document, second] = documents
  const errors = documents.flatMap((each) => [...each.errors, ...each.warnings])
  if (document === undefined || errors.length > 0) return { ...failed(text, ''), faults: syntaxFaults(errors, at) }
  if (second !== undefined) return failed(text, 'The file holds more than one YAML document.', at(second.range[0]))
  if (document.contents === null || text.trim() === '') return failed(text, 'The file is empty.')
  const locate = nearestPlace(text, (path) => findOffsets(yaml, document, path))
  const aliasFault = checkAliases(yaml, document, locate)
  if (aliasFault !== undefined) return { value: undefined, faults: [aliasFault], locate }
  const faults: Fault[] = []
  checkKeys(yaml, [], document.contents, faults, locate)
  try {
    // The size is bounded above, more exactly than by the count of aliases.
    return { value: document.toJS({ maxAliasCount: -1 }), faults, locate }
  } catch {
    // The one thing left that only reading shows.
    return { ...failed(text, 'This is not valid YAML: what "<<" merges must be a mapping, or a list of mappings.'), locate }
  }
}

function failed (text: string, message: string, place = { line: 1, column: 1 }): ParsedText {
  return { value: undefined, faults: [{ path: [], message, ...place }], locate: nearestPlace(text, () => undefined) }
}

function depthOf (tokens: readonly CST.Token[]): number {
  const open: { token: CST.Token, depth: number }[] = tokens.map((token) => ({ token, depth: 0 }))
  let deepest = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next
    deepest = Math.max(deepest, depth)
    if (token.type === 'document' && token.value !== undefined) open.push({ token: token.value, depth })
    if (!('items' in token)) continue
    for (const { key, value } of token.items) {
      for (const child of [key, value]) if (child !== undefined && child !== null) open.push({ token: child, depth: depth + 1 })
    }
  }
  return deepest
}

function syntaxFaults (errors: readonly Yaml.YAMLError[], at: Locate['at']): Fault[] {
  const lines = new Set<number>()
  const faults: Fault[] = []
  for (const { code, pos: [offset] } of errors) {
    const place = at(offset)
    if (lines.has(place.line) || faults.length === maxSyntaxFaults) continue
    lines.add(place.line)
    faults.push({ path: [], message: `This is not valid YAML: ${sentences[code] ?? 'something here cannot be read.'}`, ...place })
  }
  return faults
}

// The library's own messages quote the text of the file, which may hold secrets.
const sentences: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag.',
  BAD_ALIAS: 'this alias names no anchor.',
  BAD_COLLECTION_TYPE: 'this tag does not fit what follows it.',
  BAD_DIRECTIVE: 'this directive is not known.',
  BAD_DQ_ESCAPE: 'this escape is not known in double quotes.',
  BAD_INDENT: 'the indentation does not fit what is around it.',
  BAD_PROP_ORDER: 'an anchor or tag stands in the wrong place.',
  BAD_SCALAR_START: 'a text cannot begin with this character: put it in quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping or list cannot stand here: is a quote or a line break missing?',
  BLOCK_IN_FLOW: 'inside of braces or brackets, the indented form cannot be used.',
  COMMENT_SPACE: 'a comment needs a space before it.',
  DUPLICATE_KEY: 'this key is here twice.',
  IMPOSSIBLE: 'something here cannot be read.',
  KEY_OVER_1024_CHARS: 'a key can have 1024 characters at most.',
  MISSING_CHAR: 'a character is missing here: a colon, comma, quote, brace or bracket.',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line: is a colon or a quote missing?',
  MULTIPLE_ANCHORS: 'a value can have one anchor only.',
  MULTIPLE_TAGS: 'a value can have one tag only.',
  NON_STRING_KEY: 'a key must be a text.',
  TAB_AS_INDENT: 'indentation is made of spaces, not tabs.',
  TAG_RESOLVE_FAILED: 'tags such as this one are not supported.',
  UNEXPECTED_TOKEN: 'this does not belong here.'
}

/** Counts the values that the document has once its aliases are written out, each alias target once. */
function checkAliases (yaml: Library, document: Document, locate: Locate): Fault | undefined {
  const sizes = new Map<Node, number>()
  const anchors = new Map<string, Node>()
  let fault: Fault | undefined
  const sizeOf = (node: unknown): number => {
    if (yaml.isAlias(node)) return aliasSize(node)
    if (!yaml.isNode(node)) return 1
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    const size = yaml.isCollection(node) ? node.items.reduce<number>((sum, item) => sum + itemSize(item), 1) : 1
    sizes.set(node, size)
    return size
  }
  const itemSize = (item: unknown): number => yaml.isPair(item) ? sizeOf(item.key) + sizeOf(item.value) : sizeOf(item)
  const aliasSize = (alias: Alias): number => {
    const target = anchors.get(alias.source)
    const size = target === undefined ? undefined : sizes.get(target)
    if (size !== undefined) return size
    fault ??= { path: [], message: target === undefined ? 'This is not valid YAML: this alias names no anchor.' : 'This alias stands inside of what it names, which would never end.', ...locate.at(alias.range?.[0] ?? 0) }
    return 1
  }
  const total = sizeOf(document.contents)
  if (total > maxExpandedValues) fault ??= { path: [], message: `With its aliases written out, this file has more than ${maxExpandedValues} values.`, line: 1, column: 1 }
  return fault
}

function checkKeys (yaml: Library, path: Path, node: unknown, faults: Fault[], locate: Locate): void {
  if (yaml.isSeq(node)) node.items.forEach((item, index) => { checkKeys(yaml, [...path, index], item, faults, locate) })
  if (!yaml.isMap(node)) return
  const offsets = new Map<string, number>()
  for (const { key, value } of node.items) {
    const name = keyText(yaml, key)
    const offset = offsetOf(yaml, key) ?? 0
    const first = offsets.get(name)
    if (first !== undefined) faults.push(repeatedKey(name, path, locate.at(first), locate.at(offset)))
    else if (name === '__proto__') faults.push(forbiddenKey(path, locate.at(offset)))
    offsets.set(name, first ?? offset)
    checkKeys(yaml, [...path, name], value, faults, locate)
  }
}

function findOffsets (yaml: Library, document: Document, path: Path): Offsets | undefined {
  let node: unknown = document.contents
  let offsets: Offsets = { value: offsetOf(yaml, node) ?? 0 }
  for (const step of path) {
    const target = yaml.isAlias(node) ? node.resolve(document) : node
    if (typeof step === 'number') {
      if (!yaml.isSeq(target) || step >= target.items.length) return undefined
      node = target.items[step]
      offsets = { value: offsetOf(yaml, node) ?? offsets.value }
    } else {
      const pair = yaml.isMap(target) ? findPair(yaml, document, target, step) : undefined
      if (pair === undefined) return undefined
      node = pair.value
      const key = offsetOf(yaml, pair.key)
      offsets = { value: offsetOf(yaml, node) ?? key ?? offsets.value, key }
    }
  }
  return offsets
}

function findPair (yaml: Library, document: Document, map: YAMLMap, key: string): Pair | undefined {
  const own = map.items.find((pair) => keyText(yaml, pair.key) === key)
  if (own !== undefined) return own
  for (const pair of map.items) {
    if (keyText(yaml, pair.key) !== '<<') continue
    const target = yaml.isAlias(pair.value) ? pair.value.resolve(document) : pair.value
    for (const source of yaml.isSeq(target) ? target.items : [target]) {
      const merged = yaml.isAlias(source) ? source.resolve(document) : source
      const found = yaml.isMap(merged) ? findPair(yaml, document, merged, key) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

function keyText (yaml: Library, key: unknown): string {
  const value: unknown = yaml.isScalar(key) ? key.value : key
  return typeof value === 'symbol' ? value.description ?? '' : String(value)
}

function offsetOf (yaml: Library, node: unknown): number | undefined {
  return yaml.isNode(node) ? node.range?.[0] : undefined
}
