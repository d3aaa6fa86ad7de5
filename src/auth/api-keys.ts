import { hash, timingSafeEqual } from 'node:crypto'
import type { Clock, Principal } from '../core/ports.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import type { DigestKey } from './key-digest.ts'

interface KeyRecord {
  readonly digest: Buffer
  readonly principal: Principal
  /** Milliseconds since the epoch: accepted from the first on, and until before the second. */
  readonly notBeforeMs: number
  readonly expiresAtMs: number
  readonly enabled: boolean
}

export interface ApiKeysOptions {
  keys: readonly ApiKey[]
  /** What every holder of a key may do. */
  sharedPermissions: readonly string[]
  digest: DigestKey
  clock: Clock
}

/** Longer ones are no keys of ours: nothing is spent on them. */
const maxKeyLength = 512

/** The API keys of a configuration. Finding one takes the same time whichever it is and however many there are. */
export class ApiKeys {
  readonly #records = new Map<string, KeyRecord>()
  /** The keys that were found, under a hash of theirs: an HMAC for each request would cost more than the call. Never more than there are keys. */
  readonly #found = new Map<string, KeyRecord>()
  readonly #digest: DigestKey
  readonly #clock: Clock

  constructor ({ keys, sharedPermissions, digest, clock }: ApiKeysOptions) {
    this.#digest = digest
    this.#clock = clock
    for (const key of keys) {
      const record = recordOf(key, sharedPermissions, digest)
      this.#records.set(record.digest.toString('latin1'), record)
    }
  }

  /** Who holds a key; undefined for one that is unknown, switched off, expired or not valid yet. */
  find (key: string): Principal | undefined {
    if (key.length > maxKeyLength) return undefined
    const hashed = hash('sha256', key, 'base64url')
    const record = this.#found.get(hashed) ?? this.#search(key, hashed)
    if (record === undefined) return undefined
    const now = this.#clock.now()
    return record.enabled && now >= record.notBeforeMs && now < record.expiresAtMs ? record.principal : undefined
  }

  /** Both maps compare hashes, which say nothing of a key to who measures them; what is found is still confirmed in constant time. */
  #search (key: string, hashed: string): KeyRecord | undefined {
    const digest = this.#digest(key)
    const record = this.#records.get(digest.toString('latin1'))
    if (record === undefined || !timingSafeEqual(record.digest, digest)) return undefined
    this.#found.set(hashed, record)
    return record
  }
}

function recordOf ({ name, key, keyHash, permissions, tier, enabled, notBefore, expiresAt }: ApiKey, sharedPermissions: readonly string[], digest: DigestKey): KeyRecord {
  const expiresAtMs = expiresAt === undefined ? Infinity : Date.parse(expiresAt)
  return {
    // The schema says that there is one of the two.
    digest: key === undefined ? Buffer.from(keyHash ?? '', 'hex') : digest(key),
    principal: Object.freeze({
      kind: 'key', name, permissions: Object.freeze([...sharedPermissions, ...permissions]), tier, ...(expiresAt !== undefined && { expiresAtMs })
    }),
    notBeforeMs: notBefore === undefined ? -Infinity : Date.parse(notBefore),
    expiresAtMs,
    enabled
  }
}
