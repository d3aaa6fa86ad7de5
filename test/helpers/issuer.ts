import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import type { Clock, JsonObject } from '../../src/core/ports.ts'
import type { Test } from './build.ts'

/** What tokens are for unless a test says otherwise. */
export const resource = 'https://mcp.example.com/mcp'

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'
export interface SigningKey { readonly kid: string, readonly alg: string, readonly privateKey: CryptoKey, readonly publicKey: CryptoKey, readonly jwk: JWK }

export interface TokenOptions {
  key?: SigningKey
  /** In the place of what would stand there, or beside it; undefined takes it away. */
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
}

export interface IssuerOptions {
  /** Behind the host, for issuers of which one host has several. */
  path?: string
  algorithms?: readonly Algorithm[]
  clock?: Clock
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Makes a key pair and its public half as an issuer publishes it. */
export async function makeKey (alg: string, kid = `${alg}-${++keys}`): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicKey, jwk: { ...await exportJWK(publicKey), kid, alg, use: 'sig' } }
}
let keys = 0

/** An issuer of tokens on this machine: it has metadata and keys like a real one, and can be away, late or wrong. */
export class Issuer {
  /** What `iss` says. */
  readonly url: string
  /** The path of each request that came, in their order. */
  readonly requests: string[] = []
  /** What is published; tests change it. */
  readonly published: JWK[] = []
  readonly #server: Server
  readonly #port: number
  readonly #clock: Clock
  readonly #handlers = new Map<string, Handler>()
  #signing: readonly SigningKey[] = []

  private constructor (server: Server, port: number, { path = '', clock = { now: () => Date.now() } }: IssuerOptions) {
    this.#server = server
    this.#port = port
    this.#clock = clock
    this.url = `http://127.0.0.1:${port}${path}`
    this.serve(`/.well-known/oauth-authorization-server${path}`, { issuer: this.url, jwks_uri: this.jwksUri, authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token`, response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] })
    this.handle('/jwks', (_request, response) => { response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: this.published })) })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requests.push(request.url ?? '')
      const handler = this.#handlers.get(request.url ?? '')
      if (handler === undefined) response.writeHead(404).end('not here')
      else handler(request, response)
    })
  }

  static async start (t: Test, options: IssuerOptions = {}): Promise<Issuer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const issuer = new Issuer(server, (server.address() as AddressInfo).port, options)
    t.teardown(async () => { await issuer.stop() })
    for (const algorithm of options.algorithms ?? ['ES256']) await issuer.rotate(algorithm)
    return issuer
  }

  get jwksUri (): string { return `http://127.0.0.1:${this.#port}/jwks` }
  /** How often the keys were asked for. */
  get fetches (): number { return this.requests.filter((path) => path === '/jwks').length }
  /** The key that was made last for an algorithm. */
  key (alg: Algorithm = 'ES256'): SigningKey {
    const found = this.#signing.findLast((key) => key.alg === alg)
    if (found === undefined) throw new Error(`This issuer has no key for ${alg}.`)
    return found
  }

  /** Adds a key, with which it signs from now on. */
  async rotate (alg: Algorithm = 'ES256'): Promise<SigningKey> {
    const key = await makeKey(alg)
    this.#signing = [...this.#signing, key]
    this.published.push(key.jwk)
    return key
  }

  /** Publishes a key no more. */
  withdraw ({ kid }: SigningKey): void {
    this.published.splice(0, Infinity, ...this.published.filter((jwk) => jwk.kid !== kid))
  }

  /** Answers a path with JSON. */
  serve (path: string, document: unknown): void {
    this.handle(path, (_request, response) => { response.setHeader('content-type', 'application/json').end(JSON.stringify(document)) })
  }

  handle (path: string, handler: Handler): void { this.#handlers.set(path, handler) }

  /** Has nothing at a path any more. */
  forget (path: string): void { this.#handlers.delete(path) }

  /** Goes away: nothing listens any more. */
  async stop (): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  /** Comes back where it was. */
  async restart (): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** A token like those of RFC 9068, unless a test says otherwise. */
  async token ({ key = this.#signing[0], header = {}, claims = {} }: TokenOptions = {}): Promise<string> {
    if (key === undefined) throw new Error('This issuer has no key.')
    const payload = this.claims(claims)
    return await new SignJWT(payload).setProtectedHeader(withoutAbsent({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }) as { alg: string }).sign(key.privateKey)
  }

  claims (changes: Record<string, unknown> = {}): JsonObject {
    const now = Math.floor(this.#clock.now() / 1_000)
    return withoutAbsent({ iss: this.url, aud: resource, sub: 'alice', client_id: 'app', iat: now, exp: now + 3_600, jti: `token-${++tokens}`, scope: 'tools:*', ...changes })
  }
}
let tokens = 0

function withoutAbsent (values: Record<string, unknown>): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as JsonObject
}

/** A token of any header and claims, with a signature that is given. */
export function handmade (header: unknown, claims: unknown, signature = ''): string {
  const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${signature}`
}
