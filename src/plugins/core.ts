import fp from 'fastify-plugin'
import { createCore, type Core, type CoreOptions } from '../core/core.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The protocol: registries, pipeline, dispatcher. */
    core: Core
  }
}

/** Gives the app its protocol core, empty; the plugins after it fill the registries and add stages. */
export default fp<CoreOptions>(async function core (app, options) {
  app.decorate('core', createCore(options))
}, { name: 'core', fastify: '5.x' })
