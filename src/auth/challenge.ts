/** A WWW-Authenticate header of the Bearer scheme. RFC 6750 section 3, RFC 9728 section 5.1. */
export interface Challenge {
  realm: string
  /** Absent for a request that showed no credential at all. */
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  /** The scopes to ask an issuer for. */
  scopes?: readonly string[] | undefined
  /** Where clients find the issuers. */
  resourceMetadata?: string | undefined
}

export function challengeText ({ realm, error, scopes = [], resourceMetadata }: Challenge): string {
  const parts = [`realm=${quoted(realm)}`]
  if (error !== undefined) parts.push(`error=${quoted(error)}`)
  if (scopes.length > 0) parts.push(`scope=${quoted(scopes.join(' '))}`)
  if (resourceMetadata !== undefined) parts.push(`resource_metadata=${quoted(resourceMetadata)}`)
  return `Bearer ${parts.join(', ')}`
}

/** RFC 9110 section 5.6.4; what a header cannot hold is left out. */
function quoted (text: string): string {
  return `"${text.replace(/[^\t\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`
}
