import { harmlessHeaders } from '../../core/redaction.ts'
import type { HttpSpec } from './spec.ts'

/** Takes the secrets of a handler out of a text that an upstream wrote. */
export type Redaction = (text: string) => string

// Shorter pieces of a header, and of a URL, are more often words than secrets.
const minHeaderPiece = 8
const minUrlPiece = 16

/** Compiles what of a handler's own text (never of the arguments) must not come back in a message, whatever the upstream echoes. */
export function compileRedaction ({ url, query = {}, headers = {} }: HttpSpec): Redaction {
  const pieces = [
    ...Object.entries(headers)
      .filter(([name]) => !harmlessHeaders.has(name.toLowerCase()))
      .flatMap(([, value]) => literals(value, /\s+/, minHeaderPiece)),
    ...Object.values(query).flat().flatMap((value) => literals(String(value), /\s+/, minUrlPiece)),
    ...literals(url.replace(/^[^/]*\/\/[^/?]*/, ''), /[/?&=]/, minUrlPiece)
  ]
  // The longest first, so that no part of one is left standing beside another.
  const secrets = [...new Set(pieces)].sort((a, b) => b.length - a.length)
  return (text) => secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[redacted]'), text)
}

function literals (text: string, separator: RegExp, minLength: number): string[] {
  return text.split(/\$\{args[^}]*\}/).flatMap((piece) => piece.split(separator)).filter((piece) => piece.length >= minLength)
}
