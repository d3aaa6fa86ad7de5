import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'
import { GantryError, HostRefusedError, InternalError, ListenerError, MethodNotAllowedError, RouteUnknownError } from '../core/errors.ts'
import { problemOf, problemType } from '../core/http-errors.ts'
import { listenFailure } from '../core/listen-failure.ts'
import { compileOriginRules, isLoopback } from '../core/origin.ts'
import type { Logger } from '../core/ports.ts'

export interface MetricsListenerOptions {
  host: string
  /** 0 takes any that is free. */
  port: number
  path: string
  logger: Logger
}

/** Scrapers are few. */
const maxConnections = 50
const receiveTimeoutMs = 10_000
const decidedBy = { port: '"metrics.port" in the configuration, or METRICS_PORT', host: '"metrics.host" in the configuration' }

/**
 * Serves metrics, and nothing else, at an address of their own, from when the app is ready until it is closed: they tell of its end, too.
 * No credential is asked for. `ready` rejects with ListenerError where the address cannot be had.
 */
export default fp<MetricsListenerOptions>(async function metricsListener (app, { host, port, path, logger }) {
  const verdict = compileOriginRules({ loopback: isLoopback(host), allowedHosts: undefined, allowedOrigins: [] })
  const server = createServer({ requestTimeout: receiveTimeoutMs }, (request, response) => { void serve(request, response) })
  server.maxConnections = maxConnections

  async function serve (request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      refuse(request)
      send(response, 200, app.metrics.contentType, await app.metrics.write())
    } catch (error) {
      const known = error instanceof GantryError ? error : new InternalError({ cause: error })
      if (known instanceof InternalError) logger.error({ err: error }, 'The metrics could not be read.')
      response.setHeaders(new Map(Object.entries(known.headers)))
      send(response, known.status, problemType, JSON.stringify(problemOf(known)))
    }
  }

  /** Throws what is to be answered to anything but a scrape. A page that a browser shows is none, whatever name it found for this address. */
  function refuse ({ method = '', url = '', headers }: IncomingMessage): void {
    if (verdict(headers.host, headers.origin) !== 'allowed') throw new HostRefusedError('Metrics are not served under this host name, nor to pages.')
    const [asked = ''] = url.split('?', 1)
    if (asked !== path) throw new RouteUnknownError(method, asked)
    if (method !== 'GET' && method !== 'HEAD') throw new MethodNotAllowedError(`${method} is not a method of this address: use GET, HEAD.`, ['GET', 'HEAD'])
  }

  app.addHook('onReady', async function listen () {
    server.listen({ host, port })
    try {
      await once(server, 'listening')
    } catch (error) {
      throw new ListenerError(listenFailure(error as NodeJS.ErrnoException, { host, port, decidedBy }), { cause: error })
    }
    server.on('error', (error) => { logger.warn({ err: error }, 'The listener for metrics has a fault.') })
    const { address, family, port: bound } = server.address() as AddressInfo
    logger.info(`Metrics are served at http://${family === 'IPv6' ? `[${address}]` : address}:${bound}${path}`)
  })
  app.addHook('onClose', async function stopListening () {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
}, { name: 'metrics-listener', fastify: '5.x', dependencies: ['metrics'] })

function send (response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' }).end(text)
}
