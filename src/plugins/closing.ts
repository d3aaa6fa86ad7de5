import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Those that the app listens with beside `server`, once it does. */
    readonly otherServers: () => readonly Server[]
  }
}

const sweepMs = 20

/**
 * While the server ends, closes each connection as soon as its last answer is out. Node closes those that are idle at the start of the
 * end; a client that keeps its connection open for another request would hold up the end until it lets go. One that never sent anything,
 * such as browsers and HTTP clients open in advance, Node takes for busy until the time for its headers is over.
 */
export default fp(async function closing (app) {
  const open = new Set<Socket>()
  let others: readonly Server[] = []
  let sweep: NodeJS.Timeout | undefined
  app.decorate('otherServers', () => otherServers(app))

  function watchConnection (socket: Socket): void {
    open.add(socket)
    socket.once('close', () => { open.delete(socket) })
  }

  app.server.on('connection', watchConnection)
  app.addHook('onListen', async function watchOthers () {
    others = app.otherServers()
    for (const server of others) server.on('connection', watchConnection)
  })
  app.addHook('preClose', async function sweepConnections () {
    if (!app.server.listening) return
    sweep = setInterval(() => {
      app.server.closeIdleConnections()
      // Fastify ends the others when the first has ended; until then they would take new clients. This closes what is idle, too.
      if (!app.server.listening) for (const server of others) server.close()
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    }, sweepMs)
  })
  app.addHook('onClose', async function awaitOthers () {
    await Promise.all(others.map(ended))
    clearInterval(sweep)
  })
}, { name: 'closing', fastify: '5.x' })

/** Where a name such as `localhost` has several addresses, Fastify serves each with a server of its own, which it shows nobody. */
function otherServers (app: FastifyInstance): readonly Server[] {
  const bindings = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.serverBindings')
  return bindings === undefined ? [] : [...(app as unknown as Record<symbol, Server[]>)[bindings] ?? []]
}

/** Waits for the last connection, where Fastify waits for those of its first server only. */
async function ended (server: Server): Promise<void> {
  const end = once(server, 'close')
  server.close() // This tells of an end in the past, too.
  await end
}
