import { HandlerLoadError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/ports.ts'
import { compileJson, type JsonTemplate } from './json-template.ts'
import { isJsonType, mediaType } from './media-type.ts'
import { isStatic, parseTemplate, renderText, type Scope } from './placeholders.ts'
import { compileQueryText, queryOf, renderQuery } from './query.ts'

/** How a body becomes bytes; its content-type decides. */
export type BodyFormat = 'json' | 'form' | 'text'

/** Text that is already in its final form, so that nothing serializes it again. */
export class RawText {
  readonly text: string
  constructor (text: string) { this.text = text }
}

const scopePath = ['body']
const none: ReadonlySet<string> = new Set()

export function bodyFormat (contentType: string): BodyFormat {
  const type = mediaType(contentType)
  if (isJsonType(type)) return 'json'
  return type === 'application/x-www-form-urlencoded' ? 'form' : 'text'
}

/** Compiles `body` for the content type it is sent as; throws HandlerLoadError where arguments cannot be bound safely. */
export function compileBody (body: unknown, contentType: string, owner: string): JsonTemplate {
  const scope: Scope = { owner, path: scopePath }
  const format = bodyFormat(contentType)
  if (format === 'json' && typeof body === 'string' && /^\s*[{[]/.test(body)) {
    throw new HandlerLoadError(scopePath, 'The body is a text that holds JSON: write it as a JSON value, so that arguments are bound inside it.')
  }
  if (format === 'json') return compileJson(body, scope)
  if (typeof body === 'string') return compileText(body, format, mediaType(contentType), scope)
  if (format === 'form' && typeof body === 'object' && body !== null && !Array.isArray(body)) return compileJson(body, scope)
  throw new HandlerLoadError(scopePath, format === 'form'
    ? 'A form body must be an object of fields, or a text of encoded pairs.'
    : `A body sent as ${mediaType(contentType)} must be a text; make it in \`requestTransform\` from an object.`)
}

function compileText (body: string, format: BodyFormat, type: string, scope: Scope): JsonTemplate {
  const template = parseTemplate(body, scope)
  if (isStatic(template)) {
    const raw = new RawText(body)
    return () => raw
  }
  if (format === 'form') {
    const pairs = compileQueryText(template)
    return (args) => new RawText(renderQuery(pairs, args, 'a form'))
  }
  if (type !== 'text/plain') {
    throw new HandlerLoadError(scope.path, `Arguments cannot be bound inside ${type}, whose rules Gantry does not know: send JSON, a form or text/plain, or make the text in \`requestTransform\`.`)
  }
  return (args) => new RawText(renderText(template, args, 'a text body'))
}

/** The text of a body; undefined for no body. `fail` makes the error for a value the format has no form for. */
export function serializeBody (value: unknown, format: BodyFormat, owner: string, fail: (reason: string) => Error): string | undefined {
  if (value === undefined) return undefined
  if (value instanceof RawText) return value.text
  if (format === 'json') {
    try {
      return JSON.stringify(value)
    } catch (cause) {
      throw Object.assign(fail('cannot be written as JSON'), { cause })
    }
  }
  if (format === 'text') {
    if (typeof value !== 'string') throw fail('must be a text for its content type')
    return value
  }
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('must be an object of fields to be sent as a form')
  return queryOf(value as JsonObject, owner, none, 'a form')
}
