import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CancelledError, ToolReportedError } from '../core/call-errors.ts'
import { GantryError, InternalError, InvalidRequestError } from '../core/errors.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Core } from '../core/core.ts'
import { demandOfCall } from '../core/demand.ts'
import type { ToolEntry } from '../core/entries.ts'
import { problemOf, problemType } from '../core/http-errors.ts'
import { isObject } from '../core/json-rpc.ts'
import { readTraceparent } from '../core/trace-context.ts'
import { failureOf, reportedFailure } from '../core/outcome.ts'
import { KeptByGrants } from '../core/kept-by-grants.ts'
import { findTool, listedBy } from '../core/lookup.ts'
import { grantsOf } from '../core/permissions.ts'
import { cutText, cutWithin, fits } from '../core/result-budget.ts'
import { logThrown } from '../core/thrown.ts'
import { unsendableResult } from '../core/wire.ts'
import type { CallToolResult, JsonObject, Logger, Principal } from '../core/ports.ts'
import { whenGone } from './disconnect.ts'
import { refuseOtherMethods } from './other-methods.ts'

export interface ToolRouteOptions { core: Core }

/**
 * Every tool as `POST /tools/<name>`: the body is the arguments, the answer the tool's result, an error a problem document. Tools that
 * are there when the server starts have a route with their schemas; later ones are served by the parametric route. The arguments are
 * checked where every door checks them, in the pipeline, so the routes' own validators have nothing to add.
 */
export default async function toolRoutes (app: FastifyInstance, { core }: ToolRouteOptions): Promise<void> {
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))

  const lists = new KeptByGrants<string>(core.tools)
  app.get('/tools', { exposeHeadRoute: true, config: { door: 'rest' } }, function listTools (request, reply) {
    core.audit?.admit('tool.list')
    core.audit?.record('tool.list', new RestExchange(request, reply))
    const grants = grantsOf(request.principal.permissions)
    const text = lists.of(grants, () => JSON.stringify({ tools: core.tools.list.filter((entry) => listedBy.tool(grants, entry)).map(({ description }) => description) }))
    reply.header('content-type', 'application/json; charset=utf-8')
    app.sendCompressed(request, reply, text)
  })

  for (const { description: { name, inputSchema, outputSchema } } of core.tools.list) {
    const demand = demandOfCall(name)
    app.post(`/tools/${name}`, { config: { door: 'rest', tool: name, demandOf: () => demand, pattern: '/tools/:name' }, schema: { body: inputSchema, response: { 200: responseSchema(outputSchema) } } }, (request, reply) => { callTool(core, name, request, reply) })
  }
  app.post<{ Params: { name: string } }>('/tools/:name', { config: { door: 'rest', demandOf: (request) => demandOfCall((request.params as { name: string }).name) } }, (request, reply) => { callTool(core, request.params.name, request, reply) })
  refuseOtherMethods(app, '/tools', ['GET', 'HEAD'])
  refuseOtherMethods(app, '/tools/:name', ['POST'])
}

function callTool (core: Core, name: string, request: FastifyRequest, reply: FastifyReply): void {
  const args = request.body ?? {}
  if (!isObject(args)) throw new InvalidRequestError('The body must be a JSON object: the arguments of the tool.')
  const exchange = new RestExchange(request, reply)
  request.exchange = exchange
  let entry: ToolEntry
  let outcome
  try {
    entry = findRecorded(core, name, args, exchange)
    outcome = core.caller.call(entry, args, exchange)
  } catch (error) {
    return answerError(request, reply, error)
  }
  if (outcome instanceof Promise) outcome.then((result) => { answer(request, reply, entry, result) }).catch((error: unknown) => { answerError(request, reply, error) })
  else answer(request, reply, entry, outcome)
}

/** Throws as `findTool` does; where there is an audit, that is a line of it. */
function findRecorded ({ tools, audit, meter }: Core, name: string, args: JsonObject, exchange: RestExchange): ToolEntry {
  const find = (): ToolEntry => findTool(tools, name, exchange.principal, meter)
  return audit === undefined ? find() : audit.lookingUp(find, exchange, { method: 'tools/call', params: { name, arguments: args } })
}

function answer (request: FastifyRequest, reply: FastifyReply, entry: ToolEntry, result: CallToolResult): void {
  const { budget } = entry
  if (result.isError === true) {
    answerError(request, reply, new ToolReportedError(cutText(textOf(result, entry.target.name), budget.maxBytes)))
    request.failure = reportedFailure
    return
  }
  let text
  try {
    text = JSON.stringify(result)
    if (!fits(text, budget.maxBytes)) text = cutWithin(result, text, budget, JSON.stringify)
  } catch (error) {
    logThrown(request.server.core.logger, error, { requestId: request.id }, `The result of the tool ${entry.target.name} cannot be sent.`)
    return answerError(request, reply, unsendableResult(entry.target.name, error))
  }
  reply.header('content-type', 'application/json; charset=utf-8')
  request.server.sendCompressed(request, reply, text)
}

function answerError (request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  if (error instanceof CancelledError) request.server.core.logger.debug('The caller went away.')
  const known = error instanceof GantryError ? error : new InternalError({ cause: error })
  request.failure = failureOf(known)
  if (known instanceof InternalError) request.server.core.logger.error({ err: error }, 'A tool call ended in an internal error.')
  const shown = request.server.stepUp?.(known, request.principal) ?? known
  reply.code(shown.status).headers(shown.headers).header('content-type', problemType).send(JSON.stringify(problemOf(shown)))
}

function textOf ({ content }: CallToolResult, name: string): string {
  const text = content.flatMap((block) => block.type === 'text' ? [block.text] : []).join('\n')
  return text === '' ? `${name} reported a failure.` : text
}

function responseSchema (outputSchema: JsonObject | undefined): object {
  return {
    type: 'object',
    properties: {
      content: { type: 'array', items: { type: 'object' } },
      structuredContent: outputSchema ?? {},
      _meta: { type: 'object' }
    },
    required: outputSchema === undefined ? ['content'] : ['content', 'structuredContent']
  }
}

/** A plain HTTP caller: it takes no notifications, and going away cancels its call. */
class RestExchange implements Exchange {
  readonly door = 'rest'
  readonly revision = '2026-07-28'
  readonly sessionId = undefined
  readonly rpcId = undefined
  readonly streaming = false
  readonly logLevel = undefined
  readonly cancelKey = undefined
  readonly clientCapabilities = {}
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply

  constructor (request: FastifyRequest, reply: FastifyReply) {
    this.#request = request
    this.#reply = reply
  }

  get requestId (): string { return this.#request.id }
  get address (): string { return this.#request.ip }
  get logger (): Logger { return this.#request.server.core.logger }
  get principal (): Principal { return this.#request.principal }
  get traceparent (): string | undefined { return readTraceparent(this.#request.headers['traceparent']) }

  notify (): void { /* the answer is one document */ }

  onDisconnect (gone: () => void): void { whenGone(this.#reply, gone) }
}
