import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CancelledError, GantryError, InternalError, InvalidRequestError, ToolReportedError, ToolUnknownError } from '../core/errors.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Core } from '../core/core.ts'
import type { ToolEntry } from '../core/entries.ts'
import { problemOf, problemType } from '../core/http-errors.ts'
import { isObject } from '../core/json-rpc.ts'
import { unwritableResult } from '../core/wire.ts'
import type { CallToolResult, JsonObject, Logger, Principal } from '../core/ports.ts'
import { whenGone } from './disconnect.ts'

export interface ToolRouteOptions { core: Core }

/**
 * Every tool as `POST /tools/<name>`: the body is the arguments, the answer the tool's result, an error a problem document. Tools that
 * are there when the server starts have a route with their schemas; later ones are served by the parametric route. The arguments are
 * checked where every door checks them, in the pipeline, so the routes' own validators have nothing to add.
 */
export default async function toolRoutes (app: FastifyInstance, { core }: ToolRouteOptions): Promise<void> {
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))

  let listed: string | undefined
  core.tools.onChange(() => { listed = undefined })
  app.get('/tools', function listTools (request, reply) {
    listed ??= JSON.stringify({ tools: core.tools.list.map(({ description }) => description) })
    reply.header('content-type', 'application/json; charset=utf-8')
    app.sendCompressed(request, reply, listed)
  })

  for (const { description: { name, inputSchema, outputSchema } } of core.tools.list) {
    app.post(`/tools/${name}`, { schema: { body: inputSchema, response: { 200: responseSchema(outputSchema) } } }, (request, reply) => { callTool(core, name, request, reply) })
  }
  app.post<{ Params: { name: string } }>('/tools/:name', (request, reply) => { callTool(core, request.params.name, request, reply) })
}

function callTool (core: Core, name: string, request: FastifyRequest, reply: FastifyReply): void {
  const entry = core.tools.get(name)
  if (entry === undefined) throw new ToolUnknownError(name)
  const args = request.body ?? {}
  if (!isObject(args)) throw new InvalidRequestError('The body must be a JSON object: the arguments of the tool.')

  const outcome = core.caller.call(entry, args, new RestExchange(request, reply))
  if (outcome instanceof Promise) outcome.then((result) => { answer(request, reply, entry, result) }).catch((error: unknown) => { answerError(request, reply, error) })
  else answer(request, reply, entry, outcome)
}

function answer (request: FastifyRequest, reply: FastifyReply, entry: ToolEntry, result: CallToolResult): void {
  if (result.isError === true) return answerError(request, reply, new ToolReportedError(textOf(result, entry.target.name)))
  let text
  try {
    text = JSON.stringify(result)
  } catch (error) {
    return answerError(request, reply, unwritableResult(entry.target.name, error))
  }
  reply.header('content-type', 'application/json; charset=utf-8')
  request.server.sendCompressed(request, reply, text)
}

function answerError (request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  if (error instanceof CancelledError) request.server.core.logger.debug('The caller went away.')
  const known = error instanceof GantryError ? error : new InternalError({ cause: error })
  if (known instanceof InternalError) request.server.core.logger.error({ err: error }, 'A tool call ended in an internal error.')
  reply.code(known.status).header('content-type', problemType).send(JSON.stringify(problemOf(known)))
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
  get logger (): Logger { return this.#request.server.core.logger }
  get principal (): Principal { return this.#request.principal }
  get traceparent (): string | undefined {
    const header = this.#request.headers['traceparent']
    return typeof header === 'string' ? header : undefined
  }

  notify (): void { /* the answer is one document */ }

  onDisconnect (gone: () => void): void { whenGone(this.#reply, gone) }
}
