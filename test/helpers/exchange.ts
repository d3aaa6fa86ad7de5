import { NotAvailableError } from '../../src/core/call-errors.ts'
import { CacheHints } from '../../src/core/cache-hints.ts'
import { Changes } from '../../src/core/changes.ts'
import { CallContext } from '../../src/core/context.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import type { CoreOptions } from '../../src/core/core.ts'
import { createRequestStates } from '../../src/core/request-state.ts'
import { createBusMemory } from '../../src/stores/bus-memory.ts'
import type { Logger, ReadResourceResult } from '../../src/core/ports.ts'

/** What was logged, as facts and sentences. */
export interface LogLine { level: string, facts: unknown, sentence: string | undefined }

/** A logger that keeps what it is told. */
export function keepingLogger (): Logger & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: string) => (facts: unknown, sentence?: string): void => { lines.push({ level, facts, sentence }) }
  return { lines, trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export type TestExchange = Exchange & { sent: { method: string, params: unknown }[], lines: LogLine[], disconnect (): void }

/** A request that came out of nowhere; it keeps the notifications that it is sent. */
export function exchangeOf (changes: Partial<Exchange> = {}): TestExchange {
  const logger = keepingLogger()
  const sent: TestExchange['sent'] = []
  let gone: (() => void) | undefined
  return {
    requestId: 'r1',
    revision: '2026-07-28',
    principal: { kind: 'key', name: 'ann', permissions: ['*'], tier: undefined },
    door: 'mcp',
    logger,
    sessionId: undefined,
    rpcId: 1,
    streaming: true,
    clientCapabilities: {},
    logLevel: undefined,
    traceparent: undefined,
    cancelKey: undefined,
    notify (method, params) { sent.push({ method, params }) },
    onDisconnect (listener) { gone = listener },
    ...changes,
    sent,
    lines: logger.lines,
    disconnect () { gone?.() }
  }
}

export function contextFor (exchange: Exchange = exchangeOf(), progressToken?: string | number): CallContext {
  const services = { readResource: (): ReadResourceResult => ({ contents: [] }), announce: async () => {}, cacheOf: () => absent('context.cache'), databaseOf: (name: string) => absent(`context.db(${JSON.stringify(name)})`) }
  return new CallContext(exchange, { kind: 'tool', name: 'work' }, services, { progressToken })
}

function absent (what: string): never { throw new NotAvailableError(what, 'this test has none.') }

/** What a core needs of its surroundings, in this process only. */
export function coreServices (): Pick<CoreOptions, 'logger' | 'changes' | 'requestStates' | 'streamLimits' | 'cacheHints'> {
  const logger = keepingLogger()
  return {
    logger,
    cacheHints: new CacheHints({ lists: { ttlMs: 300_000, cacheScope: 'public' }, content: { ttlMs: 300_000, cacheScope: 'public' }, resources: { ttlMs: 0, cacheScope: 'private' } }, false),
    streamLimits: { maxStreams: 100, maxStreamsPerPrincipal: 50, maxAnonymousStreams: 50 },
    changes: new Changes(createBusMemory({ logger })),
    requestStates: createRequestStates({ secret: 'test', ttlMs: 60_000, clock: { now: () => Date.now() } })
  }
}
