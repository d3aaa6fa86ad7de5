import { ResultTooLargeError } from './call-errors.ts'
import type { CallToolResult } from './ports.ts'
import type { ContentBlock } from '../../schemas/mcp.ts'

/** How much of a result is sent, and what becomes of one that is larger. */

export interface ResultBudget {
  /** What gave the result, as its error calls it. */
  readonly owner: string
  /** Bytes that the JSON of a result may have in UTF-8. */
  readonly maxBytes: number
}

/** The member of `_meta` by which programs know a result that was cut. */
export const cutKey = 'gantry/cut'

/** What a cut result says of what is missing. All counts are of the result before it was cut. */
interface Missing { textBytes: number, blocks: number }

/** Whether JSON text fits. Most are so small that nothing has to be counted: a UTF-16 unit has three bytes at most. */
export function fits (text: string, maxBytes: number): boolean {
  return text.length * 3 <= maxBytes || (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes)
}

/** Hands on what fits. Throws ResultTooLargeError. */
export function refuseTooLarge (text: string, maxBytes: number, owner: string): string {
  if (fits(text, maxBytes)) return text
  throw new ResultTooLargeError(owner, Buffer.byteLength(text), maxBytes)
}

/**
 * The text of a tool's result that did not fit, cut to its budget: text blocks between characters, while images, sounds and embedded
 * resources that have no room are left out whole; a text block at the end and `_meta` say so. Structured content and links are never
 * cut. Throws ResultTooLargeError when they alone are too large, and what `write` throws.
 */
export function cutWithin (result: CallToolResult, text: string, { owner, maxBytes }: ResultBudget, write: (result: CallToolResult) => string): string {
  const bytes = Buffer.byteLength(text)
  const links = result.content.filter(({ type }) => type === 'resource_link')
  const texts = result.content.filter(({ type }) => type === 'text')
  // The most that can be missing: no notice is longer than this one.
  const most: Missing = { textBytes: texts.length > 0 ? bytes : 0, blocks: result.content.length - links.length - texts.length }
  const fixed = withNotice(result, links, most, bytes, maxBytes)
  let room = maxBytes - Buffer.byteLength(write(fixed))
  if (room < 0) throw new ResultTooLargeError(owner, bytes, maxBytes)

  const content: ContentBlock[] = []
  const missing: Missing = { textBytes: 0, blocks: 0 }
  for (const block of result.content) {
    if (block.type === 'resource_link') {
      content.push(block)
      continue
    }
    const kept = blockWithin(block, room)
    if (kept !== undefined) {
      content.push(kept)
      room -= bytesOf(kept)
    }
    if (kept === block) continue
    if (block.type === 'text') missing.textBytes += Buffer.byteLength(block.text) - (kept?.type === 'text' ? Buffer.byteLength(kept.text) : 0)
    else missing.blocks++
  }
  return write(withNotice(result, content, missing, bytes, maxBytes))
}

function withNotice (result: CallToolResult, content: readonly ContentBlock[], { textBytes, blocks }: Missing, bytes: number, maxBytes: number): CallToolResult {
  const parts = [
    ...(textBytes > 0 ? [`${textBytes} bytes of text`] : []),
    ...(blocks > 0 ? [`${blocks} ${blocks === 1 ? 'block' : 'blocks'} that ${blocks === 1 ? 'is' : 'are'} no text`] : [])
  ]
  const text = `[This result was cut: ${parts.join(' and ')} had to be left out. It has ${bytes} bytes, and ${maxBytes} may be sent. Ask for less to get all of it.]`
  return { ...result, content: [...content, { type: 'text', text }], _meta: { ...result._meta, [cutKey]: { bytes, maxBytes, textBytes, blocks } } }
}

/** As much of a block as there is room for: the block, the beginning of its text, or nothing. */
function blockWithin (block: ContentBlock, room: number): ContentBlock | undefined {
  const bytes = bytesOf(block)
  if (bytes <= room) return block
  if (block.type !== 'text') return undefined
  const text = textWithin(block.text, room - bytesOf({ ...block, text: '' }))
  return text === '' ? undefined : { ...block, text }
}

/** Of a block in a list, with its comma. */
function bytesOf (block: ContentBlock): number {
  return Buffer.byteLength(JSON.stringify(block)) + 1
}

/** A text in its budget; of a longer one the beginning, and a line that says so. */
export function cutText (text: string, maxBytes: number): string {
  if (textWithin(text, maxBytes) === text) return text
  const note = `\n[This text was cut: it has ${Buffer.byteLength(text)} bytes.]`
  return textWithin(text, maxBytes - note.length - 1) + note // The line break is escaped.
}

/** The longest beginning of a text whose JSON, without the quotes, has so many bytes at most. Never ends inside of a character. */
function textWithin (text: string, maxBytes: number): string {
  if (text.length * 6 <= maxBytes) return text
  let bytes = 0
  for (let index = 0; index < text.length;) {
    const point = text.codePointAt(index) as number // index is below the length
    bytes += jsonBytesOf(point)
    if (bytes > maxBytes) return text.slice(0, index)
    index += point > 0xFFFF ? 2 : 1
  }
  return text
}

const shortEscapes: ReadonlySet<number> = new Set([...'"\\\b\f\n\r\t'].map((each) => each.charCodeAt(0)))

/** What JSON.stringify makes of one code point. Half of a pair becomes an escape. */
function jsonBytesOf (point: number): number {
  if (point < 0x80) {
    if (shortEscapes.has(point)) return 2
    return point < 0x20 ? 6 : 1
  }
  if (point < 0x800) return 2
  if (point > 0xFFFF) return 4
  return point >= 0xD800 && point <= 0xDFFF ? 6 : 3
}
