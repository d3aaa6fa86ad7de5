import type { OAuthSection } from '../../schemas/config/security.ts'
import { oauthScopePattern } from '../../schemas/patterns.ts'
import { implies, isPermission } from '../core/permissions.ts'

/** What a scope of the configuration comes to, with all that it grants in turn. */
interface Meaning { readonly scopes: ReadonlySet<string>, readonly permissions: readonly string[] }

const scopeForm = new RegExp(oauthScopePattern)

/**
 * What OAuth scopes grant. One of the configuration grants the permissions and the other scopes that stand there; any other grants the
 * permission whose form it has, or nothing.
 */
export class OAuthScopes {
  readonly #meanings: ReadonlyMap<string, Meaning>
  readonly #required: readonly string[]

  constructor ({ scopes, requiredScopes }: Pick<OAuthSection, 'scopes' | 'requiredScopes'>) {
    this.#meanings = new Map(Object.keys(scopes).map((name) => [name, meaningOf(name, scopes)]))
    this.#required = requiredScopes
  }

  /** The permissions that these scopes come to, each once. */
  permissionsOf (held: readonly string[]): string[] {
    return [...new Set(held.flatMap((scope) => this.#meanings.get(scope)?.permissions ?? (isPermission(scope) ? [scope] : [])))]
  }

  /** Whether these scopes have in them all that every caller needs. */
  suffice (held: readonly string[]): boolean {
    return this.#required.every((scope) => this.#holds(held, scope))
  }

  /**
   * The scopes to ask for to get a permission, beside those that are held already and known here: of the scopes that grant it, the one that
   * grants least. Undefined where no scope does.
   */
  toReach (permission: string, held: readonly string[]): string[] | undefined {
    const [least] = [...this.#meanings]
      .filter(([, { permissions }]) => permissions.some((granted) => implies(granted, permission)))
      .sort(([, one], [, other]) => one.permissions.length - other.permissions.length)
    const missing = least?.[0] ?? (this.#meanings.size === 0 ? permission : undefined)
    if (missing === undefined || !scopeForm.test(missing)) return undefined
    const kept = held.filter((scope) => scopeForm.test(scope) && (this.#meanings.has(scope) || isPermission(scope)))
    return [...new Set([...this.#required, ...kept, missing])]
  }

  #holds (held: readonly string[], wanted: string): boolean {
    if (held.some((scope) => scope === wanted || this.#meanings.get(scope)?.scopes.has(wanted))) return true
    return isPermission(wanted) && this.permissionsOf(held).some((granted) => implies(granted, wanted))
  }
}

/** A scope that names itself means the permission of that form. */
function meaningOf (name: string, scopes: OAuthSection['scopes']): Meaning {
  const granted = new Set([name])
  const permissions = new Set<string>()
  // What is added on the way is visited, too.
  for (const scope of granted) {
    for (const grant of scopes[scope] ?? []) {
      if (grant !== scope && Object.hasOwn(scopes, grant)) granted.add(grant)
      else permissions.add(grant)
    }
  }
  return { scopes: granted, permissions: [...permissions] }
}
