import { Durations } from './durations.ts'
import { CredentialMalformedError, InsufficientScopeError, IssuerUnavailableError, RateLimitedError, UnauthenticatedError, type GantryError } from './errors.ts'
import { isReportedFailure, outcomeOf, type CallOutcome } from './outcome.ts'
import type { CallStage, CallTarget, Invoke } from './pipeline.ts'

/** Why a caller was not let in. */
export const authenticationFailures = ['missing', 'malformed', 'invalid', 'insufficient', 'undecidable', 'limited'] as const
export type AuthenticationFailure = typeof authenticationFailures[number]

/** What callers asked for by a name that no tool has. No tool can be called so. */
const unknownTool = '(unknown)'

/** What is counted of one tool, since the start. */
export interface ToolCounts {
  readonly outcomes: Record<CallOutcome, number>
  /** Seconds from the call's arrival to its outcome. */
  readonly durations: Durations
  /** Calls that have no outcome yet. */
  running: number
}

/** The requests of one route that ended alike. */
export interface RequestCounts {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly durations: Durations
}

const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'])

/**
 * Counts what happens with every request and call; all else is read from those who know it, when somebody asks. Clients choose nothing that
 * is kept here: names of tools and routes are those of the server, and all others are one.
 */
export class Meter {
  readonly stage: CallStage = { name: 'metrics', wrap: (target, next) => this.#wrap(target, next) }
  readonly #tools = new Map<string, ToolCounts>()
  readonly #requests = new Map<string, Map<string, Map<number, RequestCounts>>>()
  readonly #refusals = new Map<string, number>()
  readonly #failures = new Map<AuthenticationFailure, number>(authenticationFailures.map((reason) => [reason, 0]))

  /** By name. */
  get tools (): ReadonlyMap<string, ToolCounts> { return this.#tools }
  get requests (): RequestCounts[] { return [...this.#requests.values()].flatMap((methods) => [...methods.values()].flatMap((statuses) => [...statuses.values()])) }
  /** Requests that were refused before a method or a tool had them, by the code of their error. */
  get refusals (): ReadonlyMap<string, number> { return this.#refusals }
  get authenticationFailures (): ReadonlyMap<AuthenticationFailure, number> { return this.#failures }

  /** `route` is the pattern of an address, not what a client wrote. */
  request (method: string, route: string, status: number, seconds: number): void {
    const known = this.#requests.get(route)?.get(method)?.get(status) ?? this.#addRequest(knownMethods.has(method) ? method : 'other', route, status)
    known.durations.observe(seconds)
  }

  refusal (error: GantryError): void {
    this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1)
    const reason = authenticationFailureOf(error)
    if (reason !== undefined) this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1)
  }

  /** A call that came to no tool: there is none of this name, or it is not for this caller. */
  unreached (toolName: string): void {
    this.#countsOf(this.#tools.has(toolName) ? toolName : unknownTool).outcomes.refused++
  }

  #addRequest (method: string, route: string, status: number): RequestCounts {
    const methods = getOrAdd(this.#requests, route, () => new Map<string, Map<number, RequestCounts>>())
    const statuses = getOrAdd(methods, method, () => new Map<number, RequestCounts>())
    return getOrAdd(statuses, status, () => ({ method, route, status, durations: new Durations() }))
  }

  #countsOf (name: string): ToolCounts {
    return getOrAdd(this.#tools, name, () => ({ outcomes: { ok: 0, error: 0, refused: 0, cancelled: 0, timeout: 0, input_required: 0 }, durations: new Durations(), running: 0 }))
  }

  #wrap<Result> ({ kind, name }: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> | undefined {
    if (kind !== 'tool') return undefined
    const counts = this.#countsOf(name)
    const { outcomes, durations } = counts
    function end (startedAt: number, outcome: CallOutcome): void {
      outcomes[outcome]++
      durations.observe((performance.now() - startedAt) / 1_000)
    }
    return function count (args, context) {
      const startedAt = performance.now()
      let result
      try {
        result = next(args, context)
      } catch (error) {
        end(startedAt, outcomeOf(error))
        throw error
      }
      if (!(result instanceof Promise)) {
        end(startedAt, isReportedFailure(result) ? 'error' : 'ok')
        return result
      }
      counts.running++
      // Beside the call and not in its way: whoever waits for it waits no longer for this. First in line, so that it is counted before it is answered.
      result.then(
        (value) => { counts.running--; end(startedAt, isReportedFailure(value) ? 'error' : 'ok') },
        (error: unknown) => { counts.running--; end(startedAt, outcomeOf(error)) }
      )
      return result
    }
  }
}

function authenticationFailureOf (error: GantryError): AuthenticationFailure | undefined {
  if (error instanceof UnauthenticatedError) return error.reason
  if (error instanceof CredentialMalformedError) return 'malformed'
  if (error instanceof InsufficientScopeError) return 'insufficient'
  if (error instanceof IssuerUnavailableError) return 'undecidable'
  // Those of rate limits name their limit; the other one is for refused credentials.
  return error instanceof RateLimitedError && error.data === undefined ? 'limited' : undefined
}

function getOrAdd<Key, Value> (map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
