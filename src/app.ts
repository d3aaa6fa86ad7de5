import { randomBytes } from 'node:crypto'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Clock, ToolHandler } from './core/ports.ts'
import type { DefinedTool } from './tools/define-tool.ts'
import { isLoopback } from './core/origin.ts'
import type { Config } from '../schemas/config/index.ts'
import auth from './plugins/auth.ts'
import compression from './plugins/compression.ts'
import core from './plugins/core.ts'
import entries from './plugins/entries.ts'
import errors from './plugins/errors.ts'
import jsonBody from './plugins/json-body.ts'
import originGuard from './plugins/origin-guard.ts'
import pressure from './plugins/pressure.ts'
import securityHeaders from './plugins/security-headers.ts'
import sessions from './plugins/sessions.ts'
import mcpRoutes from './routes/mcp/index.ts'
import opsRoutes from './routes/ops.ts'
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
}

export { EntryFaultsError } from './plugins/entries.ts'

/** The Fastify app that serves a configuration. `core` holds the protocol. */
export type GantryApp = FastifyInstance

const systemClock: Clock = { now: () => Date.now() }

/** Builds the HTTP server. Rejects with EntryFaultsError when something that the configuration names cannot be built. */
export async function buildApp (options: AppOptions): Promise<GantryApp> {
  const { config } = options
  const app = createContainer(options)
  await app.register(errors)
  await app.register(auth)
  await registerShared(app, options)
  await app.register(securityHeaders, { enabled: config.server.securityHeaders })
  await app.register(compression, config.server.compression)
  await app.register(pressure, config.server.pressure)
  await app.register(sessions, {
    mode: config.server.protocol.sessions,
    idleTimeoutMs: config.server.sessionIdleTimeout,
    maxSessions: config.server.maxSessions,
    clock: options.clock ?? systemClock
  })
  await app.register(opsRoutes)
  await app.register(async function guarded (scope) {
    await scope.register(jsonBody)
    await scope.register(originGuard, {
      loopback: isLoopback(config.host),
      allowedHosts: config.server.allowedHosts,
      allowedOrigins: config.server.allowedOrigins
    })
    await scope.register(mcpRoutes, { core: app.core, path: config.server.path, sessions: app.sessions })
    await scope.register(toolRoutes, { core: app.core })
  })
  return app
}

/** Builds the same server without its HTTP side, for stdio. */
export async function buildStdioApp (options: AppOptions): Promise<GantryApp> {
  const app = createContainer(options)
  await registerShared(app, options)
  return app
}

/** What HTTP and stdio have in common, in order: the core, then the stages of a call, then the entries that are composed from them. */
async function registerShared (app: FastifyInstance, { config, baseDir, cwd = process.cwd(), handlers = new Map(), tools = [], logger }: AppOptions): Promise<void> {
  const { name, version, description, instructions, server } = config
  await app.register(core, {
    serverInfo: { name, version, ...(description !== undefined && { description }) },
    instructions,
    pageSize: server.pageSize,
    maskHandlerErrors: server.maskHandlerErrors
  })
  await app.register(entries, {
    sources: config,
    definedTools: tools,
    handlers,
    baseDir,
    cwd,
    handlerRoots: server.handlerRoots,
    defaultTimeoutMs: server.requestTimeout,
    logger: logger ?? app.log
  })
}

function createContainer ({ config: { server }, logger }: AppOptions): FastifyInstance {
  const prefix = randomBytes(4).toString('hex')
  let count = 0
  return fastify({
    // Fastify gets no logger of its own, because one makes it time and watch every answer. What it and we log about a request
    // goes to the server's logger all the same: one for all, since a child for each request costs more than most calls.
    logger: false,
    ...(logger !== undefined && { childLoggerFactory: () => logger }),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => `${prefix}-${(++count).toString(36)}`,
    bodyLimit: server.maxRequestSize,
    keepAliveTimeout: server.keepAliveTimeout,
    http: { headersTimeout: server.headersTimeout },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false
  })
}
