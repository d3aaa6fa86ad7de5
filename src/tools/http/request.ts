import { ToolFailedError } from '../../core/call-errors.ts'
import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerContext, JsonObject } from '../../core/ports.ts'
import { readTraceparent } from '../../core/trace-context.ts'
import { allOf } from '../together.ts'
import { bodyFormat, compileBody, serializeBody } from './body.ts'
import { compileHeaders, renderHeaders } from './headers.ts'
import { compileHosts, type HostRule } from './hosts.ts'
import { compileQuery, queryOf, renderQuery } from './query.ts'
import { defaults, type HttpMethod, type HttpSpec } from './spec.ts'
import { compileUrl, type Target } from './url.ts'

/** A request whose body is still a value, as `requestTransform` sees it. */
export interface Draft extends Target {
  readonly method: HttpMethod
  /** Path and query. */
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: unknown
}
/** A request as it is sent, the same for every attempt. */
export interface OutgoingRequest extends Target {
  readonly method: HttpMethod
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | undefined
}
export interface RequestTemplate {
  readonly method: HttpMethod
  readonly allowed: HostRule | undefined
  draft (args: JsonObject, context: Pick<HandlerContext, 'traceparent'>): Draft
}

const defaultHeaders = {
  accept: 'application/json, */*;q=0.8',
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': 'mcp-gantry'
}
const emptyQuery = () => ''
const noBody = () => undefined

/** Compiles all of a handler that does not depend on a call. For what cannot be sent safely, throws as `allOf` does. */
export function compileRequest (spec: HttpSpec, owner: string): RequestTemplate {
  const method = spec.method ?? defaults.method
  const allowed = spec.allowedHosts === undefined ? undefined : compileHosts(spec.allowedHosts)
  const [url, headers] = allOf(
    () => compileUrl(spec.url, owner, allowed),
    () => compileHeaders(spec.headers ?? {}, owner)
  )
  const [body, query] = allOf(
    () => compileRequestBody(spec, method, headers.fixed['content-type'], owner),
    () => compileRequestQuery(spec, method, url.used, owner)
  )
  const fixed = { ...defaultHeaders, ...headers.fixed }
  const templates = { fixed, filled: headers.filled }

  return {
    method,
    allowed,
    draft: (args, context) => {
      const pairs = [renderQuery(url.query, args), query(args)].filter((text) => text !== '').join('&')
      const draft = {
        method,
        ...url.target(args),
        path: pairs === '' ? url.path(args) : `${url.path(args)}?${pairs}`,
        headers: renderHeaders(templates, args),
        body: body(args)
      }
      // The caller's trace is the one thing of the caller that goes on; all else stays here.
      const traceparent = readTraceparent(context.traceparent)
      if (traceparent !== undefined) draft.headers['traceparent'] ??= traceparent
      return draft
    }
  }
}

/** Turns a draft into what is sent. */
export function finishRequest ({ method, origin, reach, path, headers, body }: Draft, owner: string): OutgoingRequest {
  const format = bodyFormat(headers['content-type'] ?? 'application/json')
  const text = serializeBody(body, format, owner, (reason) => new ToolFailedError(`${owner}: the body of the request ${reason}.`))
  if (text !== undefined && headers['content-type'] === undefined) headers['content-type'] = 'application/json'
  return { method, origin, reach, path, headers, body: text }
}

function compileRequestBody (spec: HttpSpec, method: HttpMethod, contentType = 'application/json', owner: string): (args: JsonObject) => unknown {
  if (spec.body !== undefined) {
    if (method === 'GET' || method === 'HEAD') {
      throw new HandlerLoadError(['body'], `A ${method} request has no body (RFC 9110 section 9.3.1): use \`query\`, or another method.`)
    }
    return compileBody(spec.body, contentType, owner)
  }
  if (method === 'GET' || method === 'HEAD' || method === 'DELETE') return noBody
  if (bodyFormat(contentType) === 'text') {
    throw new HandlerLoadError(['body'], `The arguments have no form in ${JSON.stringify(contentType)}: give a \`body\`, or send JSON or a form.`)
  }
  return (args) => args
}

function compileRequestQuery (spec: HttpSpec, method: HttpMethod, used: ReadonlySet<string>, owner: string): (args: JsonObject) => string {
  if (spec.query !== undefined) {
    const query = compileQuery(spec.query, owner)
    return query.length === 0 ? emptyQuery : (args) => renderQuery(query, args)
  }
  // A handler that says what its body holds has placed its arguments.
  if (spec.body !== undefined || method === 'POST' || method === 'PUT' || method === 'PATCH') return emptyQuery
  return (args) => queryOf(args, owner, used)
}
