import type { Audit } from './audit.ts'
import { logLevels, type Exchange } from './exchange.ts'
import { CancelledError } from './call-errors.ts'
import { AuditUnavailableError, GantryError, InsufficientScopeError, InternalError, InvalidParamsError, MethodNotFoundError, NotAcceptableError, OverloadedError, rpc, StreamLimitError } from './errors.ts'
import type { InFlight } from './in-flight.ts'
import { errorText, isObject, resultText, type RequestId, type RpcNotification, type RpcRequest } from './json-rpc.ts'
import { failureOf } from './outcome.ts'
import type { Tolerance } from './tolerating.ts'
import { isModern, type Revision } from './versions.ts'
import type { JsonObject, LogLevel } from './ports.ts'

/** A method: gives its result as JSON text. Throws or rejects with a GantryError. */
export type Method = (params: JsonObject, exchange: Exchange) => string | Promise<string>
export type MethodTable = ReadonlyMap<string, Method>

/** One whole JSON-RPC message as text, and the HTTP status and headers it goes out with. Undefined when nothing may be sent. */
export interface Answer { readonly status: number, readonly text: string, readonly headers?: Readonly<Record<string, string>> }

/** Which statuses the errors of the 2026 era have; all else is an answer like any other. 2026-07-28 transports, HTTP status codes. */
const modernStatus: ReadonlyMap<number, number> = new Map([
  [rpc.methodNotFound, 404], [rpc.missingCapability, 400], [rpc.unsupportedVersion, 400], [rpc.headerMismatch, 400]
])

export interface DispatcherParts {
  tableOf (revision: Revision): MethodTable
  inFlight: InFlight
  tolerance: Tolerance
  /** Undefined where nothing is recorded. */
  audit: Audit | undefined
}

/** Finds the method that a request names and turns whatever comes of it into an answer. The one place where errors become JSON-RPC. */
export class Dispatcher {
  readonly #parts: DispatcherParts

  constructor (parts: DispatcherParts) { this.#parts = parts }

  /** Never throws, never rejects. */
  handle (request: RpcRequest, exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const { id } = request
    const { audit } = this.#parts
    try {
      const outcome = audit === undefined ? this.#serve(request, exchange) : audit.around(request, exchange, () => this.#serve(request, exchange))
      if (typeof outcome === 'string') return { status: 200, text: resultText(id, outcome) }
      return outcome.then(
        (result) => ({ status: 200, text: resultText(id, result) }),
        (error: unknown) => failure(id, error, exchange)
      )
    } catch (error) {
      return failure(id, error, exchange)
    }
  }

  /** Throws or rejects with a GantryError. */
  #serve ({ method: name, params }: RpcRequest, exchange: Exchange): string | Promise<string> {
    const method = this.#parts.tableOf(exchange.revision).get(name)
    if (method === undefined) throw new MethodNotFoundError(name)
    const meta = params['_meta']
    if (meta !== undefined) this.#checkMeta(meta, exchange)
    return method(params, exchange)
  }

  /** What of the metadata is used has to be what it should be, or is taken for absent. */
  #checkMeta (meta: unknown, exchange: Exchange): void {
    const { tolerance } = this.#parts
    if (!isObject(meta)) {
      if (!tolerance.bears('meta-type', exchange.clientName)) throw new InvalidParamsError('params._meta must be an object.')
      return
    }
    const { progressToken } = meta
    if (progressToken === undefined || typeof progressToken === 'string' || typeof progressToken === 'number') return
    if (!tolerance.bears('progress-token-type', exchange.clientName)) throw new InvalidParamsError('params._meta.progressToken must be a string or an integer.')
  }

  /**
   * Takes a notification of a client. `cancelKeyOf` makes the key under which the call it may name is running. Returns the key of a call
   * that is to be cancelled and does not run here: another instance may have it.
   */
  notice (notification: RpcNotification, cancelKeyOf: (id: RequestId) => string | undefined): string | undefined {
    if (notification.method !== 'notifications/cancelled') return undefined
    const { requestId } = notification.params
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return undefined
    const key = cancelKeyOf(requestId)
    return key === undefined || this.#parts.inFlight.cancel(key) ? undefined : key
  }
}

function failure (id: RequestId, error: unknown, exchange: Exchange): Answer | undefined {
  exchange.failed?.(failureOf(error))
  if (error instanceof CancelledError) return undefined
  const known = error instanceof GantryError ? error : new InternalError({ cause: error })
  if (known instanceof InternalError) exchange.logger.error({ err: error, requestId: exchange.requestId }, 'A request ended in an internal error.')
  const shown = exchange.stepUp?.(known) ?? known
  const text = errorText(id, shown, exchange.revision)
  // What the client has to do about it stands in a header, whatever the era.
  if (shown instanceof InsufficientScopeError) return { status: shown.status, headers: shown.headers, text }
  return { status: isModern(exchange.revision) ? modernStatusOf(shown) : 200, text }
}

/** What HTTP has a word for of its own keeps it. */
function modernStatusOf (error: GantryError): number {
  if (error instanceof NotAcceptableError || error instanceof OverloadedError || error instanceof StreamLimitError || error instanceof AuditUnavailableError) return error.status
  return modernStatus.get(error.rpcCode) ?? 200
}

export function isLogLevel (value: unknown): value is LogLevel {
  return logLevels.includes(value as LogLevel)
}
