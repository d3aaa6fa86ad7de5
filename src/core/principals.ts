import type { Principal } from './ports.ts'

/** Who calls over HTTP when nothing asks for a proof. */
export const anonymous: Principal = Object.freeze({ name: 'anonymous', permissions: Object.freeze(['*']), tier: undefined })

/** Who calls over stdio: the person whose program started the server. */
export const localPrincipal: Principal = Object.freeze({ name: 'local', permissions: Object.freeze(['*']), tier: undefined })
