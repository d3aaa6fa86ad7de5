import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

const sweepMs = 20

/**
 * While the server ends, closes each connection as soon as its last answer is out. Node closes those that are idle at the start of the
 * end; a client that keeps its connection open for another request would hold up the end until it lets go. One that never sent anything,
 * such as browsers and HTTP clients open in advance, Node takes for busy until the time for its headers is over.
 */
export default fp(async function closing (app) {
  const open = new Set<Socket>()
  app.server.on('connection', function watchConnection (socket: Socket) {
    open.add(socket)
    socket.once('close', () => { open.delete(socket) })
  })
  app.addHook('preClose', async function sweepConnections () {
    if (!app.server.listening) return
    const sweep = setInterval(() => {
      app.server.closeIdleConnections()
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    }, sweepMs)
    app.server.once('close', () => { clearInterval(sweep) })
  })
}, { name: 'closing', fastify: '5.x' })
