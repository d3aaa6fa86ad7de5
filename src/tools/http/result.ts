import { randomUUID } from 'node:crypto'
import { UnusableAnswer, type Answer, type AnswerHeaders } from './exchange.ts'
import { isJsonType, isTextType, mediaFamily, mediaType } from './media-type.ts'
import { strictUtf8, textDecoder } from './text.ts'

/** A body as it was meant: a JSON value, a text, or bytes that are no text. */
export type Content =
  | { kind: 'empty' }
  | { kind: 'value', value: unknown }
  | { kind: 'bytes', base64: string, mimeType: string }

const headHeaders = [
  'accept-ranges', 'age', 'allow', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-length',
  'content-type', 'date', 'etag', 'expires', 'last-modified', 'retry-after', 'vary'
]

/** Reads a body by its content type; throws UnusableAnswer when it is not what it says. */
export function readContent ({ headers, body }: Answer): Content {
  if (body.length === 0) return { kind: 'empty' }
  const contentType = String(headers['content-type'] ?? '')
  const type = mediaType(contentType)
  if (isJsonType(type)) return { kind: 'value', value: parseJson(body) }
  if (isTextType(type)) {
    const decoder = textDecoder(contentType)
    if (decoder === undefined) throw new UnusableAnswer(`the answer has a charset that is not known (${JSON.stringify(contentType.slice(0, 100))})`)
    return { kind: 'value', value: decoder.decode(body) }
  }
  const text = type === '' ? strictUtf8(body) : undefined
  if (text !== undefined) return { kind: 'value', value: text }
  return { kind: 'bytes', base64: body.toString('base64'), mimeType: /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream' }
}

/** What a handler without `responseTransform` returns for a content. */
export function resultOf (content: Content): unknown {
  switch (content.kind) {
    case 'empty': return null
    case 'value': return content.value
    case 'bytes': return { content: [bytesBlock(content.base64, content.mimeType)] }
  }
}

/** What `responseTransform` sees of a content: bytes are base64 text. */
export function transformableBody (content: Content): unknown {
  switch (content.kind) {
    case 'empty': return null
    case 'value': return content.value
    case 'bytes': return content.base64
  }
}

/** What a HEAD request returns: the status and the headers that describe the resource. */
export function headResult ({ status, headers }: Answer): { status: number, headers: AnswerHeaders } {
  return { status, headers: Object.fromEntries(headHeaders.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]])) }
}

function bytesBlock (data: string, mimeType: string): object {
  if (mediaFamily(mimeType) === 'image') return { type: 'image', data, mimeType }
  if (mediaFamily(mimeType) === 'audio') return { type: 'audio', data, mimeType }
  // The real URL may hold secrets of the configuration, so the block gets a name of its own.
  return { type: 'resource', resource: { uri: `urn:uuid:${randomUUID()}`, mimeType, blob: data } }
}

function parseJson (body: Buffer): unknown {
  const text = new TextDecoder().decode(body)
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UnusableAnswer('the answer says it is JSON but cannot be parsed', { cause })
  }
}
