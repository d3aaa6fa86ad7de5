import type { LookupFunction } from 'node:net'
import type { UpstreamsSection } from '../../../schemas/config/server.ts'
import type { HttpHandler } from '../../../schemas/handler.ts'
import { CancelledError, ToolFailedError } from '../../core/call-errors.ts'
import { GantryError, HandlerLoadError } from '../../core/errors.ts'
import type { HandlerContext, HandlerOwner, HandlerResolver, JsonObject, Logger, ToolHandler } from '../../core/ports.ts'
import { createConnections, EgressRefusal, type Egress } from '../http/egress.ts'
import { exchange, type Answer } from '../http/exchange.ts'
import { connectionFailure, statusFailure } from '../http/failure.ts'
import { compileRedaction, type Redaction } from '../http/redaction.ts'
import { compileRequest, finishRequest, type OutgoingRequest, type RequestTemplate } from '../http/request.ts'
import { headResult, readContent, resultOf, transformableBody } from '../http/result.ts'
import { isRepeatable, realTiming, sendRepeatedly, type RetryTiming } from '../http/retry.ts'
import { createRunningCalls } from '../http/running.ts'
import { defaults, upstreamDefaults, type HttpSpec } from '../http/spec.ts'
import { applyTransform, compileTransform, transformableRequest, type Transform, type TransformKey, type TransformSandbox } from '../http/transform.ts'
import { Upstreams, type UpstreamState } from '../http/upstreams.ts'
import { together } from '../together.ts'

export interface HttpResolverOptions {
  /** Runs the transforms. */
  readonly sandbox: TransformSandbox
  /** How the APIs are reached; what is not there is as the configuration schema says. */
  readonly upstreams?: Partial<UpstreamsSection>
  /** Names to addresses; that of the system unless given. */
  readonly lookup?: LookupFunction
  /** How long close() lets running requests finish. */
  readonly closeTimeoutMs?: number
  readonly timing?: RetryTiming
}
export interface HttpResolver extends HandlerResolver<HttpHandler> {
  resolve (spec: HttpSpec, owner: HandlerOwner): Promise<ToolHandler>
  /** Lets running requests finish within a limit, then ends them. */
  close (): Promise<void>
  /** How it goes with the APIs that were called. */
  readonly upstreams: () => UpstreamState[]
}

const mib = 1024 * 1024
const maxTransformOutputBytes = 10 * mib

/** All that a handler needs at a call, made once. */
interface Call {
  readonly owner: HandlerOwner
  readonly upstreams: Upstreams
  readonly egress: Egress
  readonly timing: RetryTiming
  readonly template: RequestTemplate
  readonly timeoutMs: number
  readonly headersTimeoutMs: number | undefined
  readonly bodyTimeoutMs: number | undefined
  readonly retries: number
  readonly maxBytes: number
  readonly hide: Redaction
  readonly requestTransform: Transform | undefined
  readonly responseTransform: Transform | undefined
}

/** Makes handlers of type `http`. They share their connections, as far as they may reach the same. */
export function createHttpResolver (options: HttpResolverOptions): HttpResolver {
  const { closeTimeoutMs = 5000, timing = realTiming, lookup } = options
  const limits = { ...upstreamDefaults, ...options.upstreams }
  const upstreams = new Upstreams(limits, timing)
  const connections = createConnections({ connections: limits.maxConcurrent, connectTimeoutMs: limits.connectTimeout, allowPrivate: limits.allowPrivate, lookup })
  const calls = createRunningCalls()

  return {
    type: 'http',
    async resolve (spec, owner) {
      const [template, egress, retries, requestTransform, responseTransform] = await together(
        () => compileRequest(spec, owner.name),
        () => connections.egress(spec.allowPrivate ?? defaults.allowPrivate),
        () => checkRetries(spec),
        () => resolveTransform('requestTransform', spec, options.sandbox, owner),
        () => resolveTransform('responseTransform', spec, options.sandbox, owner)
      )
      const call: Call = {
        owner,
        upstreams,
        egress,
        timing,
        template,
        timeoutMs: spec.timeout ?? defaults.timeout,
        headersTimeoutMs: spec.headersTimeout,
        bodyTimeoutMs: spec.bodyTimeout,
        retries,
        maxBytes: spec.maxResponseBytes ?? defaults.maxResponseBytes,
        hide: compileRedaction(spec),
        requestTransform,
        responseTransform
      }
      return (args, context) => {
        if (calls.closed) throw new ToolFailedError(`${owner.name}: Gantry is shutting down.`)
        return calls.track(callUpstream(call, args, context))
      }
    },
    async close () {
      await calls.close(closeTimeoutMs)
      await connections.destroy()
    },
    upstreams: () => upstreams.states()
  }
}

async function callUpstream (call: Call, args: JsonObject, context: HandlerContext): Promise<unknown> {
  const { owner, timing } = call
  const { signal } = context
  const deadline = timing.now() + owner.timeoutMs
  try {
    const request = await makeRequest(call, args, context)
    const retries = isRepeatable(request.method, request.headers) ? call.retries : 0
    const outcome = await sendRepeatedly(() => send(call, request, context), { retries, deadline, timing, signal })
    if ('error' in outcome) {
      reportRefusal(outcome.error, context.logger)
      throw connectionFailure(owner.name, request, outcome.error, outcome.attempts)
    }
    if (outcome.answer.status >= 300) throw statusFailure(owner.name, request, outcome.answer, outcome.attempts, call.hide)
    return await makeResult(call, request, outcome.answer, args, context)
  } catch (error) {
    if (signal.aborted) throw signal.reason instanceof Error ? signal.reason : new CancelledError()
    throw error
  }
}

function send ({ upstreams, egress, timeoutMs, headersTimeoutMs, bodyTimeoutMs, maxBytes }: Call, request: OutgoingRequest, { signal, logger }: HandlerContext): Promise<Answer> {
  return upstreams.send({ origin: request.origin, timeoutMs, signal, logger }, (waitedMs) =>
    exchange(egress(request.reach), request, { timeoutMs, waitedMs, headersTimeoutMs, bodyTimeoutMs, maxBytes, signal }))
}

/** Tells the operator what the caller is not told. */
function reportRefusal (error: unknown, logger: Logger): void {
  if (!(error instanceof EgressRefusal)) return
  const { host, addresses } = error
  logger.warn({ host, addresses }, 'A request was not sent: no address of its host may be reached. `allowPrivate` opens ranges, `allowedHosts` a host by its name.')
}

async function makeRequest ({ owner, template, requestTransform }: Call, args: JsonObject, context: HandlerContext): Promise<OutgoingRequest> {
  const draft = template.draft(args, context)
  if (requestTransform === undefined) return finishRequest(draft, owner.name)
  const returned = await transformed('requestTransform', owner, () => requestTransform(transformableRequest(draft), args, context))
  return finishRequest(applyTransform(draft, returned, template.allowed, owner.name), owner.name)
}

async function makeResult ({ owner, responseTransform }: Call, request: OutgoingRequest, answer: Answer, args: JsonObject, context: HandlerContext): Promise<unknown> {
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
