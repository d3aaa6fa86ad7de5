import { isObject } from '../core/json-rpc.ts'
import { isSecureUrl } from '../core/secure-url.ts'
import { fetchDocument } from './issuer-document.ts'

/**
 * Finds where the keys of an issuer are: its metadata says so. RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4, in the order of
 * MCP 2026-07-28 basic/authorization, Authorization Server Metadata Discovery. Rejects with an Error that says what each address had.
 */
export async function discoverJwksUri (issuer: string, signal: AbortSignal): Promise<string> {
  const problems: string[] = []
  for (const address of metadataAddresses(issuer)) {
    try {
      return jwksUriIn(await fetchDocument(address, signal), issuer)
    } catch (error) {
      problems.push(`${address}: ${(error as Error).message}`)
      if (signal.aborted) break
    }
  }
  throw new Error(`no metadata says where they are (${problems.join('; ')})`)
}

function metadataAddresses (issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map((name) => `${origin}/.well-known/${name}${path}`)
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}

function jwksUriIn (metadata: unknown, issuer: string): string {
  if (!isObject(metadata) || metadata['issuer'] !== issuer) throw new Error('it speaks of another issuer') // RFC 8414 section 3.3
  const { jwks_uri: jwksUri } = metadata
  if (typeof jwksUri !== 'string' || !isSecureUrl(jwksUri)) throw new Error('it names no https address of keys')
  // What is far away has no say in what is asked of this machine.
  if (issuer.startsWith('https:') && !jwksUri.startsWith('https:')) throw new Error('it names no https address of keys')
  return jwksUri
}
