import type { CacheHints } from './cache-hints.ts'
import type { Audit } from './audit.ts'
import type { ResultCache } from './cache/result-cache.ts'
import { NotAvailableError } from './call-errors.ts'
import type { ServerInfo } from './descriptions.ts'
import { databaseForCall, type Database } from './database.ts'
import { Dispatcher, type Method, type MethodTable } from './dispatcher.ts'
import { Caller, type PromptEntry, type Registries, type ResourceEntry, type ResourceTemplateEntry, type ToolEntry } from './entries.ts'
import { InFlight } from './in-flight.ts'
import { findResource, mayWatch, type FoundResource } from './lookup.ts'
import { createCompletionMethods } from './methods/completion.ts'
import { createDiscoverMethod, pingMethod, shakeHands, type Handshake } from './methods/lifecycle.ts'
import { createSetLevelMethod } from './methods/logging.ts'
import { createPromptMethods } from './methods/prompts.ts'
import { createListenMethod, createSubscribeMethods } from './methods/subscriptions.ts'
import { StreamSlots, type StreamLimits } from './stream-slots.ts'
import { Subscriptions } from './subscriptions.ts'
import type { Meter } from './meter.ts'
import { createResourceMethods } from './methods/resources.ts'
import { createTaskMethods, offersTasks } from './methods/tasks.ts'
import { createToolMethods } from './methods/tools.ts'
import type { Changes } from './changes.ts'
import type { RequestStates } from './request-state.ts'
import { Rounds } from './rounds.ts'
import { Pipeline } from './pipeline.ts'
import { Registry } from './registry.ts'
import type { Tasks } from './tasks/tasks.ts'
import type { Strictness } from './tolerance.ts'
import { Tolerance, type ToleratedCounts } from './tolerating.ts'
import { isModern } from './versions.ts'
import { createWire } from './wire.ts'
import type { JsonObject, Logger } from './ports.ts'

export interface CoreOptions {
  serverInfo: ServerInfo
  instructions: string | undefined
  /** Entries on one page of a list. */
  pageSize: number
  /** Bytes that a prompt, or what is read of a resource, may have. Unless given, there is no bound. Each tool has its own. */
  maxResultBytes?: number
  /** Hide what handlers throw from clients; the log has it. */
  maskHandlerErrors: boolean
  /** Takes secrets out of what clients are told of a failure. */
  redact?: ((text: string) => string) | undefined
  /** The server's own log. */
  logger: Logger
  requestStates: RequestStates
  changes: Changes
  streamLimits: StreamLimits
  cacheHints: CacheHints
  /** Without them, tools that could run as tasks give their results themselves. */
  tasks?: Tasks | undefined
  /** Without it, nothing is recorded. */
  audit?: Audit | undefined
  /** Without it, nothing is counted. */
  meter?: Meter | undefined
  /** Without it, no results are kept. */
  cache?: ResultCache | undefined
  /** By name; none unless given. */
  databases?: ReadonlyMap<string, Database>
  /** `lenient` unless given. */
  strictness?: Strictness
}

/** Everything the bindings (HTTP, REST, stdio) share. */
export interface Core extends Registries {
  readonly logger: Logger
  readonly changes: Changes
  readonly pipeline: Pipeline
  readonly caller: Caller
  readonly dispatcher: Dispatcher
  /** The streams that wait for news, of either era. */
  readonly streamSlots: StreamSlots
  /** The open `subscriptions/listen` requests. */
  readonly subscriptions: Subscriptions
  /** The calls that are running and can be cancelled. */
  readonly inFlight: InFlight
  /** Undefined where nothing is recorded. */
  readonly audit: Audit | undefined
  /** Undefined where nothing is counted. */
  readonly meter: Meter | undefined
  /** Decides what clients that deviate from the protocol are borne with. */
  readonly tolerance: Tolerance
  /** How often they were, by client and deviation, as it is now. */
  readonly tolerated: ToleratedCounts
  /** Answers `initialize`; keeping the session is up to the binding. */
  shakeHands (params: JsonObject, options: { hasSession: boolean }): Handshake
}

/** Wires the protocol together. No I/O: entries come from outside through the registries. */
export function createCore ({ serverInfo, instructions, pageSize, maxResultBytes = Infinity, maskHandlerErrors, redact, logger, requestStates, changes, streamLimits, cacheHints, tasks, audit, meter, cache, databases = new Map(), strictness = 'lenient' }: CoreOptions): Core {
  const registries = {
    tools: new Registry<ToolEntry>(),
    prompts: new Registry<PromptEntry>(),
    resources: new Registry<ResourceEntry>(),
    templates: new Registry<ResourceTemplateEntry>()
  }
  const inFlight = new InFlight()
  const caller: Caller = new Caller(inFlight, {
    readResource (uri, exchange, reader) {
      const find = (): FoundResource => findResource(registries, uri, exchange.principal)
      const { entry, variables } = audit === undefined ? find() : audit.lookingUp(find, exchange, { method: 'resources/read', params: { uri } }, { within: reader.metadata.toolName })
      return caller.call(entry, variables, exchange, { uri, reader })
    },
    announce: async (change) => { await changes.announce(change) },
    cacheOf (subject) {
      if (cache === undefined) throw new NotAvailableError('context.cache', 'the configuration has no "caching" that is on.')
      return cache.handlerCacheOf(subject)
    },
    databaseOf: (name, call) => databaseForCall(databases, name, call)
  })
  const wire = createWire(serverInfo)
  const tolerance = new Tolerance({ strictness, logger })
  const parts = { ...registries, tolerance, caller, rounds: new Rounds(requestStates), wire, cacheHints, pageSize, maxResultBytes, serverInfo, instructions, tasks, inFlight, audit, meter, offersTasks: tasks === undefined ? () => false : offersTasks(registries.tools) }

  const common: [string, Method][] = [
    ...createToolMethods(parts), ...createPromptMethods(parts), ...createResourceMethods(parts), ...createCompletionMethods(parts)
  ]
  const streamSlots = new StreamSlots(streamLimits)
  const subscriptions = new Subscriptions({
    changes,
    inFlight,
    slots: streamSlots,
    mayWatch: (uri, principal) => mayWatch(registries, uri, principal),
    tasks: () => parts.offersTasks() ? tasks : undefined,
    audit
  })
  const legacy: MethodTable = new Map([...common, pingMethod, createSetLevelMethod(tolerance), ...createSubscribeMethods(parts)])
  const modern: MethodTable = new Map([...common, createDiscoverMethod(parts), createListenMethod(subscriptions, wire), ...(tasks === undefined ? [] : createTaskMethods({ ...parts, tasks }))])

  const pipeline = new Pipeline({ maskHandlerErrors, redact })
  if (meter !== undefined) pipeline.use(meter.stage)
  if (audit !== undefined) pipeline.use(audit.stage)
  if (cache !== undefined) pipeline.use(cache.stage).use(cache.invalidation)

  return {
    ...registries,
    logger,
    changes,
    pipeline,
    caller,
    streamSlots,
    subscriptions,
    inFlight,
    audit,
    meter,
    tolerance,
    get tolerated () { return tolerance.counts },
    dispatcher: new Dispatcher({ tableOf: (revision) => isModern(revision) ? modern : legacy, inFlight, tolerance, audit }),
    shakeHands: (params, options) => shakeHands(params, options, parts)
  }
}
