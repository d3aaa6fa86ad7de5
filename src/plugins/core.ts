import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import type { EventBus } from '../core/bus.ts'
import { Changes } from '../core/changes.ts'
import { createCore, type Core, type CoreOptions } from '../core/core.ts'
import { createRequestStates } from '../core/request-state.ts'
import { ServerRequests } from '../core/server-requests.ts'
import type { Clock } from '../core/ports.ts'

export interface CorePluginOptions extends Omit<CoreOptions, 'changes' | 'requestStates'> {
  bus: EventBus
  clock: Clock
  /** Signs request state; undefined makes one for this process. */
  sessionSecret: string | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The protocol: registries, pipeline, dispatcher. */
    core: Core
    /** What this server asks of its clients in the 2025 era. */
    serverRequests: ServerRequests
  }
}

/** Long enough for a person to answer, short enough that a state which leaks is soon worth nothing. */
const requestStateTtlMs = 600_000

/** Gives the app its protocol core, empty; the plugins after it fill the registries and add stages. */
export default fp<CorePluginOptions>(async function core (app, { bus, clock, sessionSecret = randomBytes(32).toString('base64url'), ...options }) {
  const changes = new Changes(bus)
  const requests = new ServerRequests(bus)
  const requestStates = createRequestStates({ secret: sessionSecret, ttlMs: requestStateTtlMs, clock })
  app.decorate('core', createCore({ ...options, changes, requestStates }))
  app.decorate('serverRequests', requests)

  app.addHook('onReady', async function listenToInstances () {
    await Promise.all([changes.open(), requests.open()])
  })
  app.addHook('onClose', async function stopListening () {
    changes.close()
    requests.close()
  })
}, { name: 'core', fastify: '5.x', dependencies: ['bus'] })
