import { randomBytes } from 'node:crypto'
import { fastify, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Clock, ToolHandler } from './core/ports.ts'
import type { HandlerTrace } from './tools/containment/handler-trace.ts'
import type { DefinedTool } from './tools/define-tool.ts'
import type { AccessLog } from './core/access.ts'
import { CacheHints } from './core/cache-hints.ts'
import { allowsPages, isLoopback, type OriginRules } from './core/origin.ts'
import { compileTrust } from './core/proxies.ts'
import type { Redactor } from './core/redaction.ts'
import type { Config } from '../schemas/config/index.ts'
import accessLog from './plugins/access-log.ts'
import audit from './plugins/audit.ts'
import auth from './plugins/auth.ts'
import authenticator from './plugins/authenticator.ts'
import bus from './plugins/bus.ts'
import cache from './plugins/cache.ts'
import closing from './plugins/closing.ts'
import connections, { refuseUnreadable } from './plugins/connections.ts'
import compression from './plugins/compression.ts'
import core from './plugins/core.ts'
import cors from './plugins/cors.ts'
import databases from './plugins/databases.ts'
import entries from './plugins/entries.ts'
import errors, { answerUnknown, answerUnrouted } from './plugins/errors.ts'
import health from './plugins/health.ts'
import httpRateLimit from './plugins/http-rate-limit.ts'
import jsonBody from './plugins/json-body.ts'
import ipFilter from './plugins/ip-filter.ts'
import opsAccess from './plugins/ops-access.ts'
import meter from './plugins/meter.ts'
import metrics from './plugins/metrics.ts'
import metricsListener from './plugins/metrics-listener.ts'
import originGuard from './plugins/origin-guard.ts'
import pressure from './plugins/pressure.ts'
import rateLimit from './plugins/rate-limit.ts'
import redis from './plugins/redis.ts'
import securityHeaders from './plugins/security-headers.ts'
import sessions from './plugins/sessions.ts'
import streamLog from './plugins/stream-log.ts'
import tasks from './plugins/tasks.ts'
import mcpRoutes from './routes/mcp/index.ts'
import metricsRoutes from './routes/metrics.ts'
import opsRoutes from './routes/ops.ts'
import sseRoutes from './routes/sse.ts'
import toolRoutes from './routes/tools.ts'
import wellKnownRoutes from './routes/well-known.ts'

export interface AppOptions {
  config: Config
  /** What relative paths in the configuration are relative to. */
  baseDir: string
  cwd?: string
  /** Functions that `registry` handlers name. */
  handlers?: ReadonlyMap<string, ToolHandler>
  /** Tools defined in code, beside those of the configuration. */
  tools?: readonly DefinedTool[]
  /** Of a program that owns its process and answers for what handlers leave running in it. */
  trace?: HandlerTrace
  /** Where the server's log goes; without it, nowhere. */
  logger?: FastifyBaseLogger
  /** Where a line of each request goes; without it, nowhere. */
  accesses?: AccessLog | undefined
  clock?: Clock
  /** Takes the secrets of the configuration out of what clients are told of a failure. */
  redactor?: Redactor
  /** Signs what travels through clients and comes back; instances that share work share it. Without it, one is made for this process. */
  sessionSecret?: string | undefined
  /** The key of the digests of API keys. Without it, one is made for this process: then only keys in plain text are found. */
  apiKeySalt?: string | undefined
  /** Seals the lines of the audit log, so that nobody without it can make or change one. */
  auditKey?: string | undefined
}

export { AuditFileError, ListenerError, ReferencedFileError } from './core/errors.ts'
export { listenFailure } from './core/listen-failure.ts'
export { EntryFaultsError } from './plugins/entries.ts'

/** The Fastify app that serves a configuration. `core` holds the protocol. */
export type GantryApp = FastifyInstance

const systemClock: Clock = { now: () => Date.now() }

/** Builds the HTTP server. Rejects with EntryFaultsError when something that the configuration names cannot be built. */
export async function buildApp (options: AppOptions): Promise<GantryApp> {
  const app = createContainer(options)
  try {
    await assemble(app, options)
    return app
  } catch (error) {
    await app.close() // What was opened on the way would keep the process from ending.
    throw error
  }
}

async function assemble (app: FastifyInstance, options: AppOptions): Promise<void> {
  const { config } = options
  // First of all, so that it sees what the others refuse.
  await app.register(accessLog, { accesses: options.accesses })
  await app.register(meter, { enabled: config.metrics?.enabled === true })
  await registerState(app, options)
  await registerShared(app, options)
  await app.register(closing)
  await app.register(connections, { max: config.server.maxConnections })
  await app.register(errors)
  await app.register(securityHeaders, { enabled: config.server.securityHeaders })
  await app.register(compression, config.server.compression)
  await app.register(pressure, config.server.pressure)
  const { authentication, permissions, ipWhitelist: allowed } = config.security
  const rules: OriginRules = {
    loopback: isLoopback(config.host),
    allowedHosts: config.server.allowedHosts,
    allowedOrigins: config.server.allowedOrigins
  }
  const clock = options.clock ?? systemClock
  await app.register(authenticator, {
    section: authentication,
    permissions,
    realm: config.name,
    salt: options.apiKeySalt ?? randomBytes(32).toString('base64url'),
    clock,
    logger: app.core.logger
  })
  if (config.health.enabled) {
    await app.register(health, { section: config.health, redis: app.redis, databases: app.databases, clock })
    await app.register(async function ops (scope) {
      await scope.register(opsAccess, { section: config.security, rules })
      await scope.register(opsRoutes, { path: config.health.path, redact: options.redactor?.text, clock })
    })
  }
  if (config.metrics?.enabled === true) {
    const { path, host = '127.0.0.1', port } = config.metrics
    await app.register(metrics)
    if (port !== undefined) await app.register(metricsListener, { host, port, path, logger: app.core.logger })
    else {
      await app.register(async function scraped (scope) {
        await scope.register(ipFilter, { allowed })
        await scope.register(originGuard, rules)
        await scope.register(auth, { section: authentication, permissions })
        await scope.register(metricsRoutes, { path, isUndeclared: authentication?.enabled !== true && permissions === undefined })
      })
    }
  }
  await app.register(async function published (scope) {
    await scope.register(ipFilter, { allowed })
    if (authentication?.enabled === true && authentication.oauth !== undefined) await scope.register(wellKnownRoutes, { oauth: authentication.oauth, name: config.name })
  })
  await app.register(async function guarded (scope) {
    await scope.register(ipFilter, { allowed })
    await scope.register(jsonBody)
    await scope.register(originGuard, rules)
    await scope.register(cors, { enabled: allowsPages(rules), keyHeader: authentication?.headerName })
    await scope.register(auth, { section: authentication, permissions })
    if (app.rateLimits !== undefined) await scope.register(httpRateLimit, { limits: app.rateLimits, legacyHeaders: config.security.rateLimit?.legacyHeaders ?? false })
    // Here, so that what is not there is refused like what is: to the caller that may not know.
    scope.setNotFoundHandler(answerUnknown)
    await scope.register(mcpRoutes, {
      core: app.core,
      path: config.server.path,
      sessions: app.sessions,
      requests: app.serverRequests,
      stores: { log: app.streamLog, bus: app.bus, logger: app.core.logger, clock },
      idleTimeoutMs: config.server.sessionIdleTimeout
    })
    if (app.sseSessions !== undefined) {
      await scope.register(sseRoutes, {
        core: app.core,
        path: config.server.protocol.httpSse.path,
        messagesPath: config.server.protocol.httpSse.messagesPath,
        sessions: app.sseSessions,
        requests: app.serverRequests,
        bus: app.bus,
        accesses: options.accesses,
        idleTimeoutMs: config.server.sessionIdleTimeout
      })
    }
    await scope.register(toolRoutes, { core: app.core })
  })
}

/** Builds the same server without its HTTP side, for stdio. */
export async function buildStdioApp (options: AppOptions): Promise<GantryApp> {
  const app = createContainer(options)
  await app.register(meter, { enabled: false })
  await app.register(bus, { redis: undefined, logger: options.logger ?? app.log })
  await registerShared(app, options)
  return app
}

/** What is kept between requests: in this process, or in the Redis that several instances share. */
async function registerState (app: FastifyInstance, { config, baseDir, logger = app.log, clock = systemClock }: AppOptions): Promise<void> {
  await app.register(redis, { section: config.redis, baseDir, logger, clock })
  await app.register(bus, { redis: app.redis, logger })
  await app.register(streamLog, { redis: app.redis, clock })
  await app.register(sessions, {
    mode: config.server.protocol.sessions,
    httpSse: config.server.protocol.httpSse.enabled,
    redis: app.redis,
    idleTimeoutMs: config.server.sessionIdleTimeout,
    maxSessions: config.server.maxSessions,
    maxSessionsPerPrincipal: config.server.maxSessionsPerPrincipal,
    clock
  })
}

/** What HTTP and stdio have in common, in order: the core, then the stages of a call, then the entries that are composed from them. */
async function registerShared (app: FastifyInstance, { config, baseDir, cwd = process.cwd(), handlers = new Map(), tools = [], trace, logger = app.log, clock = systemClock, redactor, sessionSecret, auditKey }: AppOptions): Promise<void> {
  const { name, version, description, instructions, server } = config
  await app.register(audit, { section: config.security.audit, version, baseDir, key: auditKey, redact: redactor?.text, meter: app.meter, logger, clock })
  await app.register(rateLimit, { section: config.security.rateLimit, tools: config.tools, apiKeys: config.security.authentication?.apiKeys ?? [], redis: app.redis, logger, clock })
  await app.register(tasks, { section: server.tasks, redis: app.redis, bus: app.bus, logger, clock })
  await app.register(cache, { section: config.caching, tools: [...config.tools, ...tools], server: { name, version }, redis: app.redis, clock })
  await app.register(databases, { section: config.databases, serverName: name, logger, clock })
  await app.register(core, {
    serverInfo: { name, version, ...(description !== undefined && { description }) },
    instructions,
    pageSize: server.pageSize,
    maxResultBytes: server.maxResultBytes,
    databases: app.databases,
    cacheHints: new CacheHints(server.protocol.cacheHints, config.security.authentication?.enabled ?? false),
    streamLimits: { maxStreams: server.maxStreams, maxStreamsPerPrincipal: server.maxStreamsPerPrincipal, maxAnonymousStreams: server.maxAnonymousStreams },
    strictness: server.protocol.strictness,
    maskHandlerErrors: server.maskHandlerErrors,
    redact: redactor?.text,
    logger,
    bus: app.bus,
    tasks: app.tasks,
    audit: app.audit,
    meter: app.meter,
    cache: app.cache,
    clock,
    sessionSecret
  })
  await app.register(entries, {
    sources: config,
    definedTools: tools,
    handlers,
    trace,
    baseDir,
    cwd,
    handlerRoots: server.handlerRoots,
    defaultTimeoutMs: server.requestTimeout,
    taskTimeoutMs: server.tasks.maxDuration,
    maxResultBytes: server.maxResultBytes,
    upstreams: server.upstreams,
    databases: app.databases,
    cache: app.cache,
    logger
  })
}

function createContainer ({ config: { server } }: AppOptions): FastifyInstance {
  // Node would exchange the two where the headers have more time than the whole.
  const headersTimeout = Math.min(server.headersTimeout, server.receiveTimeout)
  const prefix = randomBytes(4).toString('hex')
  let count = 0
  return fastify({
    // Fastify gets no logger: having one, it makes a child for each request and times each answer, which costs more than most calls.
    // What there is to log about requests goes through the core's logger.
    logger: false,
    frameworkErrors: answerUnrouted,
    genReqId: () => `${prefix}-${(++count).toString(36)}`,
    trustProxy: compileTrust(server.trustProxy),
    bodyLimit: server.maxRequestSize,
    keepAliveTimeout: server.keepAliveTimeout,
    requestTimeout: server.receiveTimeout,
    http: { headersTimeout, connectionsCheckingInterval: checkMs(headersTimeout) },
    clientErrorHandler: refuseUnreadable,
    forceCloseConnections: 'idle',
    // What still arrives on an open connection while the server ends is answered, and the connection with it.
    return503OnClosing: false,
    exposeHeadRoutes: false
  })
}

/** How often Node looks for clients that take too long: soon enough for the shortest of their limits. */
function checkMs (shortestMs: number): number {
  return Math.max(10, Math.min(5_000, shortestMs / 4))
}
