import { once } from 'node:events'
import { Agent, createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import type { Test } from './build.ts'
import { deferred } from './waiting.ts'

/** A plain load balancer: each request goes to any of the instances, whatever session it is of. */
export interface Balancer {
  readonly origin: string
  /** Resolves when an instance was found to be gone: it gets no more requests. */
  readonly gone: Promise<void>
}

/**
 * Starts one that picks by `random` (0 up to 1). Streams pass as they come. A request to an instance that is gone is answered with 502,
 * and the instance gets no more of them; an answer that breaks off breaks off.
 */
export async function startBalancer (t: Test, origins: readonly string[], random: () => number): Promise<Balancer> {
  const agent = new Agent()
  const { promise: gone, resolve } = deferred()
  const instances = new Set(origins)

  function pass (incoming: IncomingMessage, reply: ServerResponse): void {
    const origin = [...instances][Math.floor(random() * instances.size)]
    if (origin === undefined) return refuse(reply)
    const outgoing = send(`${origin}${incoming.url ?? '/'}`, { agent, method: incoming.method, headers: { ...incoming.headers, host: new URL(origin).host } })
    outgoing.once('response', (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers)
      reply.flushHeaders()
      pipeline(answer, reply, () => {}) // what breaks on one side is broken off on the other
    })
    outgoing.on('error', (error) => {
      if ('code' in error && error.code === 'ECONNREFUSED') {
        instances.delete(origin)
        resolve()
      }
      if (reply.headersSent) reply.destroy()
      else refuse(reply)
    })
    reply.once('close', () => { outgoing.destroy() })
    incoming.pipe(outgoing)
  }

  // Connections of clients stay: one that is closed in the moment in which it is used would look like a failure of the instances.
  const server = createServer({ keepAliveTimeout: 0 }, pass).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
    agent.destroy()
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, gone }
}

function refuse (reply: ServerResponse): void {
  reply.writeHead(502, { 'content-type': 'text/plain' })
  reply.end('The instance is gone.')
}
