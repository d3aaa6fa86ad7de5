import { OverloadedError, StreamLimitError } from './errors.ts'
import type { Principal } from './ports.ts'

/** How many streams may wait for news in one process. */
export interface StreamLimits {
  /** In all. */
  maxStreams: number
  /** Of one caller that has a name of its own. */
  maxStreamsPerPrincipal: number
  /** Of all together that have none: they cannot be told apart, and must not take what the others need. */
  maxAnonymousStreams: number
}

/** The streams that wait for news, in whatever era and through whatever door, and whose they are. */
export class StreamSlots {
  readonly #limits: StreamLimits
  /** By name; the anonymous under none. */
  readonly #counts = new Map<string | undefined, number>()
  #size = 0

  constructor (limits: StreamLimits) { this.#limits = limits }

  get size (): number { return this.#size }

  /** Takes a place until the returned function is called. Throws StreamLimitError when the caller has as many as it may, OverloadedError when all have. */
  take ({ kind, name }: Principal): () => void {
    const { maxStreams, maxStreamsPerPrincipal, maxAnonymousStreams } = this.#limits
    const owner = kind === 'anonymous' ? undefined : name
    const taken = this.#counts.get(owner) ?? 0
    if (taken >= (owner === undefined ? maxAnonymousStreams : maxStreamsPerPrincipal)) throw new StreamLimitError(taken)
    if (this.#size >= maxStreams) throw new OverloadedError()
    this.#counts.set(owner, taken + 1)
    this.#size++
    let isTaken = true
    return () => {
      if (isTaken) this.#giveBack(owner)
      isTaken = false
    }
  }

  #giveBack (owner: string | undefined): void {
    const left = (this.#counts.get(owner) ?? 1) - 1
    if (left === 0) this.#counts.delete(owner)
    else this.#counts.set(owner, left)
    this.#size--
  }
}
