import fp from 'fastify-plugin'

const sweepMs = 20

/**
 * While the server ends, closes each connection as soon as its last answer is out. Node closes those that are idle at the start of the
 * end; a client that keeps its connection open for another request would hold up the end until it lets go.
 */
export default fp(async function closing (app) {
  app.addHook('preClose', async function sweepConnections () {
    if (!app.server.listening) return
    const sweep = setInterval(() => { app.server.closeIdleConnections() }, sweepMs)
    app.server.once('close', () => { clearInterval(sweep) })
  })
}, { name: 'closing', fastify: '5.x' })
