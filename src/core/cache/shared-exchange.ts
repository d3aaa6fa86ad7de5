import type { Door, Exchange } from '../exchange.ts'
import type { JsonObject, Logger, LogLevel, Principal } from '../ports.ts'
import type { Revision } from '../versions.ts'

/**
 * The exchange of a run whose result is for whoever asks for the same. It has the caller that it was begun for, and nothing by which a
 * handler could tell two connections of that caller apart: no session, and nobody to ask. Progress and log messages go to the one that it
 * was begun for, while that one waits.
 */
export class SharedExchange implements Exchange {
  readonly requestId: string
  readonly revision: Revision
  readonly principal: Principal
  readonly door: Door
  readonly address: string | undefined
  readonly clientName: string | undefined
  readonly logger: Logger
  readonly traceparent: string | undefined
  readonly logLevel: LogLevel | undefined
  readonly streaming: boolean
  readonly sessionId = undefined
  readonly rpcId = undefined
  readonly cancelKey = undefined
  readonly clientCapabilities = {}
  readonly becomeOwn: (by: 'client' | 'rights') => Error | undefined
  #client: Exchange | undefined

  constructor (client: Exchange, becomeOwn: (by: 'client' | 'rights') => Error | undefined) {
    this.requestId = client.requestId
    this.revision = client.revision
    this.principal = client.principal
    this.door = client.door
    this.address = client.address
    this.clientName = client.clientName
    this.logger = client.logger
    this.traceparent = client.traceparent
    this.logLevel = client.logLevel
    this.streaming = client.streaming
    this.becomeOwn = becomeOwn
    this.#client = client
  }

  notify (method: string, params: JsonObject): void { this.#client?.notify(method, params) }
  suspend (retryMs: number): void { this.#client?.suspend?.(retryMs) }

  /** From now on, nothing connects the run with the request that it was begun for. */
  detach (): void { this.#client = undefined }
}
