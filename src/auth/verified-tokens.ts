import { hash } from 'node:crypto'

/** What is remembered of tokens, under their digests: the tokens themselves are not kept. Those that were not seen for longest are forgotten first. */
export class VerifiedTokens<Entry> {
  readonly #entries = new Map<string, Entry>()
  readonly #maxEntries: number

  constructor (maxEntries: number) { this.#maxEntries = maxEntries }

  get (digest: string): Entry | undefined {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return undefined
    this.#entries.delete(digest) // To the end: the order is that of use.
    this.#entries.set(digest, entry)
    return entry
  }

  set (digest: string, entry: Entry): void {
    this.#entries.delete(digest)
    if (this.#entries.size >= this.#maxEntries) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(digest, entry)
  }

  delete (digest: string): void { this.#entries.delete(digest) }
}

export function digestOf (token: string): string { return hash('sha256', token, 'base64url') }
