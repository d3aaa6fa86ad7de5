import { request as httpRequest, type Agent } from 'node:http'
import { connect } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { anySession, type Attack } from './attacks.ts'

/** What came back. Without a status nothing did: the connection was closed. */
export interface Answer {
  readonly status: number | undefined
  /** Without its parameters; empty where there is none. */
  readonly mediaType: string
  readonly body: string
  readonly tookMs: number
  /** The server did not answer in time. */
  readonly isLate: boolean
}

export interface SendOptions { readonly origin: URL, readonly agent: Agent, readonly sessionId: string }

const maxWaitMs = 10_000
/** An event stream may stay open for good: what comes at once is what is looked at. */
const streamMs = 20
const maxBodyLength = 4_000_000

/** Sends an attack and reads what comes back. Never rejects for what the server does. */
export async function send (attack: Attack, options: SendOptions): Promise<Answer> {
  const began = performance.now()
  const answer = 'bytes' in attack ? await sendBytes(attack.bytes, options) : await sendRequest(attack, options)
  return { mediaType: '', body: '', status: undefined, isLate: false, ...answer, tookMs: performance.now() - began }
}

async function sendRequest ({ method, path, headers, body }: Exclude<Attack, { bytes: Buffer }>, { origin, agent, sessionId }: SendOptions): Promise<Partial<Answer>> {
  return await new Promise((resolve) => {
    const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value === anySession ? sessionId : value]))
    const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const request = httpRequest({ host: origin.hostname, port: origin.port, method, path, agent, headers: { ...given, ...length } })
    const limit = setTimeout(() => { end({ isLate: true }) }, maxWaitMs)
    const end = (answer: Partial<Answer>): void => {
      clearTimeout(limit)
      resolve(answer)
      if (answer.status === undefined || answer.mediaType === 'text/event-stream') request.destroy()
    }
    request.on('error', () => { end({}) })
    request.on('response', (response) => {
      const { statusCode: status, headers: { 'content-type': contentType = '', 'content-encoding': encoding } } = response
      const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
      const parts: Buffer[] = []
      let length = 0
      const finish = (): void => { end({ status, mediaType, body: decoded(Buffer.concat(parts), encoding) }) }
      response.on('data', (part: Buffer) => { if ((length += part.length) <= maxBodyLength) parts.push(part) })
      response.on('end', finish)
      response.on('error', finish)
      if (mediaType === 'text/event-stream') setTimeout(finish, streamMs)
    })
    request.end(body)
  })
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync }

/** As text. What cannot be decoded is left as it came, and judged so. */
function decoded (bytes: Buffer, encoding = 'identity'): string {
  try {
    return (decoders[encoding]?.(bytes) ?? bytes).toString()
  } catch {
    return bytes.toString()
  }
}

/** On a connection of its own, since nobody knows how it stands afterwards. Half of a request is cut off after a while. */
async function sendBytes (bytes: Buffer, { origin }: SendOptions): Promise<Partial<Answer>> {
  return await new Promise((resolve) => {
    const socket = connect({ host: origin.hostname, port: Number(origin.port) })
    let body = ''
    const end = (): void => {
      clearTimeout(limit)
      socket.destroy()
      const status = /^HTTP\/1\.1 (\d{3})/.exec(body)?.[1]
      resolve(status === undefined ? {} : { status: Number(status), body: body.slice(body.indexOf('\r\n\r\n') + 4) })
    }
    const limit = setTimeout(end, streamMs)
    socket.on('data', (part: Buffer) => { body += part.toString() })
    socket.on('close', end)
    socket.on('error', end)
    socket.end(bytes)
  })
}
