import type { AuditedArguments } from '../core/audit-event.ts'
import { ascii } from '../core/ascii.ts'
import { canonicalText } from '../core/canonical-json.ts'
import type { JsonObject } from '../core/ports.ts'
import type { Sealer } from './chain.ts'
import type { Redact } from './line.ts'

/** Bytes of arguments in a line; of larger ones there is the digest and their size. */
const maxArgumentBytes = 8_192
const censor = '[redacted]'
/** Members that hold a secret, by what they are called. */
const secretName = /pass(?:word|wd|phrase)|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key/i

export interface ArgumentOptions {
  sealer: Sealer
  /** Whether lines hold the arguments beside their digest. */
  include: boolean
  redact: Redact
}

/** Makes the digest of arguments: of their canonical JSON, so that equal ones have the same, however their members are ordered. */
export function createArgumentDigest ({ sealer: { seal }, include, redact }: ArgumentOptions): (args: JsonObject) => AuditedArguments {
  const none: AuditedArguments = { digest: seal('{}'), ...(include && { text: '{}' }) }
  const tooDeep: AuditedArguments = { digest: seal('too deep') }

  return function digestArguments (args) {
    if (Object.keys(args).length === 0) return none
    try {
      const digest = seal(canonicalText(args))
      return include ? { digest, ...shown(args, redact) } : { digest }
    } catch {
      return tooDeep // Arguments come as JSON, so nothing but their depth keeps them from being written.
    }
  }
}

function shown (args: JsonObject, redact: Redact): Omit<AuditedArguments, 'digest'> {
  const text = ascii(JSON.stringify(args, (name, value: unknown) => {
    if (secretName.test(name)) return censor
    return typeof value === 'string' ? redact(value) : value
  }))
  return text.length > maxArgumentBytes ? { omittedBytes: text.length } : { text }
}
