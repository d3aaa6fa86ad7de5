import { isObject } from '../core/json-rpc.ts'
import { accessFaults, accessNotices } from './access-semantics.ts'
import { databaseFaults, databaseNotices } from './database-semantics.ts'
import { cacheFaults, cacheNotices } from './cache-semantics.ts'
import { elements, member, pathText, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { codePointText, hiddenCharacters } from './hidden-characters.ts'
import { healthFaults } from './health-semantics.ts'
import type { Locate } from './lines.ts'
import { logFileFaults } from './log-file-semantics.ts'
import { metricsFaults, metricsNotices } from './metrics-semantics.ts'
import { networkFaults, networkNotices } from './network-semantics.ts'
import { oauthFaults, oauthNotices } from './oauth-semantics.ts'
import { pathFaults } from './path-semantics.ts'
import { promptFaults } from './prompt-semantics.ts'
import { queueFaults } from './queue-semantics.ts'
import { rateLimitFaults, rateLimitNotices } from './rate-limit-semantics.ts'
import { redisFaults, redisNotices } from './redis-semantics.ts'
import { didYouMean } from './suggestion.ts'
import { taskFaults } from './task-semantics.ts'
import type { Mask } from './validate.ts'

export interface SemanticContext {
  locate: Locate
  mask: Mask
  /** The environment variable that decided a place, if one did. */
  variableOf (path: Path): string | undefined
}

export interface Findings { faults: Fault[], notices: Notice[] }

/** Finds what no schema can say and what needs no handler. Takes whatever could be read: parts that do not fit the schema are passed over. */
export function checkSemantics (config: unknown, context: SemanticContext): Findings {
  const { mask } = context
  return {
    faults: [
      ...repeatedNames(config, context),
      ...promptFaults(config, mask),
      ...resourceFaults(config, mask),
      ...taskFaults(config),
      ...queueFaults(config),
      ...logFileFaults(config, mask),
      ...rateLimitFaults(config, mask),
      ...unknownTools(config, mask),
      ...cacheFaults(config, mask),
      ...databaseFaults(config, mask),
      ...hiddenText(config),
      ...pathFaults(config, mask),
      ...healthFaults(config, mask),
      ...metricsFaults(config),
      ...redisFaults(config, context.variableOf),
      ...networkFaults(config, context),
      ...accessFaults(config, mask),
      ...oauthFaults(config, mask)
    ],
    notices: [...lookAlikeTools(config, mask), ...redisNotices(config, context.variableOf), ...databaseNotices(config, context), ...networkNotices(config, context), ...metricsNotices(config, mask), ...accessNotices(config, mask), ...rateLimitNotices(config), ...cacheNotices(config), ...oauthNotices(config, mask)]
  }
}

const identities: readonly (readonly [string, string])[] = [['tools', 'name'], ['prompts', 'name'], ['resources', 'uri'], ['resources', 'uriTemplate']]

function repeatedNames (config: unknown, { locate, mask }: SemanticContext): Fault[] {
  return identities.flatMap(([section, key]) => {
    const first = new Map<string, Path>()
    return named(config, section, key).flatMap(({ path, name }) => {
      const earlier = first.get(name)
      if (earlier === undefined) {
        first.set(name, path)
        return []
      }
      const line = locate(earlier)?.line
      const shown = mask(path) ?? quote(name)
      return [{ path, message: `Two ${section} have the ${key} ${shown}: the other is ${pathText(earlier)}${line === undefined ? '' : ` on line ${line}`}.`, found: shown, suggestion: 'Rename or remove one of them.' }]
    })
  })
}

/** The texts under one key of the entries of a section, with their paths. */
function named (config: unknown, section: string, key: string): { path: Path, name: string }[] {
  return elements(member(config, section)).flatMap((entry, index) => {
    const name = member(entry, key)
    return typeof name === 'string' ? [{ path: [section, index, key], name }] : []
  })
}

function resourceFaults (config: unknown, mask: Mask): Fault[] {
  return elements(member(config, 'resources')).flatMap((resource, index) => {
    const faults: Fault[] = []
    const path: Path = ['resources', index]
    if (member(resource, 'uriTemplate') !== undefined && member(resource, 'size') !== undefined) faults.push({ path: [...path, 'size'], message: 'A template has no size: its resources have.', suggestion: 'Remove it.', atKey: true })
    if (member(resource, 'uri') !== undefined && member(resource, 'complete') !== undefined) faults.push({ path: [...path, 'complete'], message: 'Only a template has variables to complete.', suggestion: 'Remove it.', atKey: true })
    const blob = member(resource, 'blob')
    if (typeof blob === 'string' && !isBase64(blob)) {
      const found = mask([...path, 'blob']) ?? quote(blob)
      faults.push({ path: [...path, 'blob'], message: `Expected base64, found ${found}.`, found, expected: 'base64' })
    }
    return faults
  })
}

/** RFC 4648 section 4, with its padding. */
function isBase64 (text: string): boolean {
  const end = text.endsWith('==') ? -2 : text.endsWith('=') ? -1 : undefined
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.slice(0, end))
}

function unknownTools (config: unknown, mask: Mask): Fault[] {
  const entries = named(config, 'tools', 'name')
  const tools = entries.map(({ name }) => name)
  const shown = entries.filter(({ path }) => mask(path) === undefined).map(({ name }) => name)
  return [['security', 'rateLimit', 'perTool'], ['caching', 'tools']].flatMap((path) => {
    return keysAt(config, path).filter((key) => !tools.includes(key)).map((key) => ({
      path: [...path, key], message: `There is no tool ${quote(key)}.`, found: quote(key), expected: 'the name of a tool of this file', ...didYouMean(key, shown), atKey: true
    }))
  })
}

function keysAt (config: unknown, path: Path): string[] {
  const value = valueAt(config, path)
  return isObject(value) ? Object.keys(value) : []
}

/** What people and models read of each entry; for tools, the texts of their schemas too. */
const readTexts: Readonly<Record<string, readonly string[]>> = {
  tools: ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'],
  prompts: ['name', 'title', 'description', 'arguments'],
  resources: ['name', 'title', 'description', 'uri', 'uriTemplate']
}

function hiddenText (config: unknown): Fault[] {
  const own = ['name', 'version', 'description', 'instructions'].flatMap((key) => hiddenIn(member(config, key), [key]))
  return [...own, ...Object.entries(readTexts).flatMap(([section, keys]) => elements(member(config, section)).flatMap((entry, index) => {
    return keys.flatMap((key) => hiddenIn(member(entry, key), [section, index, key]))
  }))]
}

function hiddenIn (value: unknown, path: Path): Fault[] {
  if (typeof value === 'string') return hiddenFaults(value, path)
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((child, index) => hiddenIn(child, [...path, index]))
  return Object.entries(value).flatMap(([key, child]) => [
    ...hiddenFaults(key, [...path, key]).map((fault) => ({ ...fault, atKey: true })),
    ...(key === 'pattern' ? [] : hiddenIn(child, [...path, key]))
  ])
}

function hiddenFaults (text: string, path: Path): Fault[] {
  const points = [...new Set(hiddenCharacters(text).map(({ codePoint }) => codePointText(codePoint)))]
  if (points.length === 0) return []
  const [one] = hiddenCharacters(text)
  return [{ path, message: `This text holds characters that nobody sees: ${points.join(', ')}, the first at position ${(one?.index ?? 0) + 1}.`, found: points.join(', '), suggestion: 'Remove them: they can show models another text than people.' }]
}

/** Names that differ only in characters that are easily taken for each other. */
function lookAlikeTools (config: unknown, mask: Mask): Notice[] {
  const seen = new Map<string, { path: Path, name: string }>()
  const shown = ({ path, name }: { path: Path, name: string }) => mask(path) ?? quote(name)
  return named(config, 'tools', 'name').flatMap((tool) => {
    const { path, name } = tool
    const skeleton = name.replace(/[0Oo]/g, 'o').replace(/[1Il|i]/g, 'l').replace(/[._-]/g, '').replace(/rn/g, 'm').replace(/vv/g, 'w').toLowerCase()
    const other = seen.get(skeleton)
    if (other === undefined) seen.set(skeleton, tool)
    return other === undefined || other.name === name ? [] : [{ path, message: `The tools ${shown(other)} and ${shown(tool)} look alike: callers may take one for the other.` }]
  })
}
