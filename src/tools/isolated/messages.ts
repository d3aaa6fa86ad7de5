import type { HandlerContext, JsonObject, LogLevel, Logger } from '../../core/ports.ts'

/** What the main thread and the thread of a handler say to each other. */

/** What a thread is started with. */
export interface ThreadData { readonly url: string, readonly path: string }

/** The facts of a call, as they stand in its context. */
export type CallFacts = Pick<HandlerContext, 'requestId' | 'sessionId' | 'principal' | 'metadata' | 'traceparent'>

/** Pool to thread: does the module export this function? */
export interface CheckRequest { readonly type: 'check', readonly exportName: string }
/** Pool to thread: call it. */
export interface CallRequest { readonly type: 'call', readonly exportName: string, readonly args: JsonObject, readonly facts: CallFacts }
/** Main to thread, while a call runs. */
export type Message = AbortMessage | AnswerMessage
/** The call was given up. */
export interface AbortMessage { readonly type: 'abort' }
export interface AnswerMessage { readonly type: 'answer', readonly id: number, readonly value?: unknown, readonly error?: { readonly message: string, readonly code: string | undefined } }

/** What of a context gives something back. */
export const askMethods = ['elicit', 'elicitUrl', 'sample', 'roots', 'startTask', 'announce', 'readResource'] as const satisfies readonly (keyof HandlerContext)[]
/** `queryDatabase` stands for `db(name).query(text, values)`, `useCache` for the methods of `cache`. */
export type AskMethod = typeof askMethods[number] | 'queryDatabase' | 'useCache'

/** What a call does with its context. */
export type CallEvent =
  | { readonly type: 'progress', readonly progress: number, readonly total: number | undefined, readonly message: string | undefined }
  | { readonly type: 'log', readonly level: LogLevel, readonly data: unknown, readonly logger: string | undefined }
  | { readonly type: 'logger', readonly level: keyof Logger, readonly facts: object, readonly sentence: string | undefined }
  | { readonly type: 'suspend', readonly retryMs: number | undefined }
  | { readonly type: 'ask', readonly id: number, readonly method: AskMethod, readonly args: readonly unknown[] }

export type Outcome =
  | { readonly type: 'value', readonly value: unknown }
  | ThrownOutcome
  | { readonly type: 'checked' }
  /** The module does not load, or has no such function; `path` is the key of the handler that is wrong. */
  | { readonly type: 'faulty', readonly path: readonly (string | number)[], readonly message: string }
  | { readonly type: 'timeout' }

/** `answerId` names the answer whose error came through the handler as it was. */
export interface ThrownOutcome { readonly type: 'thrown', readonly message: string, readonly stack: string | undefined, readonly answerId: number | undefined }

/** What a thread of a handler is asked, and what it tells. */
export interface IsolatedWork { request: CheckRequest | CallRequest, event: CallEvent, outcome: Outcome }
