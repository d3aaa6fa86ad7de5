import type { OAuthSection } from '../../schemas/config/security.ts'

/** What clients are told of who may issue tokens for this server. RFC 9728. Made of the configuration alone: no request changes it. */

/** Where the document is looked for: below the root, and at the path of the resource. RFC 9728 section 3.1. */
export const metadataRoot = '/.well-known/oauth-protected-resource'

/** The paths on this server that serve the document. MCP 2026-07-28 basic/authorization, Protected Resource Metadata Discovery. */
export function metadataPaths (resource: string): string[] {
  return [...new Set([metadataRoot, metadataRoot + pathOf(resource)])]
}

/** The address of the document that belongs to a resource: what challenges name. */
export function metadataUrl (resource: string): string {
  return new URL(metadataRoot + pathOf(resource), resource).href
}

/** The scopes that clients may ask for. */
export function supportedScopes ({ scopes, requiredScopes }: Pick<OAuthSection, 'scopes' | 'requiredScopes'>): string[] {
  return [...new Set([...requiredScopes, ...Object.keys(scopes)])]
}

/** The document. RFC 9728 section 2. */
export function metadataText (section: OAuthSection, name: string): string {
  const scopes = supportedScopes(section)
  return JSON.stringify({
    resource: section.resource,
    authorization_servers: section.issuers.map(({ issuer }) => issuer),
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: name
  })
}

/** The path of a resource; nothing for the root. */
function pathOf (resource: string): string {
  const { pathname } = new URL(resource)
  return pathname === '/' ? '' : pathname
}
