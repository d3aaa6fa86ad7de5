import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { NotAvailableError } from '../../../src/core/call-errors.ts'
import type { HandlerContext, HandlerOwner, JsonObject, Logger, ToolHandler } from '../../../src/core/ports.ts'
import type { RetryTiming } from '../../../src/tools/http/retry.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import type { TransformSandbox } from '../../../src/tools/http/transform.ts'
import { createHttpResolver, type HttpResolver, type HttpResolverOptions } from '../../../src/tools/resolvers/http.ts'

/** The part of a tap test that these helpers need. */
export interface Test { teardown (fn: () => unknown): unknown }

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
export interface Upstream {
  readonly server: Server
  readonly origin: string
  readonly host: string
  /** The requests that came, in their order, read to their end. */
  readonly seen: Seen[]
}
export type Answer = (response: ServerResponse, seen: Seen, index: number) => unknown

/** An upstream on a free loopback port that records what reaches it; it answers `{"ok":true}` unless told otherwise. */
export async function startUpstream (t: Test, answer: Answer = (response) => sendJson(response, { ok: true })): Promise<Upstream> {
  const seen: Seen[] = []
  const upstream = await listen(t, (request, response) => {
    void text(request).then((body) => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      seen.push(one)
      return answer(response, one, seen.length - 1)
    }).catch(() => response.destroy()) // A request that was cut off; the test looks at its client.
  })
  return { ...upstream, seen }
}

/** A server on a free loopback port that is gone with the test. */
export async function listen (t: Test, listener: RequestListener): Promise<Omit<Upstream, 'seen'>> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  }))
  const { port } = server.address() as AddressInfo
  return { server, origin: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}` }
}

export function sendJson (response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

export const noSandbox: TransformSandbox = {
  run: async () => { throw new Error('no sandbox here') },
  check: async () => ({ ok: false, message: 'no sandbox here', line: 1, column: 1 })
}

export function openResolver (t: Test, options: Partial<HttpResolverOptions> = {}): HttpResolver {
  const resolver = createHttpResolver({ sandbox: noSandbox, closeTimeoutMs: 100, ...options })
  t.teardown(() => resolver.close())
  return resolver
}

/** A handler of its own resolver. */
export async function handlerOf (t: Test, spec: Omit<HttpSpec, 'type'>, options: Partial<HttpResolverOptions> = {}, timeoutMs = 10_000): Promise<ToolHandler> {
  return openResolver(t, options).resolve({ type: 'http', ...spec }, ownerOf(timeoutMs))
}

export function ownerOf (timeoutMs = 10_000): HandlerOwner {
  return { kind: 'tool', name: 'weather', timeoutMs }
}

/** Time that passes only by waiting, and chance that is always the same. */
export function heldTiming (chance = 0.5): RetryTiming & { readonly waits: number[] } {
  const waits: number[] = []
  let now = 0
  return {
    waits,
    now: () => now,
    random: () => chance,
    wait: async (ms) => {
      waits.push(ms)
      now += ms
    }
  }
}

const silent: Logger = { trace () {}, debug () {}, info () {}, warn () {}, error () {} }
const unavailable = (): never => { throw new NotAvailableError('This', 'a test.') }

export function contextOf (changes: Partial<Pick<HandlerContext, 'signal' | 'traceparent'>> = {}): HandlerContext {
  return {
    signal: new AbortController().signal,
    traceparent: undefined,
    logger: silent,
    requestId: 'r1',
    sessionId: undefined,
    principal: { kind: 'key', name: 'ann', permissions: ['*'], tier: undefined },
    metadata: { toolName: 'weather' },
    progress () {},
    log () {},
    elicit: unavailable,
    elicitUrl: unavailable,
    sample: unavailable,
    roots: unavailable,
    suspend: unavailable,
    startTask: unavailable,
    announce: unavailable,
    readResource: unavailable,
    db: unavailable,
    redis: undefined,
    cache: { get: unavailable, set: unavailable, delete: unavailable },
    ...changes
  }
}

/** What a call rejects with. */
export async function failureOf (call: unknown): Promise<Error & { code?: unknown }> {
  try {
    await call
  } catch (error) {
    if (error instanceof Error) return error
    throw new Error(`Rejected with something that is no error: ${String(error)}`)
  }
  throw new Error('The call was expected to fail.')
}

/** What an API sees of a query, whatever way it was written. */
export function queryPairs (url: string): [string, string][] {
  return [...new URL(url, 'http://host').searchParams]
}

export type { JsonObject }
