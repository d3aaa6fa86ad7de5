import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'

/** Requests byte by byte, for what no HTTP client would send, and from any address of the loopback. */

export interface RawRequest {
  port: number
  /** The address to call. */
  host?: string
  /** The address to call from. */
  from?: string | undefined
  method?: string
  /** The request target, as it stands in the first line. */
  target?: string
  headers?: readonly (readonly [name: string, value: string])[]
  body?: string
}

export interface RawAnswer { readonly status: number, readonly head: string, readonly body: string }

/** Sends a request on a connection of its own. A target is sent as it is. */
export async function sendRaw ({ port, host = '127.0.0.1', from, method = 'GET', target = '/', headers = [], body = '' }: RawRequest): Promise<RawAnswer> {
  const socket = connect({ port, host, ...(from !== undefined && { localAddress: from }) })
  const own = headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [`Host: localhost:${port}`]
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  socket.write([`${method} ${target} HTTP/1.1`, ...own, ...headers.map(([name, value]) => `${name}: ${value}`), ...length, 'Connection: close', '', body].join('\r\n'))
  return await read(socket)
}

async function read (socket: Socket): Promise<RawAnswer> {
  const [head = '', ...rest] = (await text(socket)).split('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), head, body: rest.join('\r\n\r\n') }
}
