import type { IncomingHttpHeaders } from 'node:http'

/** What a request shows of who sends it. RFC 6750 section 2.1. */
export type Credential =
  | { kind: 'none' }
  /** Another scheme than Bearer. */
  | { kind: 'foreign' }
  /** A bearer credential that is none: nothing behind the scheme, or more than one word. */
  | { kind: 'malformed' }
  /** Two that differ. */
  | { kind: 'conflicting' }
  | { kind: 'bearer' | 'header', value: string }

const none: Credential = { kind: 'none' }
const foreign: Credential = { kind: 'foreign' }
const malformed: Credential = { kind: 'malformed' }
const conflicting: Credential = { kind: 'conflicting' }

/** Reads the credential of a request. `headerName`, where keys have a header of their own, is in lower case, as Node has names. */
export function readCredential (headers: IncomingHttpHeaders, headerName: string | undefined): Credential {
  const { authorization } = headers
  const own = headerName === undefined ? undefined : headers[headerName]
  if (authorization !== undefined) return readAuthorization(authorization, own)
  return own === undefined ? none : { kind: 'header', value: String(own) }
}

/** The scheme in any letter case, one or more spaces, and a token without spaces. RFC 9110 section 11.4. */
function readAuthorization (authorization: string, own: string | string[] | undefined): Credential {
  const value = /^bearer +([!-~]+)$/i.exec(authorization)?.[1]
  if (value === undefined) return /^bearer(?:\s|$)/i.test(authorization) ? malformed : foreign
  return own === undefined || own === value ? { kind: 'bearer', value } : conflicting
}
