import type { JsonObject, Message } from './build.ts'
import { Failure, Fault } from './call-book.ts'
import { callLive, LiveSession, type LiveAnswer, type StreamEvent } from './live.ts'

export interface CallOptions {
  /** Takes what comes before the answer. */
  see?: (message: Message) => unknown
  /** After how many messages the client cuts the connection itself, to come back for the rest. */
  cutAfter?: number
}

const retryMs = 20
const maxRetries = 500
const maxAnswers = 20

/**
 * A client of the 2025 era behind a load balancer, as the specification has it: it comes back for streams that break, and it keeps a book
 * of what it was sent. Whatever comes twice, or was meant for somebody else, is a Fault.
 */
export class SteadyClient {
  readonly name: string
  readonly session: LiveSession
  readonly #origin: string
  readonly #seen = new Set<string>()
  readonly #answered = new Set<unknown>()
  readonly #heard = new Set<string>()
  readonly #listeners = new Map<string, () => void>()
  #ids = 0
  #faults: Fault[] = []
  #isEnding = false
  /** How often it came back for a stream. */
  resumptions = 0
  /** How many streams for news it has had. */
  newsStreams = 0

  private constructor (name: string, origin: string, session: LiveSession) {
    this.name = name
    this.#origin = origin
    this.session = session
  }

  static async open (name: string, origin: string): Promise<SteadyClient> {
    const session = await retrying(() => LiveSession.open(origin, { capabilities: { elicitation: {} } }))
    return new SteadyClient(name, origin, session)
  }

  /** What was wrong with messages that belong to no call. */
  get faults (): readonly Fault[] { return this.#faults }

  /** Calls a tool and gives the text of its answer. */
  async call (tool: string, args: JsonObject, { at = this.#origin, ...options }: CallOptions & { at?: string } = {}): Promise<string> {
    return textIn(await this.request('tools/call', { name: tool, arguments: args }, { at, ...options }))
  }

  /** Sends a request, and comes back for the answer where its stream breaks. */
  async request (method: string, params: JsonObject, { at = this.#origin, ...options }: CallOptions & { at?: string } = {}): Promise<Message> {
    const id = ++this.#ids
    const answer = await visibly(() => this.session.call(method, params, { id, meta: { progressToken: id }, at }))
    if (answer.status !== 200) throw new Failure(`status ${answer.status}`)
    return withoutError(answer.isStream ? await this.#follow(id, answer, options) : await this.#read(id, answer))
  }

  /** Answers a question of the server. When none takes the answer who asked is gone, as the stream of its call will say. */
  async answer (id: unknown, result: JsonObject): Promise<void> {
    try {
      await retrying(async () => {
        const status = await this.session.answer(id, result, this.#origin)
        if (status !== 202) throw new Failure(`status ${status}`)
      }, maxAnswers)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }

  /** Keeps a stream for news open until the session ends. */
  async listen (): Promise<void> {
    while (!this.#isEnding) {
      const stream = await retrying(async () => {
        const answer = await this.session.get({ at: this.#origin })
        if (answer.status === 200 || this.#isEnding) return answer
        await answer.rest()
        throw new Failure(`status ${answer.status}`)
      })
      this.newsStreams++
      try {
        for (let event = await stream.event(); event !== undefined; event = await stream.event()) this.#hear(event)
      } catch (error) {
        if (error instanceof Fault) this.#faults.push(error)
      }
    }
  }

  /** Whether a change of a resource was heard, waiting a while for it. */
  async hears (uri: string, waitMs: number): Promise<boolean> {
    if (this.#heard.has(uri)) return true
    return await new Promise((resolve) => {
      const late = setTimeout(() => { end(false) }, waitMs)
      const end = (isHeard: boolean): void => {
        clearTimeout(late)
        this.#listeners.delete(uri)
        resolve(isHeard)
      }
      this.#listeners.set(uri, () => { end(true) })
    })
  }

  /** Ends the session; every instance knows it no more then. */
  async end (): Promise<void> {
    this.#isEnding = true
    await retrying(async () => {
      const status = await this.session.end(this.#origin)
      // After a try of which nobody knows how it ended.
      if (status !== 204 && status !== 404) throw new Failure(`status ${status}`)
    })
  }

  async #read (id: number, answer: LiveAnswer): Promise<Message> {
    const [message, ...more] = await visibly(() => answer.rest())
    if (message === undefined || more.length > 0) throw new Fault(`${more.length} messages beside the answer to ${id}`)
    return this.#take(id, message)
  }

  async #follow (id: number, answer: LiveAnswer, { see = () => {}, cutAfter = Infinity }: CallOptions): Promise<Message> {
    let stream = answer
    let last: string | undefined
    let count = 0
    for (;;) {
      try {
        for (let event = await stream.event(); event !== undefined; event = await stream.event()) {
          last = this.#note(event) ?? last
          if (event.message === undefined) continue
          if (event.message.method === undefined) return await this.#takeLast(id, event.message, stream)
          await see(event.message)
          if (++count === cutAfter) {
            stream.cut()
            break
          }
        }
      } catch (error) {
        if (!isBroken(error)) throw error
        if (last === undefined) throw new Failure('broken')
      }
      if (last === undefined) throw new Fault(`the stream of ${id} ended without an answer or a way back`)
      stream = await this.#comeBack(last)
    }
  }

  /** Takes an answer, after which nothing comes. */
  async #takeLast (id: number, message: Message, stream: LiveAnswer): Promise<Message> {
    const taken = this.#take(id, message)
    const more = await stream.events().catch((error: unknown) => {
      if (!isBroken(error)) throw error
      return []
    })
    if (more.length > 0) throw new Fault(`something came after the answer to ${id}`)
    return taken
  }

  async #comeBack (lastEventId: string): Promise<LiveAnswer> {
    this.resumptions++
    return await retrying(async () => {
      const answer = await this.session.get({ lastEventId, at: this.#origin })
      if (answer.status === 200) return answer
      await answer.rest()
      throw new Failure(`status ${answer.status}`)
    })
  }

  /** No event twice. */
  #note ({ id }: StreamEvent): string | undefined {
    if (id === undefined) return undefined
    if (this.#seen.has(id)) throw new Fault(`the event ${id} came twice`)
    this.#seen.add(id)
    return id
  }

  /** No answer twice, and none to another call. */
  #take (id: number, message: Message): Message {
    if (message.id !== id) throw new Fault(`an answer to ${String(message.id)} came to ${id}`)
    if (this.#answered.has(id)) throw new Fault(`${id} was answered twice`)
    this.#answered.add(id)
    return message
  }

  #hear (event: StreamEvent): void {
    this.#note(event)
    const uri = String(event.message?.params?.['uri'])
    if (event.message?.method !== 'notifications/resources/updated' || !uri.startsWith(`item://${this.name}-`)) throw new Fault(`news for somebody else: ${JSON.stringify(event.message)}`)
    if (this.#heard.has(uri)) throw new Fault(`the news of ${uri} came twice`)
    this.#heard.add(uri)
    this.#listeners.get(uri)?.()
  }
}

/** Calls a tool in the 2026 era, and gives the text of its answer. Nothing brings such a call back. */
export async function callModern (origin: string, tool: string, args: JsonObject, see: (message: Message) => void = () => {}): Promise<string> {
  const capabilities = { elicitation: {} }
  const first = await requestModern(origin, { name: tool, arguments: args }, capabilities, see)
  if (first.result?.['resultType'] !== 'input_required') return textIn(first)
  const { inputRequests, requestState } = first.result
  const answers = Object.keys(inputRequests as JsonObject).map((key) => [key, { action: 'accept', content: { word: args['word'] } }])
  return textIn(await requestModern(origin, { name: tool, arguments: args, requestState, inputResponses: Object.fromEntries(answers) }, capabilities, see))
}

async function requestModern (origin: string, params: JsonObject, capabilities: JsonObject, see: (message: Message) => void): Promise<Message> {
  const answer = await visibly(() => callLive(origin, 'tools/call', params, { id: 1, capabilities, meta: { progressToken: 1 } }))
  if (answer.status === 502) throw new Failure('status 502')
  let message: Message | undefined
  if (answer.isStream) {
    for (let next = await visibly(() => answer.message()); next !== undefined; next = await visibly(() => answer.message())) {
      if (message !== undefined) throw new Fault('something came after the answer')
      if (next.method === undefined) message = next
      else see(next)
    }
  } else {
    [message] = await visibly(() => answer.rest())
  }
  if (message?.id !== 1) throw new Fault(`no answer: ${JSON.stringify(message)}`)
  return withoutError(message)
}

function withoutError (message: Message): Message {
  const { error } = message
  if (error !== undefined) throw new Failure(`error ${error.code}: ${error.message}`)
  return message
}

function textIn ({ result }: Message): string {
  const text = result?.content?.[0]?.text
  if (text === undefined) throw new Fault(`an answer without text: ${JSON.stringify(result)}`)
  if (result?.isError === true) throw new Failure(text)
  return text
}

/** What breaks below HTTP is a failure, as any client sees it; that nothing came for long is none. */
async function visibly<Value> (work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    throw isBroken(error) ? new Failure('broken') : error
  }
}

/** How `fetch` tells that a connection could not be made, or broke. */
function isBroken (error: unknown): boolean { return error instanceof TypeError }

/** Tries again what may be done twice. */
async function retrying<Value> (work: () => Promise<Value>, tries = maxRetries): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await visibly(work)
    } catch (error) {
      if (error instanceof Fault || attempt === tries) throw error
      await new Promise((resolve) => { setTimeout(resolve, retryMs) })
    }
  }
}
