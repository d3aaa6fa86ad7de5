import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWTHeaderParameters } from 'jose'
import { isObject } from '../core/json-rpc.ts'
import type { Clock, Logger } from '../core/ports.ts'
import { fetchDocument } from './issuer-document.ts'
import { discoverJwksUri } from './key-discovery.ts'

export interface IssuerKeysOptions {
  issuer: string
  /** Without it, the metadata of the issuer says where they are. */
  jwksUri: string | undefined
  /** For how long fetched keys count. */
  maxAgeMs: number
  /** The least time between two fetches, whatever asks for them and however they end. */
  cooldownMs: number
  /** How long one fetch may take, from the first address to the last byte. */
  timeoutMs: number
  clock: Clock
  logger: Logger
}

const maxKeys = 100
/** Of a token that names no key: how many are tried. */
const maxCandidates = 4

/**
 * The keys of one issuer: fetched when they are first needed, and anew when they have grown old or a token names one that is not among
 * them, once at a time and not more often than the cool-down allows. While the issuer is away, those that are known go on counting.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #find: ReturnType<typeof createLocalJWKSet> | undefined
  #texts: ReadonlySet<string> = new Set()
  #generation = 0
  #dueAtMs = -Infinity
  #triedAtMs = -Infinity
  #isFailing = false
  #fetching: Promise<void> | undefined
  #request: AbortController | undefined
  #isClosed = false

  constructor (options: IssuerKeysOptions) { this.#options = options }

  /** Changes when a key was withdrawn: what was verified before may not count any more. */
  get generation (): number { return this.#generation }

  /** Whether the keys are as fresh as they have to be, or can be. */
  get isFresh (): boolean { return this.#find !== undefined && this.#options.clock.now() < this.#dueAtMs }

  /** Milliseconds until the keys may be fetched again. */
  get cooldownLeftMs (): number { return Math.max(0, this.#triedAtMs + this.#options.cooldownMs - this.#options.clock.now()) }

  /** Fetches the keys where they are due. False when there are none: the issuer has not been reached yet. Never rejects. */
  async freshen (): Promise<boolean> {
    if (!this.isFresh) {
      const fetched = this.#fetch()
      // With an issuer that was away the last time, those that have keys do not wait.
      if (this.#find === undefined || !this.#isFailing) await fetched
    }
    return this.#find !== undefined
  }

  /** The keys that may have made a signature with this header: none, one, or a few where the header does not say which. Never rejects. */
  async candidates (header: JWTHeaderParameters): Promise<readonly CryptoKey[]> {
    const found = await this.#select(header)
    if (found.length > 0) return found
    await this.#fetch()
    return await this.#select(header)
  }

  /** Ends what is on its way. */
  close (): void {
    this.#isClosed = true
    this.#request?.abort(new Error('the server ends'))
  }

  async #select (header: JWTHeaderParameters): Promise<CryptoKey[]> {
    if (this.#find === undefined) return []
    try {
      return [await this.#find(header)]
    } catch (error) {
      // Of all other failures, none leaves a key that could be used.
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
      const keys: CryptoKey[] = []
      for await (const key of error) if (keys.push(key) === maxCandidates) break
      return keys
    }
  }

  #fetch (): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching
    if (this.cooldownLeftMs > 0) return Promise.resolve()
    this.#triedAtMs = this.#options.clock.now()
    this.#fetching = this.#refresh().finally(() => { this.#fetching = undefined })
    return this.#fetching
  }

  async #refresh (): Promise<void> {
    const { issuer, cooldownMs, maxAgeMs, clock, logger } = this.#options
    try {
      this.#take(await this.#read())
      if (this.#isFailing) logger.info({ issuer }, 'The keys of this issuer of tokens could be fetched again.')
      this.#isFailing = false
      this.#dueAtMs = Math.max(clock.now() + maxAgeMs, this.#triedAtMs + cooldownMs)
    } catch (error) {
      this.#dueAtMs = this.#triedAtMs + cooldownMs
      if (this.#isClosed) return
      const consequence = this.#find === undefined ? 'its tokens cannot be verified until they are' : 'those that are known go on counting'
      // Once for each time that it goes away.
      if (!this.#isFailing) logger.warn({ issuer, reason: (error as Error).message }, `The keys of this issuer of tokens could not be fetched: ${consequence}.`)
      this.#isFailing = true
    }
  }

  async #read (): Promise<unknown> {
    const { issuer, jwksUri, timeoutMs } = this.#options
    const request = this.#request = new AbortController()
    const timer = setTimeout(() => { request.abort(new Error(`it did not answer within ${timeoutMs} ms`)) }, timeoutMs)
    try {
      return await fetchDocument(jwksUri ?? await discoverJwksUri(issuer, request.signal), request.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  #take (document: unknown): void {
    const keys = isObject(document) ? document['keys'] : undefined
    if (!Array.isArray(keys) || !keys.every(isObject)) throw new Error('what it sends is no set of keys')
    if (keys.length > maxKeys) throw new Error(`it sends more than ${maxKeys} keys`)
    this.#find = createLocalJWKSet({ keys } as unknown as JSONWebKeySet)
    const texts = new Set(keys.map((key) => JSON.stringify(key)))
    if ([...this.#texts].some((text) => !texts.has(text))) this.#generation++
    this.#texts = texts
  }
}
