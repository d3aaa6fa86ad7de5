import type { AuditEventName } from '../../schemas/audit.ts'
import type { AuditedArguments, AuditEvent, AuditSink, AuditSource, AuditSubject } from './audit-event.ts'
import type { CallContext, CallSubject } from './context.ts'
import { AddressRefusedError, AuditUnavailableError, CredentialMalformedError, GantryError, HostRefusedError, InsufficientScopeError, IssuerUnavailableError, PermissionRefusedError, RateLimitedError, UnauthenticatedError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { isObject, type RpcRequest } from './json-rpc.ts'
import { codeOf, outcomeOf, type Outcome } from './outcome.ts'
import type { CallStage, CallTarget, Invoke } from './pipeline.ts'

const callEvents = { tool: 'tool.call', prompt: 'prompt.get', resource: 'resource.read' } as const satisfies Record<CallSubject['kind'], AuditEventName>

/** As what the requests of MCP are recorded, by their methods. */
const methodEvents: ReadonlyMap<unknown, AuditEventName> = new Map([
  ['initialize', 'session.open'],
  ['ping', 'server.ping'],
  ['server/discover', 'server.discover'],
  ['logging/setLevel', 'session.log-level'],
  ['tools/list', 'tool.list'],
  ['tools/call', 'tool.call'],
  ['prompts/list', 'prompt.list'],
  ['prompts/get', 'prompt.get'],
  ['resources/list', 'resource.list'],
  ['resources/templates/list', 'resource.templates'],
  ['resources/read', 'resource.read'],
  ['resources/subscribe', 'subscription.open'],
  ['resources/unsubscribe', 'subscription.end'],
  ['subscriptions/listen', 'subscription.open'],
  ['completion/complete', 'completion.get'],
  ['tasks/get', 'task.get'],
  ['tasks/update', 'task.update'],
  ['tasks/cancel', 'task.cancel']
])

const callMethods: ReadonlySet<unknown> = new Set(['tools/call', 'prompts/get', 'resources/read'])

interface RunningCall {
  readonly event: AuditEventName
  readonly name: string
  readonly context: CallContext
  readonly source: AuditSource
  readonly arguments: AuditedArguments
  readonly startedAt: number
}

/**
 * Records who asked for what and what became of it: each call as a stage of the pipeline, each other request around its method, and what
 * was refused on its way where its error becomes an answer. Each has one line, which is written before its answer leaves.
 */
export class Audit {
  readonly stage: CallStage = { name: 'audit', wrap: (target, next) => this.#wrap(target, next) }
  readonly #sink: AuditSink
  /** Calls that have not answered at once. */
  readonly #running = new Set<RunningCall>()
  /** How many calls have come as far as the stage. */
  #entered = 0

  constructor (sink: AuditSink) { this.#sink = sink }

  /** Asked before something is done that has to be recorded. Throws AuditUnavailableError. */
  admit (event: AuditEventName): void {
    if (this.#sink.records(event)) this.#sink.admit()
  }

  /** Records what was done. Throws AuditUnavailableError. */
  record (event: AuditEventName, source: AuditSource, subject?: AuditSubject): void {
    this.#sink.record({ event, outcome: 'ok', source, subject })
  }

  /** Records what has happened in any case. Its line may be missing where lines cannot be written. Never throws. */
  note (event: AuditEventName, source: AuditSource): void {
    this.#sink.note({ event, outcome: 'ok', source })
  }

  /** Records what was refused before it did anything. `message` is what its body said, as far as that was read. Never throws. */
  refuse (error: GantryError, source: AuditSource, message?: unknown, where?: AuditSubject): void {
    if (error instanceof AuditUnavailableError) return // The sink counts these itself.
    const { method, params } = isObject(message) ? message : {}
    const known = methodEvents.get(method)
    const event = guardEventOf(error) ?? known ?? 'request.refused'
    const args = callMethods.has(method) && isObject(params) ? params['arguments'] : undefined
    this.#sink.note({
      event,
      outcome: outcomeOf(error),
      code: error.code,
      source,
      subject: { ...subjectOf(method, params), ...(event !== known && typeof method === 'string' && { method }), ...where, permission: permissionOf(error) },
      arguments: isObject(args) && this.#sink.records(event) ? this.#sink.digest(args) : undefined
    })
  }

  /** The same for what nothing becomes of when it is found. Throws what it throws. */
  lookingUp<Found> (find: () => Found, source: AuditSource, message: object, where?: AuditSubject): Found {
    try {
      return find()
    } catch (error) {
      if (error instanceof GantryError) this.refuse(error, source, message, where)
      throw error
    }
  }

  /** Serves a request of MCP and records what becomes of it, unless that is a call: then the stage does. */
  around (request: RpcRequest, exchange: Exchange, serve: () => string | Promise<string>): string | Promise<string> {
    const { method } = request
    const isCall = callMethods.has(method)
    const event = methodEvents.get(method)
    if (event !== undefined && !isCall) this.admit(event)
    const entered = this.#entered
    const served: ServedRequest = { request, source: asItCame(exchange), startedAt: performance.now() }
    let outcome
    try {
      outcome = serve()
    } catch (error) {
      // A call comes to its stage at once or never.
      if (!isCall || this.#entered === entered) this.#failed(served, error)
      throw error
    }
    if (isCall && this.#entered !== entered) return outcome
    if (typeof outcome !== 'string') return outcome.then((result) => { this.#succeeded(served); return result }, (error: unknown) => { this.#failed(served, error); throw error })
    this.#succeeded(served)
    return outcome
  }

  /** Records the calls that are still running: the process ends before they do. Never throws. */
  cutOff (): void {
    for (const call of this.#running) this.#sink.note(eventOf(call, 'cut_off'))
    this.#running.clear()
  }

  #succeeded ({ request: { method, params }, source, startedAt }: ServedRequest): void {
    // A subscription is recorded when it begins; its answer is its end.
    const event = method === 'subscriptions/listen' ? 'subscription.end' : methodEvents.get(method) ?? 'request.refused'
    this.#sink.record({ event, outcome: 'ok', durationMs: performance.now() - startedAt, source, subject: subjectOf(method, params) })
  }

  #failed ({ request, source, startedAt }: ServedRequest, error: unknown): void {
    const { method, params } = request
    const outcome = outcomeOf(error)
    if (error instanceof GantryError && (outcome === 'refused' || error instanceof AuditUnavailableError)) return this.refuse(error, source, request)
    const event = method === 'subscriptions/listen' && outcome === 'cancelled' ? 'subscription.end' : methodEvents.get(method) ?? 'request.refused'
    this.#sink.record({ event, outcome, code: codeOf(error), durationMs: performance.now() - startedAt, source, subject: subjectOf(method, params) })
  }

  #wrap<Result> (target: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> | undefined {
    const { name, kind } = target
    const event = callEvents[kind]
    const sink = this.#sink
    const running = this.#running
    if (!sink.records(event)) return undefined

    const succeeded = (call: RunningCall, result: Result): Result => {
      const failure = kind === 'tool' && (result as { isError?: unknown }).isError === true
      sink.record(failure ? eventOf(call, 'error', 'MCP_TOOL_REPORTED') : eventOf(call, 'ok'))
      return result
    }
    const failed = (call: RunningCall, error: unknown): never => {
      sink.record(eventOf(call, outcomeOf(error), codeOf(error)))
      throw error
    }
    return (args, context) => {
      this.#entered++
      sink.admit()
      const call: RunningCall = { event, name, context, source: asItCame(context), arguments: sink.digest(args), startedAt: performance.now() }
      let outcome
      try {
        outcome = next(args, context)
      } catch (error) {
        return failed(call, error)
      }
      if (!(outcome instanceof Promise)) return succeeded(call, outcome)
      running.add(call)
      return outcome.then(
        (result) => { running.delete(call); return succeeded(call, result) },
        (error: unknown) => { running.delete(call); return failed(call, error) }
      )
    }
  }
}

interface ServedRequest { readonly request: RpcRequest, readonly source: AuditSource, readonly startedAt: number }

/** A connection that is gone has no address any more. */
function asItCame ({ requestId, principal, door, address, sessionId, revision, clientName }: AuditSource): AuditSource {
  return { requestId, principal, door, address, sessionId, revision, clientName }
}

function eventOf ({ event, name, context, source, arguments: args, startedAt }: RunningCall, outcome: Outcome, code?: string): AuditEvent {
  const { uri } = context.metadata
  return {
    event,
    outcome,
    code,
    durationMs: performance.now() - startedAt,
    source,
    subject: { name: name === uri ? undefined : name, uri, within: context.within, task: context.lane?.taskId },
    arguments: args
  }
}

/** What a request is about, by its method. */
function subjectOf (method: unknown, params: unknown): AuditSubject {
  if (!isObject(params)) return {}
  switch (method) {
    case 'tools/call':
    case 'prompts/get': return { name: textIn(params['name']) }
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe': return { uri: textIn(params['uri']) }
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel': return { task: textIn(params['taskId']) }
    case 'completion/complete': {
      const { name, uri } = isObject(params['ref']) ? params['ref'] : {}
      return { name: textIn(name), uri: textIn(uri) }
    }
    default: return {}
  }
}

function textIn (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What a guard refuses has a name of its own, whatever was asked for. A new guard adds its error here. */
const guards: readonly (readonly [kind: abstract new (...args: never[]) => GantryError, event: AuditEventName])[] = [
  [AddressRefusedError, 'address.refused'],
  [HostRefusedError, 'origin.refused'],
  [UnauthenticatedError, 'auth.refused'],
  [CredentialMalformedError, 'auth.refused'],
  [IssuerUnavailableError, 'auth.refused'],
  [InsufficientScopeError, 'permission.refused'],
  [RateLimitedError, 'rate.refused']
]

function guardEventOf (error: GantryError): AuditEventName | undefined {
  return error.cause instanceof PermissionRefusedError ? 'permission.refused' : guards.find(([kind]) => error instanceof kind)?.[1]
}

function permissionOf ({ cause }: GantryError): string | undefined {
  return cause instanceof PermissionRefusedError ? cause.permission : undefined
}
