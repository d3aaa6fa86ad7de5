import { isObject } from '../core/json-rpc.ts'
import { elements, member, pathText, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { didYouMean } from './suggestion.ts'
import type { Mask } from './validate.ts'

/** What a limit on how often callers may call cannot mean, and what would limit nobody. */

const sectionPath: Path = ['security', 'rateLimit']
const perApiKeyPath: Path = [...sectionPath, 'perApiKey']
const authenticationPath: Path = ['security', 'authentication']
const keysPath: Path = [...authenticationPath, 'apiKeys']

export function rateLimitFaults (config: unknown, mask: Mask): Fault[] {
  return [
    ...flatFormFaults(config),
    ...doubledToolLimits(config),
    ...limitsForNobody(config, mask),
    ...tiersWithoutLimit(config, mask),
    ...doubledKeyLimits(config),
    ...keysAtOdds(config, mask),
    ...workersThatCountAlone(config)
  ]
}

export function rateLimitNotices (config: unknown): Notice[] {
  return [...limitsSwitchedOff(config), ...limitsOfNoCaller(config)]
}

/** The older flat form: whole, and alone. */
function flatFormFaults (config: unknown): Fault[] {
  const section = valueAt(config, sectionPath)
  const flat = ['window', 'maxRequests'].filter((key) => member(section, key) !== undefined)
  const [key] = flat
  if (key === undefined) return []
  const at = { path: [...sectionPath, key], suggestion: 'Write "global": { "window": …, "maxRequests": … }.', atKey: true }
  if (member(section, 'global') !== undefined) return [{ ...at, message: `"${key}" here means "global", which is there too: one of them would not count.` }]
  return flat.length === 1 ? [{ ...at, message: '"window" and "maxRequests" are needed together.' }] : []
}

/** Two numbers for one thing: whoever changes one would believe that it counts. */
function doubledToolLimits (config: unknown): Fault[] {
  const perTool = valueAt(config, [...sectionPath, 'perTool'])
  return elements(member(config, 'tools')).flatMap((tool, index) => {
    const name = member(tool, 'name')
    if (typeof name !== 'string' || member(tool, 'rateLimit') === undefined || member(perTool, name) === undefined) return []
    const path: Path = ['tools', index, 'rateLimit']
    return [{ path, message: `This tool has a limit twice: the other is ${pathText([...sectionPath, 'perTool', name])}.`, suggestion: 'Remove one of them.', atKey: true }]
  })
}

interface Key { path: Path, name: unknown, tier: unknown, rateLimit: unknown }

function keysOf (config: unknown): Key[] {
  return elements(valueAt(config, keysPath)).map((key, index) => ({
    path: [...keysPath, index], name: member(key, 'name'), tier: member(key, 'tier'), rateLimit: member(key, 'rateLimit')
  }))
}

/** Tokens have tiers that no file knows; a file without any keys may have its limits ready for them. */
function limitsForNobody (config: unknown, mask: Mask): Fault[] {
  const keys = keysOf(config)
  if (keys.length === 0 || tokensHaveTiers(config)) return []
  const known = new Set(keys.flatMap(({ name, tier }) => [name, tier]))
  const shown = keys.flatMap(({ path, name, tier }) => [['name', name], ['tier', tier]].flatMap(([key, text]) => typeof text === 'string' && mask([...path, key as string]) === undefined ? [text] : []))
  return namesAt(config, perApiKeyPath).filter((name) => !known.has(name)).map((name) => ({
    path: [...perApiKeyPath, name], message: `No key has the tier or the name ${quote(name)}: this limits nobody.`, found: quote(name), expected: 'the tier or the name of a key of this file', ...didYouMean(name, shown), atKey: true
  }))
}

function tokensHaveTiers (config: unknown): boolean {
  return elements(valueAt(config, [...authenticationPath, 'oauth', 'issuers'])).some((issuer) => member(issuer, 'tierFrom') !== undefined)
}

/** Where some tiers have limits, one that has none is a mistake: its keys would call without any. */
function tiersWithoutLimit (config: unknown, mask: Mask): Fault[] {
  const limits = namesAt(config, perApiKeyPath)
  if (limits.length === 0) return []
  return keysOf(config).flatMap(({ path, tier }) => {
    if (typeof tier !== 'string' || limits.includes(tier)) return []
    const found = mask([...path, 'tier']) ?? quote(tier)
    return [{
      path: [...path, 'tier'], message: `There is no limit for the tier ${found} under "security.rateLimit.perApiKey".`, found, expected: 'the name of a limit there', ...(mask([...path, 'tier']) === undefined ? didYouMean(tier, limits) : {})
    }]
  })
}

function doubledKeyLimits (config: unknown): Fault[] {
  const keys = keysOf(config)
  const tiers = new Set(keys.map(({ tier }) => tier))
  const limits = namesAt(config, perApiKeyPath).filter((name) => !tiers.has(name))
  return keys.flatMap(({ path, name, rateLimit }) => {
    if (rateLimit === undefined || typeof name !== 'string' || !limits.includes(name)) return []
    return [{ path: [...path, 'rateLimit'], message: `This key has a limit twice: the other is ${pathText([...perApiKeyPath, name])}.`, suggestion: 'Remove one of them.', atKey: true }]
  })
}

/** Two keys of one name are one caller, who has one tier and one limit. */
function keysAtOdds (config: unknown, mask: Mask): Fault[] {
  const first = new Map<string, Key>()
  return keysOf(config).flatMap((key): Fault[] => {
    const { name, path } = key
    if (typeof name !== 'string') return []
    const earlier = first.get(name)
    if (earlier === undefined) first.set(name, key)
    if (earlier === undefined || limitsText(earlier) === limitsText(key)) return []
    return [{ path, message: `${pathText(earlier.path)} has the same name ${mask([...path, 'name']) ?? quote(name)}, so both are one caller, but another tier or "rateLimit".`, suggestion: 'Write the same in both, or give them different names.' }]
  })
}

function limitsText ({ tier, rateLimit }: Key): string {
  return JSON.stringify([tier, member(rateLimit, 'window'), member(rateLimit, 'maxRequests')])
}

/** Without a Redis, each worker would admit as many as the whole server may. */
function workersThatCountAlone (config: unknown): Fault[] {
  const cluster = member(config, 'cluster')
  if (!isObject(cluster) || cluster['enabled'] === false || cluster['workers'] === 1 || member(config, 'redis') !== undefined || !hasLimits(config)) return []
  return [{
    path: ['cluster'],
    message: 'Several workers would count rate limits each for itself, and together admit as many times more: they need a Redis to count in.',
    suggestion: 'Configure "redis", or run one worker ("workers": 1).',
    atKey: true
  }]
}

function hasLimits (config: unknown): boolean {
  const section = valueAt(config, sectionPath)
  if (member(section, 'enabled') === false) return false
  const limits = ['global', 'perTool', 'perApiKey', 'perPrincipal', 'perAddress', 'window'].some((key) => member(section, key) !== undefined)
  return limits || ownLimits(config).length > 0
}

/** The places of limits outside of the section. */
function ownLimits (config: unknown): Path[] {
  const tools = elements(member(config, 'tools')).flatMap((tool, index): Path[] => member(tool, 'rateLimit') === undefined ? [] : [['tools', index, 'rateLimit']])
  return [...tools, ...keysOf(config).flatMap(({ path, rateLimit }): Path[] => rateLimit === undefined ? [] : [[...path, 'rateLimit']])]
}

function limitsSwitchedOff (config: unknown): Notice[] {
  if (valueAt(config, [...sectionPath, 'enabled']) !== false) return []
  return ownLimits(config).map((path) => ({ path, message: `${pathText(path)} does not count: "security.rateLimit.enabled" is false.` }))
}

/** Limits for kinds of callers that there cannot be. */
function limitsOfNoCaller (config: unknown): Notice[] {
  const authentication = valueAt(config, authenticationPath)
  const asks = authentication !== undefined && member(authentication, 'enabled') !== false
  const limits: readonly (readonly [string, boolean, string])[] = [
    ['perAddress', !asks || member(authentication, 'allowAnonymous') === true, 'every caller has to show who it is'],
    ['perPrincipal', asks, 'no caller shows who it is'],
    ['perApiKey', keysOf(config).length > 0 || tokensHaveTiers(config), 'there are no keys']
  ]
  return limits.flatMap(([key, counts, reason]) => {
    const path: Path = [...sectionPath, key]
    return counts || valueAt(config, path) === undefined ? [] : [{ path, message: `"security.rateLimit.${key}" limits nobody: ${reason}.` }]
  })
}

function namesAt (config: unknown, path: Path): string[] {
  const value = valueAt(config, path)
  return isObject(value) ? Object.keys(value) : []
}
