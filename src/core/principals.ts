import type { Principal } from './ports.ts'

/** Names that no key may have: they are those of callers without one. */
export const reservedNames: readonly string[] = ['anonymous', 'local']

/** Who calls over HTTP when nothing asks for a proof, and no permissions are declared. */
export const anonymous = anonymousWith(['*'])

/** Who calls over HTTP without showing who it is. */
export function anonymousWith (permissions: readonly string[]): Principal {
  return Object.freeze({ kind: 'anonymous', name: 'anonymous', permissions: Object.freeze([...permissions]), tier: undefined })
}

/** Who calls over stdio when no permissions are declared. */
export const localPrincipal = localWith(['*'])

/** Who calls over stdio: the person whose program started the server. */
export function localWith (permissions: readonly string[]): Principal {
  return Object.freeze({ kind: 'local', name: 'local', permissions: Object.freeze([...permissions]), tier: undefined })
}
