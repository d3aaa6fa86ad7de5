import { logLevels, type Exchange } from './exchange.ts'
import { CancelledError, GantryError, InternalError, InvalidParamsError, MethodNotFoundError, NotAcceptableError, OverloadedError, rpc } from './errors.ts'
import type { InFlight } from './in-flight.ts'
import { errorText, isObject, resultText, type RequestId, type RpcNotification, type RpcRequest } from './json-rpc.ts'
import type { Tolerance } from './tolerating.ts'
import { isModern, type Revision } from './versions.ts'
import type { JsonObject, LogLevel } from './ports.ts'

/** A method: gives its result as JSON text. Throws or rejects with a GantryError. */
export type Method = (params: JsonObject, exchange: Exchange) => string | Promise<string>
export type MethodTable = ReadonlyMap<string, Method>

/** One whole JSON-RPC message as text, and the HTTP status it goes out with. Undefined when nothing may be sent. */
export interface Answer { readonly status: number, readonly text: string }

/** Which statuses the errors of the 2026 era have; all else is an answer like any other. 2026-07-28 transports, HTTP status codes. */
const modernStatus: ReadonlyMap<number, number> = new Map([
  [rpc.methodNotFound, 404], [rpc.missingCapability, 400], [rpc.unsupportedVersion, 400], [rpc.headerMismatch, 400]
])

export interface DispatcherParts {
  tableOf (revision: Revision): MethodTable
  inFlight: InFlight
  tolerance: Tolerance
}

/** Finds the method that a request names and turns whatever comes of it into an answer. The one place where errors become JSON-RPC. */
export class Dispatcher {
  readonly #parts: DispatcherParts

  constructor (parts: DispatcherParts) { this.#parts = parts }

  /** Never throws, never rejects. */
  handle (request: RpcRequest, exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const { id } = request
    try {
      const method = this.#parts.tableOf(exchange.revision).get(request.method)
      if (method === undefined) throw new MethodNotFoundError(request.method)
      const meta = request.params['_meta']
      if (meta !== undefined) this.#checkMeta(meta, exchange)
      const outcome = method(request.params, exchange)
      if (typeof outcome === 'string') return { status: 200, text: resultText(id, outcome) }
      return outcome.then(
        (result) => ({ status: 200, text: resultText(id, result) }),
        (error: unknown) => failure(id, error, exchange)
      )
    } catch (error) {
      return failure(id, error, exchange)
    }
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
  if (error instanceof CancelledError) return undefined
  const known = error instanceof GantryError ? error : new InternalError({ cause: error })
  if (known instanceof InternalError) exchange.logger.error({ err: error, requestId: exchange.requestId }, 'A request ended in an internal error.')
  return { status: isModern(exchange.revision) ? modernStatusOf(known) : 200, text: errorText(id, known, exchange.revision) }
}

/** What HTTP has a word for of its own keeps it. */
function modernStatusOf (error: GantryError): number {
  if (error instanceof NotAcceptableError || error instanceof OverloadedError) return error.status
  return modernStatus.get(error.rpcCode) ?? 200
}

export function isLogLevel (value: unknown): value is LogLevel {
  return logLevels.includes(value as LogLevel)
}
