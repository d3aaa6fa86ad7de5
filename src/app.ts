import { randomBytes } from 'node:crypto'
import { fastify, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Clock, ToolHandler } from './core/ports.ts'
import type { DefinedTool } from './tools/define-tool.ts'
import { isLoopback } from './core/origin.ts'
import type { Config } from '../schemas/config/index.ts'
import auth from './plugins/auth.ts'
import bus from './plugins/bus.ts'
import closing from './plugins/closing.ts'
import compression from './plugins/compression.ts'
import core from './plugins/core.ts'
import entries from './plugins/entries.ts'
import errors, { answerUnrouted } from './plugins/errors.ts'
import jsonBody from './plugins/json-body.ts'
import originGuard from './plugins/origin-guard.ts'
import pressure from './plugins/pressure.ts'
import redis from './plugins/redis.ts'
import securityHeaders from './plugins/security-headers.ts'
import sessions from './plugins/sessions.ts'
import streamLog from './plugins/stream-log.ts'
import tasks from './plugins/tasks.ts'
import mcpRoutes from './routes/mcp/index.ts'
import opsRoutes from './routes/ops.ts'
import sseRoutes from './routes/sse.ts'
import toolRoutes from './routes/tools.ts'

export interface AppOptions {
  config: Config
  /** What relative paths in the configuration are relative to. */
  baseDir: string
  cwd?: string
  /** Functions that `registry` handlers name. */
  handlers?: ReadonlyMap<string, ToolHandler>
  /** Tools defined in code, beside those of the configuration. */
  tools?: readonly DefinedTool[]
  /** Where the server's log goes; without it, nowhere. */
  logger?: FastifyBaseLogger
  clock?: Clock
  /** Signs what travels through clients and comes back; instances that share work share it. Without it, one is made for this process. */
  sessionSecret?: string | undefined
}

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
  await registerState(app, options)
  await registerShared(app, options)
  await app.register(closing)
  await app.register(errors)
  await app.register(auth)
  await app.register(securityHeaders, { enabled: config.server.securityHeaders })
  await app.register(compression, config.server.compression)
  await app.register(pressure, config.server.pressure)
  await app.register(opsRoutes)
  await app.register(async function guarded (scope) {
    await scope.register(jsonBody)
    await scope.register(originGuard, {
      loopback: isLoopback(config.host),
      allowedHosts: config.server.allowedHosts,
      allowedOrigins: config.server.allowedOrigins
    })
    await scope.register(mcpRoutes, {
      core: app.core,
      path: config.server.path,
      sessions: app.sessions,
      requests: app.serverRequests,
      keeping: { log: app.streamLog, bus: app.bus, logger: app.core.logger },
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
        idleTimeoutMs: config.server.sessionIdleTimeout
      })
    }
    await scope.register(toolRoutes, { core: app.core })
  })
}

/** Builds the same server without its HTTP side, for stdio. */
export async function buildStdioApp (options: AppOptions): Promise<GantryApp> {
  const app = createContainer(options)
  await app.register(bus, { redis: undefined, logger: options.logger ?? app.log })
  await registerShared(app, options)
  return app
}

/** What is kept between requests: in this process, or in the Redis that several instances share. */
async function registerState (app: FastifyInstance, { config, logger = app.log, clock = systemClock }: AppOptions): Promise<void> {
  await app.register(redis, { section: config.redis, logger, clock })
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
async function registerShared (app: FastifyInstance, { config, baseDir, cwd = process.cwd(), handlers = new Map(), tools = [], logger = app.log, clock = systemClock, sessionSecret }: AppOptions): Promise<void> {
  const { name, version, description, instructions, server } = config
  await app.register(tasks, { section: server.tasks, redis: app.redis, bus: app.bus, logger, clock })
  await app.register(core, {
    serverInfo: { name, version, ...(description !== undefined && { description }) },
    instructions,
    pageSize: server.pageSize,
    strictness: server.protocol.strictness,
    maskHandlerErrors: server.maskHandlerErrors,
    logger,
    bus: app.bus,
    tasks: app.tasks,
    clock,
    sessionSecret
  })
  await app.register(entries, {
    sources: config,
    definedTools: tools,
    handlers,
    baseDir,
    cwd,
    handlerRoots: server.handlerRoots,
    defaultTimeoutMs: server.requestTimeout,
    taskTimeoutMs: server.tasks.maxDuration,
    logger
  })
}

function createContainer ({ config: { server } }: AppOptions): FastifyInstance {
  const prefix = randomBytes(4).toString('hex')
  let count = 0
  return fastify({
    // Fastify gets no logger: having one, it makes a child for each request and times each answer, which costs more than most calls.
    // What there is to log about requests goes through the core's logger.
    logger: false,
    frameworkErrors: answerUnrouted,
    genReqId: () => `${prefix}-${(++count).toString(36)}`,
    bodyLimit: server.maxRequestSize,
    keepAliveTimeout: server.keepAliveTimeout,
    http: { headersTimeout: server.headersTimeout },
    forceCloseConnections: 'idle',
    // What still arrives on an open connection while the server ends is answered, and the connection with it.
    return503OnClosing: false,
    exposeHeadRoutes: false
  })
}
