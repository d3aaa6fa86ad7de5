import { permissionCatalogue, scopesOf } from '../core/permissions.ts'
import { reservedNames } from '../core/principals.ts'
import { elements, member, pathText, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { closestWord } from './suggestion.ts'
import type { Mask } from './validate.ts'

const apiKeysPath: Path = ['security', 'authentication', 'apiKeys']

/** Faults of who may call, and what. */
export function accessFaults (config: unknown, mask: Mask): Fault[] {
  return [...permissionFaults(config, mask), ...keyNameFaults(config, mask), ...repeatedKeys(config), ...keysThatNothingChecks(config), ...dateFaults(config, mask)]
}

/** What is accepted, and weaker than it could be. Says nothing of the key itself. */
export function accessNotices (config: unknown, mask: Mask): Notice[] {
  return apiKeysOf(config).flatMap(({ path, entry }) => {
    const key = member(entry, 'key')
    if (typeof key !== 'string') return []
    const name = `The key of ${mask([...path, 'name']) ?? quote(String(member(entry, 'name')))}`
    const notices: Notice[] = []
    if (mask([...path, 'key']) === undefined) notices.push({ path: [...path, 'key'], message: `${name} stands in the file as plain text: whoever reads the file can call. Use "keyHash", or a placeholder.` })
    if (key.length < minKeyLength) notices.push({ path: [...path, 'key'], message: `${name} is shorter than ${minKeyLength} characters and can be guessed: make one with "gantry keygen".` })
    return notices
  })
}

const minKeyLength = 24

/** A permission for what there is not would be a control that nothing enforces. */
function permissionFaults (config: unknown, mask: Mask): Fault[] {
  const section = valueAt(config, ['security', 'permissions'])
  const lists: Path[] = [
    ...['anonymous', 'authenticated', 'local'].filter((key) => member(section, key) !== undefined).map((key): Path => ['security', 'permissions', key]),
    ...apiKeysOf(config).map(({ path }): Path => [...path, 'permissions'])
  ]
  return lists.flatMap((list) => elements(valueAt(config, list)).flatMap((permission, index) => {
    const path: Path = [...list, index]
    // What is no text, or not of the form, the schema reports.
    if (typeof permission !== 'string' || !/^(\*|[^:]+:)/.test(permission) || scopesOf(permission).length > 0) return []
    const found = mask(path) ?? quote(permission)
    return [{ path, message: `${found} permits nothing that there is.`, found, expected: `one of ${knownScopes.join(', ')}, with "*" in any place and a pattern of names behind it`, ...(mask(path) === undefined ? nearestScope(permission) : {}) }]
  }))
}

const knownScopes = Object.entries(permissionCatalogue).flatMap(([area, actions]) => actions.map((action) => `${area}:${action}`))

function nearestScope (permission: string): { suggestion?: string } {
  const [area = '', action = '', ...name] = permission.split(':')
  const meant = closestWord(`${area}:${action}`, knownScopes)
  return meant === undefined ? {} : { suggestion: `Did you mean "${[meant, ...name].join(':')}"?` }
}

function keyNameFaults (config: unknown, mask: Mask): Fault[] {
  return apiKeysOf(config).flatMap(({ path, entry }) => {
    const name = member(entry, 'name')
    if (typeof name !== 'string' || !reservedNames.includes(name)) return []
    const found = mask([...path, 'name']) ?? quote(name)
    return [{ path: [...path, 'name'], message: `${found} is the name of callers without a key: no key may have it.`, found, suggestion: 'Choose another name.' }]
  })
}

/** Of two entries with one key, only one could ever be found. */
function repeatedKeys (config: unknown): Fault[] {
  const first = new Map<string, Path>()
  return apiKeysOf(config).flatMap(({ path, entry }) => ['key', 'keyHash'].flatMap((kind): Fault[] => {
    const value = member(entry, kind)
    if (typeof value !== 'string') return []
    const identity = kind === 'keyHash' ? `hash ${value.toLowerCase()}` : `key ${value}`
    const earlier = first.get(identity)
    if (earlier === undefined) {
      first.set(identity, path)
      return []
    }
    return [{ path: [...path, kind], message: `This is the same key as that of ${pathText(earlier)}: only one of the two would count.`, suggestion: 'Give each entry a key of its own, or remove one.' }]
  }))
}

/** Keys under a switch that is off would look like protection. */
function keysThatNothingChecks (config: unknown): Fault[] {
  const section = valueAt(config, ['security', 'authentication'])
  if (member(section, 'enabled') !== false || apiKeysOf(config).length === 0) return []
  return [{ path: apiKeysPath, message: 'Authentication is off, so nothing checks these keys.', suggestion: 'Remove "enabled": false, or remove the keys.', atKey: true }]
}

function dateFaults (config: unknown, mask: Mask): Fault[] {
  return apiKeysOf(config).flatMap(({ path, entry }) => {
    const [from, until, made] = ['notBefore', 'expiresAt', 'createdAt'].map((key) => {
      const text = member(entry, key)
      return typeof text === 'string' ? { key, shown: mask([...path, key]) ?? quote(text), ms: Date.parse(text) } : undefined
    })
    const unreal = [from, until, made].flatMap((moment): Fault[] => moment === undefined || !Number.isNaN(moment.ms) ? [] : [{ path: [...path, moment.key], message: `There is no such moment: ${moment.shown}.`, found: moment.shown }])
    if (unreal.length > 0 || from === undefined || until === undefined || from.ms < until.ms) return unreal
    return [{ path: [...path, 'expiresAt'], message: 'This key expires before it becomes valid.', expected: `a moment after ${from.shown}` }]
  })
}

function apiKeysOf (config: unknown): { path: Path, entry: unknown }[] {
  return elements(valueAt(config, apiKeysPath)).map((entry, index) => ({ path: [...apiKeysPath, index], entry }))
}
