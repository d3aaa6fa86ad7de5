import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'

/** What a content coding is undone with; the first bytes are known by then. `undefined` means that there is nothing to undo. */
export type DecoderFactory = (firstChunk: Buffer) => Transform

/**
 * The decoder for a content-encoding: undefined for none, 'unknown' for one that was not asked for. One coding at most:
 * a chain of them is how a small answer is made to unfold twice.
 */
export function decoderFor (contentEncoding: string): DecoderFactory | 'unknown' | undefined {
  const codings = contentEncoding.toLowerCase().split(',').map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length === 0) return undefined
  if (codings.length > 1) return 'unknown'
  switch (codings[0]) {
    case 'gzip':
    case 'x-gzip': return () => createGunzip()
    case 'br': return () => createBrotliDecompress()
    // RFC 9110 section 8.4.1.2 means zlib; servers that send bare deflate are told apart by the first four bits.
    case 'deflate': return (first) => ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw()
    default: return 'unknown'
  }
}
