import { Agent, type Dispatcher } from 'undici'
import type { HttpHandler } from '../../../schemas/handler.ts'
import { CancelledError, ToolFailedError } from '../../core/call-errors.ts'
import { GantryError, HandlerLoadError } from '../../core/errors.ts'
import type { HandlerContext, HandlerOwner, HandlerResolver, JsonObject, ToolHandler } from '../../core/ports.ts'
import { exchange, type Answer } from '../http/exchange.ts'
import { connectionFailure, statusFailure } from '../http/failure.ts'
import { compileRedaction, type Redaction } from '../http/redaction.ts'
import { compileRequest, finishRequest, type OutgoingRequest, type RequestTemplate } from '../http/request.ts'
import { headResult, readContent, resultOf, transformableBody } from '../http/result.ts'
import { isRepeatable, realTiming, sendRepeatedly, type RetryTiming } from '../http/retry.ts'
import { createRunningCalls } from '../http/running.ts'
import { defaults, type HttpSpec } from '../http/spec.ts'
import { applyTransform, compileTransform, transformableRequest, type Transform, type TransformKey, type TransformSandbox } from '../http/transform.ts'
import { together } from '../together.ts'

export interface HttpResolverOptions {
  /** Runs the transforms. */
  readonly sandbox: TransformSandbox
  /** A dispatcher of the embedding program, which then closes it; without it the resolver has an Agent of its own. */
  readonly agent?: Dispatcher
  /** The most connections to one origin. */
  readonly connections?: number
  readonly connectTimeoutMs?: number
  /** How long close() lets running requests finish. */
  readonly closeTimeoutMs?: number
  readonly timing?: RetryTiming
}
export interface HttpResolver extends HandlerResolver<HttpHandler> {
  resolve (spec: HttpSpec, owner: HandlerOwner): Promise<ToolHandler>
  /** Lets running requests finish within a limit, then ends them. */
  close (): Promise<void>
}

const mib = 1024 * 1024
const maxTransformOutputBytes = 10 * mib

/** All that a handler needs at a call, made once. */
interface Upstream {
  readonly owner: HandlerOwner
  readonly dispatcher: Dispatcher
  readonly timing: RetryTiming
  readonly template: RequestTemplate
  readonly timeoutMs: number
  readonly retries: number
  readonly maxBytes: number
  readonly hide: Redaction
  readonly requestTransform: Transform | undefined
  readonly responseTransform: Transform | undefined
}

/** Makes handlers of type `http`: one pool of connections for all of them. */
export function createHttpResolver (options: HttpResolverOptions): HttpResolver {
  const { connections = 128, connectTimeoutMs = 5000, closeTimeoutMs = 5000, timing = realTiming } = options
  const dispatcher = options.agent ?? new Agent({ connections, connectTimeout: connectTimeoutMs })
  const calls = createRunningCalls()

  return {
    type: 'http',
    async resolve (spec, owner) {
      const [template, retries, requestTransform, responseTransform] = await together(
        () => compileRequest(spec, owner.name),
        () => checkRetries(spec),
        () => resolveTransform('requestTransform', spec, options.sandbox, owner),
        () => resolveTransform('responseTransform', spec, options.sandbox, owner)
      )
      const upstream: Upstream = {
        owner,
        dispatcher,
        timing,
        template,
        timeoutMs: spec.timeout ?? defaults.timeout,
        retries,
        maxBytes: spec.maxResponseBytes ?? defaults.maxResponseBytes,
        hide: compileRedaction(spec),
        requestTransform,
        responseTransform
      }
      return (args, context) => {
        if (calls.closed) throw new ToolFailedError(`${owner.name}: Gantry is shutting down.`)
        return calls.track(callUpstream(upstream, args, context))
      }
    },
    async close () {
      await calls.close(closeTimeoutMs)
      // Not agent.close(): an Agent that is closing has let go of its connections, and could not end them at the limit.
      if (options.agent === undefined) await dispatcher.destroy()
    }
  }
}

async function callUpstream (upstream: Upstream, args: JsonObject, context: HandlerContext): Promise<unknown> {
  const { owner, dispatcher, timing, timeoutMs, maxBytes } = upstream
  const { signal } = context
  const deadline = timing.now() + owner.timeoutMs
  try {
    const request = await makeRequest(upstream, args, context)
    const retries = isRepeatable(request.method, request.headers) ? upstream.retries : 0
    const outcome = await sendRepeatedly(() => exchange(dispatcher, request, { timeoutMs, maxBytes, signal }), { retries, deadline, timing, signal })
    if ('error' in outcome) throw connectionFailure(owner.name, request, outcome.error, outcome.attempts)
    if (outcome.answer.status >= 300) throw statusFailure(owner.name, request, outcome.answer, outcome.attempts, upstream.hide)
    return await makeResult(upstream, request, outcome.answer, args, context)
  } catch (error) {
    if (signal.aborted) throw signal.reason instanceof Error ? signal.reason : new CancelledError()
    throw error
  }
}

async function makeRequest ({ owner, template, requestTransform }: Upstream, args: JsonObject, context: HandlerContext): Promise<OutgoingRequest> {
  const draft = template.draft(args, context)
  if (requestTransform === undefined) return finishRequest(draft, owner.name)
  const returned = await transformed('requestTransform', owner, () => requestTransform(transformableRequest(draft), args, context))
  return finishRequest(applyTransform(draft, returned, template.allowed, owner.name), owner.name)
}

async function makeResult ({ owner, responseTransform }: Upstream, request: OutgoingRequest, answer: Answer, args: JsonObject, context: HandlerContext): Promise<unknown> {
  if (responseTransform === undefined && request.method === 'HEAD') return headResult(answer)
  let content
  try {
    content = readContent(answer)
  } catch (error) {
    throw connectionFailure(owner.name, request, error, 1)
  }
  if (responseTransform === undefined) return resultOf(content)
  const response = { status: answer.status, headers: answer.headers, body: transformableBody(content) }
  const result = await transformed('responseTransform', owner, () => responseTransform(response, args, context))
  if (result === undefined) throw new ToolFailedError(`${owner.name}: responseTransform returned nothing: it must return the result, or null.`)
  return result
}

async function transformed (key: TransformKey, { name }: HandlerOwner, run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run()
  } catch (error) {
    // Limits of the sandbox speak for themselves; what the code throws needs to say whose it is.
    if (error instanceof GantryError && !(error instanceof ToolFailedError)) throw error
    throw new ToolFailedError(`${name}: ${key} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

async function resolveTransform (key: TransformKey, spec: HttpSpec, sandbox: TransformSandbox, owner: HandlerOwner): Promise<Transform | undefined> {
  const code = spec[key]
  if (code === undefined) return undefined
  const maxBytes = spec.maxResponseBytes ?? defaults.maxResponseBytes
  return compileTransform(key, code, sandbox, {
    timeoutMs: spec.timeout ?? defaults.timeout,
    // A parsed value takes several times the room of its text.
    memoryLimitBytes: Math.min(1024 * mib, 64 * mib + 8 * maxBytes),
    maxOutputBytes: maxTransformOutputBytes
  }, owner)
}

function checkRetries ({ method = defaults.method, headers = {}, retries = defaults.retries }: HttpSpec): number {
  if (retries > 0 && !isRepeatable(method, headers)) {
    throw new HandlerLoadError(['retries'], `A ${method} request that is repeated may do its work twice (RFC 9110 section 9.2.2): remove \`retries\`, or send an Idempotency-Key header that the API honours.`)
  }
  return retries
}
