import { permissionPattern } from '../../schemas/patterns.ts'
import { matchesGlob } from './glob.ts'

/**
 * What callers may do. A permission is `area:action` or `area:action:name-pattern`, with `*` in any place; `*` alone is everything. What
 * no permission names is not allowed. The name of a tool or prompt is its name; of a resource, its URI; of a template that is listed or
 * completed, its URI template.
 */

/** What there is to permit. Completion needs what it completes: `prompts:get`, `resources:read`. */
export const permissionCatalogue = {
  tools: ['list', 'call'],
  prompts: ['list', 'get'],
  resources: ['list', 'read', 'subscribe'],
  ops: ['health', 'metrics']
} as const

/** Areas whose actions are about the server as a whole: a pattern of names there would be about nothing. */
const namelessAreas: readonly string[] = ['ops']

type Areas = typeof permissionCatalogue
/** One thing to permit, such as `tools:call`. */
export type Scope = { [Area in keyof Areas]: `${Area}:${Areas[Area][number]}` }[keyof Areas]

const scopes: readonly Scope[] = Object.entries(permissionCatalogue).flatMap(([area, actions]) => actions.map((action) => `${area}:${action}` as Scope))

/** The patterns of names that a caller may use in one scope; true for all names. */
type Names = true | { exact: ReadonlySet<string>, patterns: readonly string[] }

/** A list of permissions, compiled. */
export class Grants {
  readonly #names: ReadonlyMap<Scope, Names>

  constructor (permissions: readonly string[]) {
    const read = permissions.map(readPermission)
    this.#names = new Map(scopes.flatMap((scope) => {
      const names = read.filter((permission) => permits(permission, scope)).map(({ name }) => name)
      return names.length === 0 ? [] : [[scope, compileNames(names)]]
    }))
  }

  /** `name` is empty for what has none. */
  allows (scope: Scope, name: string): boolean {
    const names = this.#names.get(scope)
    if (names === undefined) return false
    return names === true || names.exact.has(name) || names.patterns.some((pattern) => matchesGlob(pattern, name))
  }
}

/** The scopes that a permission is about; none for one that permits nothing there is. */
export function scopesOf (permission: string): Scope[] {
  const read = readPermission(permission)
  return scopes.filter((scope) => permits(read, scope))
}

const form = new RegExp(permissionPattern)

/** Whether a text of somebody else is a permission, and permits anything there is. */
export function isPermission (text: string): boolean {
  return form.test(text) && scopesOf(text).length > 0
}

/** Whether who has one permission has the other one in it. */
export function implies (held: string, wanted: string): boolean {
  const [pattern, text] = [readPermission(held), readPermission(wanted)]
  return matchesGlob(pattern.area, text.area) && matchesGlob(pattern.action, text.action) && matchesGlob(pattern.name, text.name)
}

const byList = new WeakMap<readonly string[], Grants>()
const byText = new Map<string, Grants>()
const maxByText = 1_000

/** The grants of a list of permissions: compiled once for each list, and shared by lists that say the same. */
export function grantsOf (permissions: readonly string[]): Grants {
  let grants = byList.get(permissions)
  if (grants === undefined) {
    grants = sharedGrants(permissions)
    byList.set(permissions, grants)
  }
  return grants
}

/** What is derived from grants (lists of tools) is then kept once for all callers of equal rights, however many they are. */
function sharedGrants (permissions: readonly string[]): Grants {
  const text = [...new Set(permissions)].sort().join('\n')
  const known = byText.get(text)
  if (known !== undefined) return known
  if (byText.size >= maxByText) byText.clear() // They go on where they are in use; equal ones to come are shared anew.
  const grants = new Grants(permissions)
  byText.set(text, grants)
  return grants
}

interface Permission { area: string, action: string, name: string }

function readPermission (permission: string): Permission {
  const [area = '', action = '*', ...name] = permission.split(':')
  return { area, action, name: name.length === 0 ? '*' : name.join(':') }
}

function permits ({ area, action, name }: Permission, scope: Scope): boolean {
  const [scopeArea = '', scopeAction = ''] = scope.split(':')
  if (namelessAreas.includes(scopeArea) && !isEveryName(name)) return false
  return matchesGlob(area, scopeArea) && matchesGlob(action, scopeAction)
}

function compileNames (names: readonly string[]): Names {
  if (names.some(isEveryName)) return true
  return { exact: new Set(names.filter((name) => !name.includes('*'))), patterns: names.filter((name) => name.includes('*')) }
}

function isEveryName (name: string): boolean {
  return /^\*+$/.test(name)
}
