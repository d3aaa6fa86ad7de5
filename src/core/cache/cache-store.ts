/** Where results are kept. None of what a store does rejects or throws: a store that is away keeps nothing, and has nothing. */
export interface CacheStore {
  /** What is kept under a key, and the ticket under which something may be kept there. */
  find (place: CachePlace): Found | Promise<Found>
  /** Keeps a value, unless one of its tags was invalidated since the ticket was given: then it may have been made of what is no more. */
  keep (place: CachePlace, ticket: string, entry: CacheEntry): void | Promise<void>
  remove (key: string): void | Promise<void>
  /** Drops all that is kept with one of these tags. */
  invalidate (tags: readonly string[]): void | Promise<void>
  /** The turn to make what is missing, where several instances could. Absent where there is one. */
  readonly claim?: ((key: string, forMs: number) => Promise<Claim>) | undefined
  /** What is kept in this process. */
  readonly size: { readonly entries: number, readonly bytes: number }
  close (): void
}

export interface CachePlace {
  readonly key: string
  /** What is kept here is dropped with any of these. */
  readonly tags: readonly string[]
  /** For how long something is going to be kept here. */
  readonly lifeMs: number
  /** Whether a value is one that may be kept here: what came from outside of this process, anybody may have written. */
  readonly accepts: (value: unknown) => boolean
}

export interface CacheEntry {
  /** A JSON value that nobody changes any more. */
  readonly value: unknown
  /** Its JSON. */
  readonly text: string
}

export interface Found {
  /** The JSON value that is kept; undefined for none. Nobody may change it. */
  readonly value: unknown
  readonly ageMs: number
  /** Undefined where nothing can be kept. */
  readonly ticket: string | undefined
  /** Whether there was no telling, or what was there could not be read. */
  readonly failed: boolean
}

/** `isMine` says whether this instance has the turn, or must not wait for the one that does. */
export interface Claim { readonly isMine: boolean, release (): Promise<void> }
