const form = /^([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(-.*)?$/
/** What follows the known fields in a later version is not read; nothing sensible is longer. */
const maxLength = 512

/**
 * The place in a trace that a caller names, or undefined when it is none: what a header or `_meta` holds may be anything. Of a later
 * version than 00 its known fields are kept, as version 00. W3C Trace Context section 3.2; MCP SEP-414.
 */
export function readTraceparent (value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > maxLength) return undefined
  const match = form.exec(value)
  if (match === null) return undefined
  const [, version, fields, more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  return version === '00' ? value : `00-${fields}`
}
