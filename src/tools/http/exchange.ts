import type { Transform } from 'node:stream'
import type { Dispatcher } from 'undici'
import { decoderFor, type DecoderFactory } from './decoder.ts'
import type { OutgoingRequest } from './request.ts'

export type AnswerHeaders = Record<string, string | string[] | undefined>
/** A whole response, decompressed. The body of an error response may be cut. */
export interface Answer { readonly status: number, readonly headers: AnswerHeaders, readonly body: Buffer }

/** Why a response is of no use, beside what undici and Node report. */
export class UnusableAnswer extends Error {
  override get name (): string { return 'UnusableAnswer' }
}
/** What a limit of time is for: the whole attempt, the headers of the answer, or the next part of its body. */
export type TimedPart = 'whole' | 'headers' | 'body'
/** The time of one attempt, or of a part of it, is over. */
export class AttemptTimeout extends Error {
  readonly timeoutMs: number
  readonly part: TimedPart
  constructor (timeoutMs: number, part: TimedPart = 'whole') {
    super(`No answer within ${timeoutMs} ms.`)
    this.timeoutMs = timeoutMs
    this.part = part
  }

  override get name (): string { return 'AttemptTimeout' }
}

export interface ExchangeLimits {
  readonly timeoutMs: number
  /** How much of that is over. */
  readonly waitedMs: number
  /** From the request to the headers of the answer; undefined for no limit beside the whole. */
  readonly headersTimeoutMs: number | undefined
  /** The longest pause in the body of the answer. */
  readonly bodyTimeoutMs: number | undefined
  readonly maxBytes: number
  readonly signal: AbortSignal
}

// Enough for any message that is worth an excerpt of 500 characters.
const maxErrorBodyBytes = 64 * 1024

/**
 * Sends one request and reads the whole answer. Rejects with the reason of the signal, AttemptTimeout, UnusableAnswer, or
 * the error of undici. Settles at once when time is up, also while undici still waits for a connection.
 */
export function exchange (dispatcher: Dispatcher, request: OutgoingRequest, limits: ExchangeLimits): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (limits.signal.aborted) {
      reject(limits.signal.reason)
      return
    }
    const reader = new AnswerReader(request.method === 'HEAD', limits, resolve, reject)
    const { origin, path, method, headers, body } = request
    try {
      // The reader's own clock counts, so undici's are off.
      dispatcher.dispatch({ origin, path, method, headers, body: body ?? null, headersTimeout: 0, bodyTimeout: 0 }, reader)
    } catch (error) {
      reader.fail(error)
    }
  })
}

class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #headersOnly: boolean
  readonly #limits: ExchangeLimits
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (reason: unknown) => void
  readonly #timer: NodeJS.Timeout
  #partTimer: NodeJS.Timeout | undefined
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #settled: { reason: Error } | undefined
  #bytes = 0
  #status = 0
  #headers: AnswerHeaders = {}
  #createDecoder: DecoderFactory | undefined
  #decoder: Transform | undefined

  constructor (headersOnly: boolean, limits: ExchangeLimits, resolve: (answer: Answer) => void, reject: (reason: unknown) => void) {
    this.#headersOnly = headersOnly
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.fail(new AttemptTimeout(limits.timeoutMs)), Math.max(0, limits.timeoutMs - limits.waitedMs))
    limits.signal.addEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => { this.fail(this.#limits.signal.reason) }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Time was up while the request stood in the queue: it must not be sent any more.
    if (this.#settled !== undefined) controller.abort(this.#settled.reason)
    else this.#limitPart('headers', this.#limits.headersTimeoutMs)
  }

  onResponseStart (_: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200 || this.#settled !== undefined) return
    this.#status = status
    this.#headers = headers
    this.#limitPart('body', this.#limits.bodyTimeoutMs)
    const decoder = decoderFor(String(headers['content-encoding'] ?? ''))
    if (decoder === 'unknown') {
      this.fail(new UnusableAnswer(`the answer is encoded as ${JSON.stringify(String(headers['content-encoding']).slice(0, 60))}, which was not asked for`))
    } else if (decoder !== undefined) {
      this.#createDecoder = decoder
    } else if (!this.#headersOnly && this.#isSuccess() && Number(headers['content-length'] ?? 0) > this.#limits.maxBytes) {
      this.#failTooLarge()
    }
  }

  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled !== undefined) return
    this.#partTimer?.refresh()
    if (this.#createDecoder === undefined) {
      this.#take(chunk)
      return
    }
    this.#decoder ??= this.#openDecoder(this.#createDecoder(chunk), controller)
    if (!this.#decoder.write(chunk)) controller.pause()
  }

  onResponseEnd (): void {
    if (this.#settled !== undefined) return
    if (this.#decoder === undefined) this.#finish()
    else this.#decoder.end()
  }

  onResponseError (_: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  fail (reason: unknown): void {
    if (this.#settled !== undefined) return
    this.#settle(reason instanceof Error ? reason : new Error('The request was ended.', { cause: reason }))
    this.#reject(reason)
    this.#drop()
  }

  #limitPart (part: TimedPart, ms: number | undefined): void {
    clearTimeout(this.#partTimer)
    this.#partTimer = ms === undefined ? undefined : setTimeout(() => this.fail(new AttemptTimeout(ms, part)), ms)
  }

  #openDecoder (decoder: Transform, controller: Dispatcher.DispatchController): Transform {
    return decoder
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('drain', () => controller.resume())
      .on('end', () => this.#finish())
      .on('error', (cause) => this.fail(new UnusableAnswer('the compressed answer is broken', { cause })))
  }

  #take (chunk: Buffer): void {
    if (this.#settled !== undefined) return
    this.#bytes += chunk.length
    if (this.#isSuccess() && this.#bytes > this.#limits.maxBytes) {
      this.#failTooLarge()
      return
    }
    this.#chunks.push(chunk)
    if (!this.#isSuccess() && this.#bytes >= maxErrorBodyBytes) {
      this.#finish()
      this.#drop()
    }
  }

  #finish (): void {
    if (this.#settled !== undefined) return
    this.#settle(new UnusableAnswer('the answer is longer than what is read of it'))
    const [first] = this.#chunks
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#bytes)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  #failTooLarge (): void {
    this.fail(new UnusableAnswer(`the answer is larger than the limit of ${this.#limits.maxBytes} bytes (maxResponseBytes)`))
  }

  #settle (reason: Error): void {
    this.#settled = { reason }
    clearTimeout(this.#timer)
    clearTimeout(this.#partTimer)
    this.#limits.signal.removeEventListener('abort', this.#onAbort)
  }

  /** Stops what is still on its way. */
  #drop (): void {
    if (this.#settled !== undefined) this.#controller?.abort(this.#settled.reason)
    this.#decoder?.destroy()
  }

  #isSuccess (): boolean {
    return this.#status < 300
  }
}
