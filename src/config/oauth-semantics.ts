import { oauthScopePattern } from '../../schemas/patterns.ts'
import { isObject } from '../core/json-rpc.ts'
import { isPermission } from '../core/permissions.ts'
import { metadataRoot } from '../core/protected-resource.ts'
import { isSecureUrl, readUrl } from '../core/secure-url.ts'
import { elements, member, pathText, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { didYouMean } from './suggestion.ts'
import type { Mask } from './validate.ts'

const authenticationPath: Path = ['security', 'authentication']
const oauthPath: Path = [...authenticationPath, 'oauth']
const issuersPath: Path = [...oauthPath, 'issuers']
const scopesPath: Path = [...oauthPath, 'scopes']

/** Faults of who may issue tokens, and of what their scopes grant. */
export function oauthFaults (config: unknown, mask: Mask): Fault[] {
  return [
    ...nobodyCouldCall(config), ...tokensThatNothingChecks(config), ...addressFaults(config, mask), ...repeatedIssuers(config, mask),
    ...scopeNameFaults(config, mask), ...grantFaults(config, mask), ...keysLikeSubjects(config, mask), ...takenPaths(config, mask)
  ]
}

export function oauthNotices (config: unknown, mask: Mask): Notice[] {
  const resourcePath: Path = [...oauthPath, 'resource']
  const resource = textAt(config, resourcePath)
  const path = textAt(config, ['server', 'path']) ?? '/mcp'
  const named = resource === undefined ? undefined : readUrl(resource)?.pathname
  if (named === undefined || trimmed(named) === trimmed(path)) return []
  const shown = mask(resourcePath) ?? quote(named)
  return [{ path: resourcePath, message: `Clients name this server by the path of "security.authentication.oauth.resource" (${shown}), and it serves MCP at another: something between has to lead from one to the other.` }]
}

/** Authentication that no caller could pass is meant otherwise. */
function nobodyCouldCall (config: unknown): Fault[] {
  const section = valueAt(config, authenticationPath)
  if (!isObject(section) || section['enabled'] === false || section['allowAnonymous'] === true) return []
  if (section['apiKeys'] !== undefined && elements(section['apiKeys']).length > 0) return []
  if (section['oauth'] !== undefined) return []
  return [{
    path: authenticationPath,
    message: 'Callers must show who they are, and there is nothing that they could show: no key and no issuer of tokens.',
    expected: '"apiKeys" or "oauth" in it',
    suggestion: 'Add "apiKeys" or "oauth", or let callers in without them: "allowAnonymous": true.',
    atKey: true
  }]
}

function tokensThatNothingChecks (config: unknown): Fault[] {
  if (member(valueAt(config, authenticationPath), 'enabled') !== false || valueAt(config, oauthPath) === undefined) return []
  return [{ path: oauthPath, message: 'Authentication is off, so nothing checks tokens.', suggestion: 'Remove "enabled": false, or remove "oauth".', atKey: true }]
}

/** RFC 8414 section 2, RFC 9728 section 1.2: neither an issuer nor a resource has a fragment; here, no query either. */
function addressFaults (config: unknown, mask: Mask): Fault[] {
  const identifiers: Path[] = [[...oauthPath, 'resource'], ...issuersOf(config).map(({ path }): Path => [...path, 'issuer'])]
  const addresses: Path[] = [...identifiers, ...issuersOf(config).map(({ path }): Path => [...path, 'jwksUri'])]
  return addresses.flatMap((path): Fault[] => {
    const text = textAt(config, path)
    if (text === undefined || !/^https?:\/\//i.test(text)) return [] // What is no text, or of another form, the schema reports.
    const found = mask(path) ?? quote(text)
    const fault = (message: string, expected: string): Fault[] => [{ path, message: `${message}, found ${found}.`, found, expected }]
    const url = readUrl(text)
    if (url === undefined) return fault('Expected a URL without credentials in it', 'a URL without credentials')
    if (!isSecureUrl(text)) return fault('Expected an https: URL, because who can change what is sent could let anyone in', 'an https: URL, or an http: URL of this machine')
    if (identifiers.includes(path) && /[?#]/.test(text)) return fault('Expected a URL without query and fragment', 'a URL without query and fragment')
    if (path.at(-1) === 'resource' && !/^[\w.~/-]*$/.test(url.pathname)) return fault('Expected a path of letters, digits, "-", ".", "_", "~" and "/"', 'a plain path')
    return []
  })
}

function repeatedIssuers (config: unknown, mask: Mask): Fault[] {
  const first = new Map<string, Path>()
  return issuersOf(config).flatMap(({ path, entry }) => {
    const issuer = member(entry, 'issuer')
    if (typeof issuer !== 'string') return []
    const earlier = first.get(issuer)
    if (earlier === undefined) {
      first.set(issuer, path)
      return []
    }
    const found = mask([...path, 'issuer']) ?? quote(issuer)
    return [{ path: [...path, 'issuer'], message: `The issuer ${found} is that of ${pathText(earlier)}, too: only one of the two would count.`, found, suggestion: 'Remove one.' }]
  })
}

/** RFC 6749 section 3.3. MCP 2026-07-28 basic/authorization: what is between client and issuer is not for a server to ask for. */
function scopeNameFaults (config: unknown, mask: Mask): Fault[] {
  const names = [
    ...scopesOf(config).map(({ path, name }) => ({ path, name, atKey: true })),
    ...elements(valueAt(config, [...oauthPath, 'requiredScopes'])).map((name, index) => ({ path: [...oauthPath, 'requiredScopes', index], name, atKey: false }))
  ]
  const form = new RegExp(oauthScopePattern)
  return names.flatMap(({ path, name, atKey }): Fault[] => {
    if (typeof name !== 'string') return []
    const found = atKey ? quote(name) : mask(path) ?? quote(name)
    if (atKey && !form.test(name)) return [{ path, message: `${found} is no scope: printable ASCII without space, quote and backslash.`, found, expected: 'a scope', atKey }]
    return name === 'offline_access' ? [{ path, message: `${found} is a matter between clients and issuers: a server neither asks for it nor grants anything for it.`, found, suggestion: 'Remove it.', atKey }] : []
  })
}

/** What a scope grants has to be there, or it would look like a grant. */
function grantFaults (config: unknown, mask: Mask): Fault[] {
  const scopes = scopesOf(config)
  const names = new Set(scopes.map(({ name }) => name))
  return scopes.flatMap(({ path: scopePath, grants }) => grants.flatMap((grant, index): Fault[] => {
    if (typeof grant !== 'string' || names.has(grant) || isPermission(grant)) return []
    const path: Path = [...scopePath, index]
    const found = mask(path) ?? quote(grant)
    return [{ path, message: `${found} is neither a scope of this list nor a permission for anything that there is.`, found, expected: 'a scope of this list, or a permission such as "tools:call:report-*"', ...(mask(path) === undefined ? didYouMean(grant, [...names]) : {}) }]
  }))
}

/** Callers with a token are named after issuer and subject; a key of such a name would be that caller. */
function keysLikeSubjects (config: unknown, mask: Mask): Fault[] {
  const issuers = issuersOf(config).map(({ entry }) => member(entry, 'issuer')).filter((issuer) => typeof issuer === 'string')
  return elements(valueAt(config, [...authenticationPath, 'apiKeys'])).flatMap((key, index): Fault[] => {
    const name = member(key, 'name')
    if (typeof name !== 'string' || !issuers.some((issuer) => name.startsWith(`${issuer}#`))) return []
    const path: Path = [...authenticationPath, 'apiKeys', index, 'name']
    const found = mask(path) ?? quote(name)
    return [{ path, message: `${found} is how a caller with a token of that issuer is named: no key may be named so.`, found, suggestion: 'Choose another name.' }]
  })
}

function takenPaths (config: unknown, mask: Mask): Fault[] {
  if (valueAt(config, oauthPath) === undefined) return []
  const paths: Path[] = [['server', 'path'], ['server', 'protocol', 'httpSse', 'path'], ['server', 'protocol', 'httpSse', 'messagesPath']]
  return paths.flatMap((path): Fault[] => {
    const text = textAt(config, path)
    if (text === undefined || !`${text}/`.startsWith(`${metadataRoot}/`)) return []
    const found = mask(path) ?? quote(text)
    return [{ path, message: `The path ${found} is taken by what clients are told of the issuers of tokens.`, found, suggestion: 'Choose another path.' }]
  })
}

function issuersOf (config: unknown): { path: Path, entry: unknown }[] {
  return elements(valueAt(config, issuersPath)).map((entry, index) => ({ path: [...issuersPath, index], entry }))
}

function scopesOf (config: unknown): { path: Path, name: string, grants: readonly unknown[] }[] {
  const scopes = valueAt(config, scopesPath)
  return isObject(scopes) ? Object.entries(scopes).map(([name, grants]) => ({ path: [...scopesPath, name], name, grants: elements(grants) })) : []
}

function textAt (config: unknown, path: Path): string | undefined {
  const value = valueAt(config, path)
  return typeof value === 'string' ? value : undefined
}

function trimmed (path: string): string { return path.replace(/\/$/, '') }
