import { declaredRule, keepsResults, type KeepableTool, type KeepingSection } from '../core/cache/keep-rule.ts'
import { isObject } from '../core/json-rpc.ts'
import { elements, member, pathText, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { didYouMean } from './suggestion.ts'
import type { Mask } from './validate.ts'

/** What a rule for kept results cannot mean, and what it does not do. */

const sectionPath: Path = ['caching']

export function cacheFaults (config: unknown, mask: Mask): Fault[] {
  return [...storesWithoutRedis(config), ...toolsOf(config).flatMap((tool) => [...doubledRules(tool), ...rulesAtOdds(tool)]), ...unknownTags(config, mask)]
}

export function cacheNotices (config: unknown): Notice[] {
  return [...rulesSwitchedOff(config), ...toolsNotKept(config)]
}

interface ConfiguredTool {
  readonly path: Path
  readonly name: string
  readonly entry: KeepableTool
  readonly section: KeepingSection | undefined
  /** Where its rule stands, if it has one that is on. */
  readonly rulePath: Path | undefined
}

/** The tools that have a name. Their other parts may be anything: what is no rule is passed over. */
function toolsOf (config: unknown): ConfiguredTool[] {
  const value = member(config, 'caching')
  const section = isObject(value) ? { enabled: value['enabled'] !== false, ...(isObject(value['tools']) && { tools: value['tools'] }) } as KeepingSection : undefined
  return elements(member(config, 'tools')).flatMap((entry, index) => {
    const name = member(entry, 'name')
    if (typeof name !== 'string') return []
    const tool = entry as KeepableTool
    const rule: unknown = declaredRule(tool, section)
    const rulePath: Path | undefined = !isObject(rule) || rule['enabled'] === false ? undefined : tool.cache === undefined ? [...sectionPath, 'tools', name] : ['tools', index, 'cache']
    return [{ path: ['tools', index], name, entry: tool, section, rulePath }]
  })
}

/** Two rules for one thing: whoever changes one would believe that it counts. */
function doubledRules ({ path, name, entry, section }: ConfiguredTool): Fault[] {
  if (entry.cache === undefined || section?.tools === undefined || !Object.hasOwn(section.tools, name)) return []
  return [{ path: [...path, 'cache'], message: `This tool has a rule twice: the other is ${pathText([...sectionPath, 'tools', name])}.`, suggestion: 'Remove one of them.', atKey: true }]
}

/** A result that was kept does nothing: what a tool would have done is left undone. */
function rulesAtOdds ({ name, entry, rulePath }: ConfiguredTool): Fault[] {
  if (rulePath === undefined) return []
  const at = { path: rulePath, atKey: true }
  const tool = quote(name)
  const { annotations, task, invalidates } = entry
  if (member(annotations, 'readOnlyHint') === false || member(annotations, 'destructiveHint') === true) {
    return [{ ...at, message: `The tool ${tool} says that it changes something ("annotations"): a result that was kept would stand for a change that was not made.`, suggestion: 'Remove the rule, or mend the annotations.' }]
  }
  if (task === 'required') return [{ ...at, message: `Every call of the tool ${tool} is a task ("task": "required"): results of tasks are not kept.`, suggestion: 'Remove the rule.' }]
  if (invalidates !== undefined) return [{ ...at, message: `The tool ${tool} drops results of others ("invalidates"), which it could not do in a call that is answered with a result that was kept.`, suggestion: 'Remove one of the two.' }]
  return []
}

function storesWithoutRedis (config: unknown): Fault[] {
  if (valueAt(config, [...sectionPath, 'store']) !== 'redis' || member(config, 'redis') !== undefined) return []
  return [{ path: [...sectionPath, 'store'], message: 'Results cannot be kept in Redis: none is configured.', suggestion: 'Add "redis", set REDIS_URL, or remove "store".' }]
}

/** What is invalidated has to be kept by somebody. */
function unknownTags (config: unknown, mask: Mask): Fault[] {
  const tools = toolsOf(config)
  const known = new Set(tools.flatMap(({ name, entry, section }) => [name, ...elements(member(declaredRule(entry, section), 'tags'))]))
  const shown = [...known].filter((tag): tag is string => typeof tag === 'string')
  return tools.flatMap(({ path, entry }) => elements(entry.invalidates).flatMap((tag, index): Fault[] => {
    if (typeof tag !== 'string' || known.has(tag)) return []
    const place: Path = [...path, 'invalidates', index]
    const found = mask(place) ?? quote(tag)
    return [{ path: place, message: `No tool has the tag or the name ${found}: this drops nothing.`, found, expected: 'a tag of a rule, or the name of a tool of this file', ...(mask(place) === undefined ? didYouMean(tag, shown) : {}) }]
  }))
}

function rulesSwitchedOff (config: unknown): Notice[] {
  if (valueAt(config, [...sectionPath, 'enabled']) !== false) return []
  return toolsOf(config).flatMap(({ entry, path }) => entry.cache === undefined || member(entry.cache, 'enabled') === false ? [] : [{ path: [...path, 'cache'], message: '"caching.enabled" is false: results of this tool are not kept.' }])
}

/** Whoever switches caching on may believe that it is on for every tool. */
function toolsNotKept (config: unknown): Notice[] {
  const left = toolsOf(config).filter(({ entry, section }) => section?.enabled === true && declaredRule(entry, section) === undefined && entry.annotations === undefined && entry.invalidates === undefined && !keepsResults(entry, section))
  if (left.length === 0) return []
  const names = left.slice(0, 5).map(({ name }) => quote(name)).join(', ')
  return [{ path: sectionPath, message: `Results of ${names}${left.length > 5 ? ` and ${left.length - 5} more` : ''} are not kept: nothing says that these tools only read. Where they do, give them "annotations": { "readOnlyHint": true }, or a rule in "caching.tools".` }]
}
