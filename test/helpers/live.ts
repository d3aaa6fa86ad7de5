import { initialize, modernHeaders, modernMessage, readMessages, type GantryApp, type HeaderValues, type JsonObject, type LegacyRevision, type Message } from './build.ts'

/** Clients on real connections, for what needs an open one: streams that are read as they come, and connections that are cut. */

export interface StreamEvent {
  readonly id: string | undefined
  readonly retry: string | undefined
  /** Undefined for an event without one, and for a comment. */
  readonly message: Message | undefined
}

const both = 'application/json, text/event-stream'
/** What a test waits for comes soon or never; that an instance is gone is noticed after a while. */
const maxWaitMs = 25_000

export async function listen (app: GantryApp): Promise<string> {
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

/** An HTTP answer that is read bit by bit. */
export class LiveAnswer {
  readonly status: number
  readonly headers: Headers
  readonly #body: ReadableStreamDefaultReader<string> | undefined
  readonly #connection: AbortController
  #text = ''
  #ended = false

  constructor (response: Response, connection: AbortController) {
    this.status = response.status
    this.headers = response.headers
    this.#body = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    this.#connection = connection
  }

  get isStream (): boolean { return this.headers.get('content-type')?.split(';')[0] === 'text/event-stream' }

  /** The next event of a stream, comments left out; undefined at its end. */
  async event (): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end < 0) {
        if (this.#ended) return undefined
        await this.#read()
        continue
      }
      const lines = this.#text.slice(0, end).split('\n')
      this.#text = this.#text.slice(end + 2)
      if (lines.every((line) => line.startsWith(':'))) continue
      const field = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = field('data') ?? ''
      return { id: field('id'), retry: field('retry'), message: data === '' ? undefined : JSON.parse(data) as Message }
    }
  }

  /** The next message of a stream; undefined at its end. */
  async message (): Promise<Message | undefined> {
    for (let event = await this.event(); event !== undefined; event = await this.event()) if (event.message !== undefined) return event.message
    return undefined
  }

  /** All that is still to come, of a stream or of one document. */
  async rest (): Promise<Message[]> {
    while (!this.#ended) await this.#read()
    return readMessages(this.#text, this.headers.get('content-type') ?? '')
  }

  async events (): Promise<StreamEvent[]> {
    const events: StreamEvent[] = []
    for (let event = await this.event(); event !== undefined; event = await this.event()) events.push(event)
    return events
  }

  /** Cuts the connection. */
  cut (): void { this.#connection.abort() }

  async #read (): Promise<void> {
    const part = this.#body === undefined ? undefined : await within(this.#body.read())
    if (part?.value === undefined) this.#ended = true
    else this.#text += part.value
  }
}

async function within<Value> (work: Promise<Value>): Promise<Value> {
  let timer
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => { reject(new Error(`Nothing came within ${maxWaitMs} ms.`)) }, maxWaitMs) })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

interface SendOptions { body?: unknown, headers?: HeaderValues, method?: string, connection?: AbortController | undefined }

async function send (url: string, { body, headers = {}, method = 'POST', connection = new AbortController() }: SendOptions): Promise<LiveAnswer> {
  const given = Object.entries({ accept: both, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const response = await within(fetch(`${url}/mcp`, { method, headers: given, signal: connection.signal, ...(body !== undefined && { body: JSON.stringify(body) }) }))
  return new LiveAnswer(response, connection)
}

export interface LiveCallOptions { id?: string | number, meta?: JsonObject, capabilities?: JsonObject, headers?: HeaderValues }

/** Sends a request of the 2026 era. */
export async function callLive (address: string, method: string, params: JsonObject = {}, { id = 1, meta = {}, capabilities = {}, headers = {} }: LiveCallOptions = {}): Promise<LiveAnswer> {
  const body = modernMessage(method, params, { id, meta: { 'io.modelcontextprotocol/clientCapabilities': capabilities, ...meta } })
  return await send(address, { body, headers: { ...modernHeaders(method, params), ...headers } })
}

/** A client of the 2025 era in its session. Each request may go to another instance: `at` is its address. */
export class LiveSession {
  readonly id: string
  readonly #address: string
  readonly #revision: LegacyRevision

  private constructor (address: string, id: string, revision: LegacyRevision) {
    this.#address = address
    this.id = id
    this.#revision = revision
  }

  static async open (address: string, { revision = '2025-11-25', capabilities = {} }: { revision?: LegacyRevision, capabilities?: JsonObject } = {}): Promise<LiveSession> {
    const answer = await send(address, { body: initialize(revision, capabilities) })
    await answer.rest()
    const id = answer.headers.get('mcp-session-id')
    if (id === null) throw new Error(`No session was opened: ${answer.status}`)
    return new LiveSession(address, id, revision)
  }

  async call (method: string, params: JsonObject = {}, { id = 1, meta, at, headers }: { id?: string | number, meta?: JsonObject, at?: string, headers?: HeaderValues } = {}): Promise<LiveAnswer> {
    return await this.post({ jsonrpc: '2.0', id, method, params: { ...params, ...(meta !== undefined && { _meta: meta }) } }, { at, headers })
  }

  async post (body: unknown, { at = this.#address, headers = {} }: { at?: string | undefined, headers?: HeaderValues | undefined } = {}): Promise<LiveAnswer> {
    return await send(at, { body, headers: { ...this.#headers, ...headers } })
  }

  /** Answers a request of the server; gives the status. */
  async answer (id: unknown, result: unknown, at?: string): Promise<number> { return await this.#deliver({ jsonrpc: '2.0', id, result }, at) }
  async refuse (id: unknown, error: JsonObject, at?: string): Promise<number> { return await this.#deliver({ jsonrpc: '2.0', id, error }, at) }
  async notify (method: string, params: JsonObject = {}, at?: string): Promise<number> { return await this.#deliver({ jsonrpc: '2.0', method, params }, at) }

  /** Opens a stream, or comes back for one. Who gives the connection can cut it before there is an answer. */
  async get ({ lastEventId, at = this.#address, connection }: { lastEventId?: string | undefined, at?: string, connection?: AbortController } = {}): Promise<LiveAnswer> {
    return await send(at, { method: 'GET', connection, headers: { ...this.#headers, accept: 'text/event-stream', 'last-event-id': lastEventId } })
  }

  async end (at = this.#address): Promise<number> {
    const answer = await send(at, { method: 'DELETE', headers: this.#headers })
    await answer.rest()
    return answer.status
  }

  get #headers (): HeaderValues {
    return { 'mcp-session-id': this.id, ...(this.#revision >= '2025-06-18' && { 'mcp-protocol-version': this.#revision }) }
  }

  async #deliver (body: unknown, at?: string): Promise<number> {
    const answer = await this.post(body, { at })
    await answer.rest()
    return answer.status
  }
}
