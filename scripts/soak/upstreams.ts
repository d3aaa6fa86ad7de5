import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The APIs that `http` tools of the soak call: one that works, and one that hangs, breaks off or does not end. */
export interface Upstreams { readonly good: string, readonly bad: string, stop (): void }

const floodPart = 'x'.repeat(65_536)

const answerSum: RequestListener = (request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://upstream')
  response.setHeader('content-type', 'text/plain').end(String(Number(searchParams.get('a')) + Number(searchParams.get('b'))))
}

const misbehave: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://upstream')
  if (pathname === '/drop') request.socket.destroy()
  if (pathname !== '/flood') return
  const flood = (): void => { while (!response.destroyed && response.write(floodPart)); }
  response.on('drain', flood).on('error', () => {})
  flood()
}

export async function startUpstreams (): Promise<Upstreams> {
  const servers = [answerSum, misbehave].map((listener) => createServer(listener))
  const [good, bad] = await Promise.all(servers.map(async (server) => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }))
  return {
    good: good as string,
    bad: bad as string,
    stop () { for (const server of servers) { server.close(); server.closeAllConnections() } }
  }
}
