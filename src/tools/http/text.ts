import { TextDecoder } from 'node:util'
import { mediaFamily, mediaType } from './media-type.ts'

const binaryFamilies = new Set(['image', 'audio', 'video', 'font'])

/** The decoder for a content type's charset; undefined for a charset that is not known. */
export function textDecoder (contentType: string): TextDecoder | undefined {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset)
  } catch {
    return undefined // Its only error is RangeError: an encoding it does not know.
  }
}

/** The text, or undefined when the bytes are no UTF-8. */
export function strictUtf8 (bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined // Its only error is TypeError: bytes that are no UTF-8.
  }
}

/** The text of an error body, as far as it has any. */
export function errorText (bytes: Buffer, contentType: string): string {
  const type = mediaType(contentType)
  if (binaryFamilies.has(mediaFamily(type)) || type === 'application/octet-stream') return ''
  return (textDecoder(contentType) ?? new TextDecoder()).decode(bytes)
}
