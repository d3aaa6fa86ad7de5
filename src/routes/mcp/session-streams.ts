import { randomUUID } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { changeNotification, type Changes } from '../../core/changes.ts'
import { StateUnavailableError } from '../../core/errors.ts'
import { whenExpired } from '../../core/expiry.ts'
import { notificationText } from '../../core/json-rpc.ts'
import type { Change, Logger, Principal } from '../../core/ports.ts'
import type { SessionRecord, SessionStore } from '../../core/session.ts'
import { EventStream, eventStreamHeaders, type OpenStreams } from './event-stream.ts'
import { findStream, resumeStream } from './resumption.ts'
import type { StreamKeeping } from './written-streams.ts'

export interface SessionStreamsOptions {
  sessions: SessionStore
  streams: OpenStreams
  changes: Changes
  keeping: StreamKeeping
  /** After how long sessions end that nobody uses; those with a stream are used more often. */
  idleTimeoutMs: number
  logger: Logger
}

export interface StreamRequest {
  lastEventId: string | undefined
  principal: Principal
  /** Gives back the place that the stream has among those of its caller. */
  release: () => void
  /** Called before it is answered, once there is a stream to answer with. What it throws refuses the stream. */
  record: () => void
}

const longestWatchMs = 60_000
/** Of one session; one takes the news, the others are spare. */
const maxStreams = 10
/** Where instances tell each other that a stream for news has closed. */
const closedChannel = 'stream-closed'

/** The streams that clients of the 2025 era open with GET: news that belong to no request, and the rest of streams that were cut off. */
export class SessionStreams {
  readonly #options: SessionStreamsOptions
  readonly #bySession = new Map<string, Map<string, EventStream>>()
  readonly #stop: () => void
  readonly #watch: NodeJS.Timeout
  #isClosed = false

  constructor (options: SessionStreamsOptions) {
    this.#options = options
    this.#stop = options.changes.listen((change) => { this.#forEachSession(async (id) => { await this.#tell(id, change) }) })
    // A session whose stream is open is not idle; a session that has ended has no stream.
    this.#watch = setInterval(() => { this.#forEachSession(async (id) => { if (await options.sessions.get(id) === undefined) this.end(id) }) }, Math.min(longestWatchMs, options.idleTimeoutMs / 2)).unref()
  }

  /** Hears of streams that close on other instances. */
  async listen (): Promise<void> {
    await this.#options.keeping.bus.subscribe(closedChannel, ({ sessionId, streamId }) => {
      if (typeof sessionId !== 'string' || typeof streamId !== 'string' || !this.#bySession.has(sessionId)) return
      this.#passOn(sessionId, streamId).catch((error: unknown) => { this.#complain(error) })
    }, { lasting: true })
  }

  /** Answers a GET. With the id of an event, the stream of that event goes on; else it is a new one for news. Rejects before it answers when there is no such stream. */
  async open (session: SessionRecord, reply: FastifyReply, { lastEventId, principal, release, record }: StreamRequest): Promise<void> {
    const { keeping } = this.#options
    let found
    try {
      found = lastEventId === undefined ? undefined : await findStream(keeping, session.id, lastEventId)
      record()
    } catch (error) {
      found?.leave()
      release()
      throw error
    }
    const stream = this.#answer(reply, principal, release)
    try {
      await (found === undefined ? this.#takeNews(session, stream) : resumeStream(keeping, found, stream))
      if (this.#isClosed) stream.end()
    } catch (error) {
      // Its client comes back, which is better than waiting for what never comes.
      stream.end()
      throw error
    }
  }

  #answer (reply: FastifyReply, principal: Principal, release: () => void): EventStream {
    const stream = new EventStream()
    stream.once('close', release)
    stream.once('close', whenExpired(principal, () => { stream.end() }))
    this.#options.streams.add(stream, 'endless')
    stream.comment('open')
    reply.headers(eventStreamHeaders).send(stream)
    return stream
  }

  async #takeNews (session: SessionRecord, stream: EventStream): Promise<void> {
    if (stream.destroyed) return
    const id = randomUUID()
    const siblings = this.#bySession.get(session.id) ?? new Map<string, EventStream>()
    this.#bySession.set(session.id, siblings.set(id, stream))
    const [oldest] = siblings.values()
    if (siblings.size > maxStreams) oldest?.end()
    stream.once('close', () => { this.#closed(session.id, id) })
    // The latest stream takes the news: an older one may be dead without anybody knowing.
    session.streamId = id
    await this.#options.sessions.update(session)
    // That it has ended elsewhere may have been told before there was a stream to end.
    if (await this.#options.sessions.get(session.id) === undefined) stream.end()
    else if (stream.destroyed) await this.#passOn(session.id, id)
  }

  /** Ends the streams of a session that has ended. */
  end (sessionId: string): void {
    for (const stream of this.#bySession.get(sessionId)?.values() ?? []) stream.end()
  }

  close (): void {
    this.#isClosed = true
    this.#stop()
    clearInterval(this.#watch)
  }

  #closed (sessionId: string, id: string): void {
    const siblings = this.#bySession.get(sessionId)
    siblings?.delete(id)
    if (siblings?.size === 0) this.#bySession.delete(sessionId)
    this.#tellClosed(sessionId, id).catch((error: unknown) => { this.#complain(error) })
  }

  async #tellClosed (sessionId: string, streamId: string): Promise<void> {
    await this.#options.keeping.bus.publish(closedChannel, { sessionId, streamId })
  }

  /** When the stream that took the news is gone, another one of the session takes them; of several instances, the last to say so. */
  async #passOn (sessionId: string, gone: string): Promise<void> {
    const session = await this.#options.sessions.get(sessionId)
    const [next] = this.#bySession.get(sessionId)?.keys() ?? []
    if (session?.streamId !== gone || next === undefined) return
    session.streamId = next
    await this.#options.sessions.update(session)
  }

  /** A message goes out on one stream only, wherever the session has streams. 2025-11-25 basic/transports, Multiple Connections. */
  async #tell (sessionId: string, change: Change): Promise<void> {
    const session = await this.#options.sessions.get(sessionId)
    if (session?.streamId === undefined) return
    if (change.kind === 'resource' && !session.subscriptions.includes(change.uri)) return
    const { method, params } = changeNotification(change)
    this.#bySession.get(sessionId)?.get(session.streamId)?.send(notificationText(method, params))
  }

  #forEachSession (visit: (sessionId: string) => Promise<void>): void {
    for (const id of [...this.#bySession.keys()]) {
      visit(id).catch((error: unknown) => { this.#complain(error) })
    }
  }

  /** That the state is away is logged once, where it is noticed. */
  #complain (error: unknown): void {
    if (!(error instanceof StateUnavailableError)) this.#options.logger.warn({ err: error }, 'A session could not be read: its stream gets no news for now.')
  }
}
