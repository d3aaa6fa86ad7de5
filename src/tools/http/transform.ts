import { ToolFailedError } from '../../core/call-errors.ts'
import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerContext, HandlerOwner, JsonObject, Logger } from '../../core/ports.ts'
import type { Sandbox, SandboxEvent } from '../sandbox/index.ts'
import { RawText } from './body.ts'
import { checkHeaderName, checkHeaderValue } from './headers.ts'
import type { HostRule } from './hosts.ts'
import type { Draft } from './request.ts'
import { checkUrl, reachAllowed, type Target } from './url.ts'

/** The part of the sandbox that transforms need. */
export type TransformSandbox = Pick<Sandbox, 'check' | 'run'>
export type TransformKey = 'requestTransform' | 'responseTransform'
/** Runs the operator's code over a request or a response. */
export type Transform = (subject: unknown, args: JsonObject, context: Pick<HandlerContext, 'signal' | 'requestId' | 'logger'>) => Promise<unknown>
export interface TransformLimits { readonly timeoutMs: number, readonly memoryLimitBytes: number, readonly maxOutputBytes: number }

const requestKeys = new Set(['method', 'url', 'headers', 'body'])

/** Compiles a transform: a function expression, or a body in which the parameters have their names. Throws HandlerLoadError. */
export async function compileTransform (key: TransformKey, code: string, sandbox: TransformSandbox, limits: TransformLimits, owner: HandlerOwner): Promise<Transform> {
  const subjectName = key === 'requestTransform' ? 'request' : 'response'
  const wrapped = await wrapCode(key, subjectName, code, sandbox)
  return async (subject, args, { signal, requestId, logger }) => sandbox.run({
    code: wrapped,
    args: { [subjectName]: subject, args },
    info: { requestId, metadata: { toolName: owner.name } },
    signal,
    onEvent: (event) => { report(event, logger) },
    ...limits
  })
}

/** What a request transform is given. */
export function transformableRequest ({ method, origin, path, headers, body }: Draft): JsonObject {
  return { method, url: origin + path, headers, body: body instanceof RawText ? body.text : body }
}

/** Puts what a request transform returned into the request; throws ToolFailedError when the result may not be sent. */
export function applyTransform (draft: Draft, returned: unknown, allowed: HostRule | undefined, owner: string): Draft {
  const fail = (reason: string): Error => new ToolFailedError(`${owner}: requestTransform ${reason}.`)
  if (!isObject(returned)) throw fail('must return the request, or an object with any of url, headers and body')
  for (const key of Object.keys(returned)) if (!requestKeys.has(key)) throw fail(`returned an unknown key ${JSON.stringify(key)}`)
  if (returned['method'] !== undefined && returned['method'] !== draft.method) throw fail('may not change the method')
  return {
    method: draft.method,
    ...transformedUrl(draft, returned['url'], allowed, fail),
    headers: returned['headers'] === undefined ? draft.headers : transformedHeaders(returned['headers'], fail),
    body: transformedBody(draft, returned['body'], fail)
  }
}

function transformedUrl (draft: Draft, url: unknown, allowed: HostRule | undefined, fail: (reason: string) => Error): Target & Pick<Draft, 'path'> {
  if (url === undefined || url === draft.origin + draft.path) return draft
  if (typeof url !== 'string') throw fail('returned a url that is no text')
  const checked = checkUrl(url, allowed, (reason) => fail(`returned a URL that ${reason}`))
  const { origin, pathname, search, hash } = checked
  if (hash !== '') throw fail('returned a URL with a fragment, which is never sent')
  if (allowed === undefined && origin !== draft.origin) throw fail('may lead to another host only when allowedHosts lists it')
  return { origin, reach: origin === draft.origin ? draft.reach : reachAllowed(checked, allowed?.(checked)), path: pathname + search }
}

function transformedHeaders (headers: unknown, fail: (reason: string) => Error): Record<string, string> {
  if (!isObject(headers)) throw fail('returned headers that are no object')
  const checked: Record<string, string> = {}
  for (const [spelling, value] of Object.entries(headers)) {
    const failHeader = (reason: string): Error => fail(`returned the header ${JSON.stringify(spelling)}, which ${reason}`)
    const name = checkHeaderName(spelling, failHeader)
    if (value === null || value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') throw failHeader('is no text')
    checkHeaderValue(String(value), failHeader)
    checked[name] = String(value)
  }
  return checked
}

function transformedBody (draft: Draft, body: unknown, fail: (reason: string) => Error): unknown {
  const given = draft.body instanceof RawText ? draft.body.text : draft.body
  if (body === undefined || body === given) return draft.body
  if (body === null) return undefined
  if (draft.method === 'GET' || draft.method === 'HEAD') throw fail(`returned a body, which a ${draft.method} request does not have`)
  // Code that makes a text has serialized it already.
  return typeof body === 'string' ? new RawText(body) : body
}

/** One way to read the code. `probe` tells what the wrapped code cannot: it must load too. */
interface Form { readonly probe?: string, readonly wrapped: string }

/**
 * Wraps the code as a function of one argument, which is what the sandbox calls. The code stands on lines of its own, so a
 * comment at its end ends there.
 */
async function wrapCode (key: TransformKey, subjectName: string, code: string, sandbox: TransformSandbox): Promise<string> {
  const checked = await sandbox.check(code)
  const advice = `Write a function \`(${subjectName}, args) => …\`, or the body of one.`
  if (!checked.ok) {
    throw new HandlerLoadError([key], `${key} cannot be used: ${checked.message} (line ${checked.line}, column ${checked.column}). ${advice}`)
  }
  const forms = checked.kind === 'body'
    ? [bodyForm(subjectName, code)]
    : [code.replace(/[;\s]+$/, ''), withoutNotes(code)].map((expression) => expressionForm(subjectName, expression))
  let fault: string | undefined
  for (const form of forms) {
    fault = await findFault(form, sandbox)
    if (fault === undefined) return form.wrapped
  }
  throw new HandlerLoadError([key], `${key} cannot be used: ${fault}. ${advice}`)
}

/** Without the semicolons and comments at the end, which may not stand in brackets. */
function withoutNotes (code: string): string {
  return code.replace(/(?:[;\s]|\/\/[^\n]*(?=\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)+$/, '')
}

function expressionForm (subjectName: string, code: string): Form {
  // Code that closed the bracket would leave `input` outside of the function, and the sandbox's check would fail on it.
  return { wrapped: `(input) => (\n${code}\n)(input.${subjectName}, input.args)` }
}

function bodyForm (subjectName: string, code: string): Form {
  return {
    // Code that closed the function's bracket to open another cannot close this one as well.
    probe: `async () => { if (true) {\n${code}\n} }`,
    wrapped: `async ({ ${subjectName}, args }) => {\n${code}\n}`
  }
}

async function findFault ({ probe, wrapped }: Form, sandbox: TransformSandbox): Promise<string | undefined> {
  for (const candidate of probe === undefined ? [wrapped] : [probe, wrapped]) {
    const checked = await sandbox.check(candidate)
    if (!checked.ok) return checked.message
  }
  return undefined
}

/** A transform has no context of its own; only its console reaches the log. */
function report (event: SandboxEvent, logger: Logger): void {
  if (event.type === 'logger') logger[event.level](event.facts ?? {}, event.sentence)
  if (event.type === 'dropped') logger.warn({ dropped: event.count }, 'A transform logged more than a call may: the rest was dropped.')
}

function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
