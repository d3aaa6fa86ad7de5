import { HeaderMismatchError, InvalidParamsError, InvalidRequestError, UnsupportedVersionError, type GantryError } from './errors.ts'
import { isObject, type RpcNotification, type RpcRequest } from './json-rpc.ts'
import { isModern, isRevision, modernRevisions, type Revision } from './versions.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

/**
 * Which era a message belongs to. The body decides; headers are only held against it.
 * MCP 2026-07-28 basic/index `_meta`, basic/transports/streamable-http Standard Request Headers.
 */

export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  logLevel: 'io.modelcontextprotocol/logLevel'
} as const

/** The headers that take part, as Node gives them: lower-case names, undefined when absent. */
export interface MessageHeaders {
  'mcp-protocol-version'?: string | undefined
  'mcp-method'?: string | undefined
  'mcp-name'?: string | undefined
}

/** What a client of the 2026 era calls itself, where its envelope says so. */
export function clientNameIn (meta: JsonObject | undefined): string | undefined {
  return nameOf(meta?.[metaKeys.clientInfo])
}

/** The name in a `clientInfo`, cut to a bearable length. */
export function nameOf (clientInfo: unknown): string | undefined {
  return isObject(clientInfo) && typeof clientInfo['name'] === 'string' ? clientInfo['name'].slice(0, 128) : undefined
}

export type Classification =
  | { era: 'modern', revision: Revision, meta: JsonObject, capabilities: JsonObject }
  | { era: 'legacy' }
  | { era: 'refused', error: GantryError }

const legacy: Classification = { era: 'legacy' }

/** The methods whose target is repeated in the Mcp-Name header, and the parameter that holds it. */
const namedBy: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'], ['prompts/get', 'name'], ['resources/read', 'uri'],
  ['tasks/get', 'taskId'], ['tasks/update', 'taskId'], ['tasks/cancel', 'taskId']
])

/** Decides the era of a request. `headers` is undefined on transports that have none (stdio). Never throws. */
export function classifyRequest (message: RpcRequest, headers: MessageHeaders | undefined): Classification {
  const meta = message.params['_meta']
  const claimed = isObject(meta) ? meta[metaKeys.protocolVersion] : undefined
  const header = headers?.['mcp-protocol-version']

  if (claimed === undefined || !isObject(meta)) return classifyUnclaimed(message, header)
  if (message.method === 'initialize' && !(typeof claimed === 'string' && isModern(claimed))) return classifyUnclaimed(message, header)
  if (typeof claimed !== 'string') return refuse(new InvalidParamsError(`_meta["${metaKeys.protocolVersion}"] must be a string.`))
  if (headers !== undefined) {
    const mismatch = versionMismatch(claimed, header)
    if (mismatch !== undefined) return refuse(new HeaderMismatchError(mismatch))
  }
  if (!isRevision(claimed) || !isModern(claimed)) return refuse(new UnsupportedVersionError(claimed, modernRevisions))

  const capabilities = meta[metaKeys.clientCapabilities]
  if (!isObject(capabilities)) return refuse(new InvalidParamsError(`_meta["${metaKeys.clientCapabilities}"] is required and must be an object.`))
  if (headers !== undefined) {
    const mismatch = methodMismatch(message, headers['mcp-method']) ?? nameMismatch(message, headers['mcp-name'])
    if (mismatch !== undefined) return refuse(new HeaderMismatchError(mismatch))
  }
  return { era: 'modern', revision: claimed, meta, capabilities }
}

/** A notification has no envelope of its own: a claim decides, else the header. */
export function classifyNotification (message: RpcNotification, headers: MessageHeaders | undefined): Classification {
  const meta = message.params['_meta']
  const claimed = isObject(meta) ? meta[metaKeys.protocolVersion] : undefined
  const version = typeof claimed === 'string' ? claimed : headers?.['mcp-protocol-version']
  if (version === undefined || !isModern(version)) return legacy
  if (!isRevision(version)) return refuse(new UnsupportedVersionError(version, modernRevisions))
  return { era: 'modern', revision: version, meta: isObject(meta) ? meta : {}, capabilities: {} }
}

/** Without a version in the body a request is of the legacy era, unless its header says otherwise: then it is a faulty modern one. */
function classifyUnclaimed (message: RpcRequest, header: string | undefined): Classification {
  if (header === undefined || !isModern(header) || !isRevision(header)) return legacy
  if (message.method === 'initialize') {
    return refuse(new HeaderMismatchError(`initialize belongs to revisions before 2026-07-28, but the MCP-Protocol-Version header says ${header}.`))
  }
  return refuse(new InvalidParamsError(`A request of revision ${header} carries params._meta["${metaKeys.protocolVersion}"] and ["${metaKeys.clientCapabilities}"].`))
}

function versionMismatch (claimed: string, header: string | undefined): string | undefined {
  if (header === undefined) return `The MCP-Protocol-Version header is missing; the body says ${quote(claimed)}.`
  if (header !== claimed) return `The MCP-Protocol-Version header says ${quote(header)}, the body says ${quote(claimed)}.`
  return undefined
}

function methodMismatch (message: RpcRequest, header: string | undefined): string | undefined {
  if (header === undefined) return `The Mcp-Method header is missing; the body says ${quote(message.method)}.`
  if (header !== message.method) return `The Mcp-Method header says ${quote(header)}, the body says ${quote(message.method)}.`
  return undefined
}

function nameMismatch (message: RpcRequest, header: string | undefined): string | undefined {
  const key = namedBy.get(message.method)
  if (key === undefined) return undefined
  const value = message.params[key]
  if (header === undefined) return typeof value === 'string' ? `The Mcp-Name header is missing; the body says ${quote(value)}.` : undefined
  if (!plain.test(header)) return 'The Mcp-Name header holds characters that a header may not: send the value in base64.'
  const decoded = decodeHeaderValue(header)
  if (decoded === undefined) return 'The Mcp-Name header is not valid base64 between "=?base64?" and "?=".'
  if (typeof value === 'string' && decoded !== value) return `The Mcp-Name header says ${quote(decoded)}, the body says ${quote(value)}.`
  return undefined
}

const plain = /^[\t\x20-\x7e]*$/
const wrapped = /^=\?base64\?(.*)\?=$/s
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A header value as its sender meant it: plain, or UTF-8 in the base64 form of the specification. Undefined when that form is broken. */
export function decodeHeaderValue (value: string): string | undefined {
  const match = wrapped.exec(value)
  if (match === null) return value
  const [, encoded = ''] = match
  if (!base64.test(encoded)) return undefined
  try {
    return strictUtf8.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined // the bytes are not UTF-8
  }
}

/** 2025-03-26 sets no bound; this one keeps a single request from being a flood. */
const maxBatch = 100

/** A batch has bounds, and may hold no request of an era that has none. Undefined when the batch may go on. */
export function refuseBatch (messages: readonly unknown[]): InvalidRequestError | undefined {
  if (messages.length === 0) return new InvalidRequestError('A batch holds at least one message.')
  if (messages.length > maxBatch) return new InvalidRequestError(`A batch holds at most ${maxBatch} messages.`)
  const modern = messages.some((message) => {
    const params = isObject(message) ? message['params'] : undefined
    const meta = isObject(params) ? params['_meta'] : undefined
    return isObject(meta) && meta[metaKeys.protocolVersion] !== undefined
  })
  return modern ? new InvalidRequestError('Revision 2026-07-28 has no batches: send one message a request.') : undefined
}

function refuse (error: GantryError): Classification {
  return { era: 'refused', error }
}

function quote (text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
