import type { Logger } from './ports.ts'
import type { DeviationName, Strictness } from './tolerance.ts'

/** How often each client was borne with, and in what. */
export type ToleratedCounts = ReadonlyMap<string, ReadonlyMap<DeviationName, number>>

/** Clients invent their names, so there are bounds: more clients than this are counted as one. */
const maxClients = 100
const maxNameLength = 64
const unnamed = 'unknown'
const others = 'other'

export interface ToleranceOptions {
  strictness: Strictness
  logger: Logger
}

/** Decides whether a deviation may pass, and counts those that did. Asked only where a request would be refused otherwise. */
export class Tolerance {
  readonly lenient: boolean
  readonly #logger: Logger
  readonly #counts = new Map<string, Map<DeviationName, number>>()

  constructor ({ strictness, logger }: ToleranceOptions) {
    this.lenient = strictness === 'lenient'
    this.#logger = logger
  }

  /** Whether this may pass; if so, it is counted. */
  bears (name: DeviationName, client: string | undefined): boolean {
    if (!this.lenient) return false
    this.#count(name, client)
    return true
  }

  /** What was borne so far, as it is now. */
  get counts (): ToleratedCounts {
    return new Map([...this.#counts].map(([client, counts]) => [client, new Map(counts)]))
  }

  #count (name: DeviationName, client: string | undefined): void {
    const known = this.#countsOf(client === undefined || client === '' ? unnamed : client.slice(0, maxNameLength))
    const before = known.counts.get(name) ?? 0
    known.counts.set(name, before + 1)
    if (before === 0) this.#logger.debug({ client: known.client, deviation: name }, 'A client deviates from the protocol and is served all the same: docs/tolerance.md says how.')
  }

  #countsOf (name: string): { client: string, counts: Map<DeviationName, number> } {
    const client = this.#counts.has(name) || this.#counts.size < maxClients ? name : others
    let counts = this.#counts.get(client)
    if (counts === undefined) {
      counts = new Map()
      this.#counts.set(client, counts)
    }
    return { client, counts }
  }
}
