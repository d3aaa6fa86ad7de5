import { ArgumentsInvalidError, ToolOutputInvalidError } from './call-errors.ts'
import { BodyTooLargeError, GantryError, HeadersTooLargeError, InternalError, InvalidRequestError, ParseError, RequestTimeoutError, UnsupportedMediaTypeError } from './errors.ts'

/** Errors at the HTTP edge: Fastify's own, in our catalogue; and ours, as problem documents. */

/** What of a request its errors depend on. */
export interface EdgeRequest {
  readonly headers: { readonly 'content-encoding'?: string | undefined }
  readonly routeOptions: { readonly bodyLimit: number }
}

/** An error that was raised before a handler ran. What is unknown is an internal error. */
export function translateEdgeError (error: unknown, request: EdgeRequest): GantryError {
  if (error instanceof GantryError) return error
  const { code, statusCode, message } = error as { code?: string, statusCode?: number, message?: string }
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': return new UnsupportedMediaTypeError('The body must be sent as Content-Type: application/json.')
    case 'FST_ERR_CTP_BODY_TOO_LARGE': return new BodyTooLargeError(request.routeOptions.bodyLimit)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY': return new ParseError('The body is empty; it must be JSON.')
    case 'FST_ERR_CTP_INVALID_JSON_BODY': return unreadable(request)
    case 'FST_ERR_BAD_URL': return new InvalidRequestError('The path of the URL holds a "%" that begins no escape.')
    case 'FST_ERR_MAX_PARAM_LENGTH': return new InvalidRequestError('The path of the URL is longer than any that is served.')
    default:
  }
  if (error instanceof SyntaxError) return unreadable(request)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new InvalidRequestError(message ?? 'The request is not valid.', { cause: error })
  return new InternalError({ cause: error })
}

/** The answer to what is no HTTP request, or not all of one, as it is sent. Node tells it by the error's code. */
export function unreadableAnswer ({ code }: { readonly code?: string }): string {
  const error = errorOfUnreadable(code)
  const body = JSON.stringify(problemOf(error))
  return `HTTP/1.1 ${error.status} ${titles.get(error.status) ?? 'Error'}\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
}

function errorOfUnreadable (code: string | undefined): GantryError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT': return new RequestTimeoutError()
    case 'HPE_HEADER_OVERFLOW': return new HeadersTooLargeError()
    default: return new InvalidRequestError('This is no HTTP request.')
  }
}

function unreadable ({ headers }: EdgeRequest): GantryError {
  const encoding = headers['content-encoding']
  return encoding === undefined || encoding === 'identity'
    ? new ParseError('The body is not valid JSON, or has a key that is never allowed ("__proto__", or a "constructor" with a "prototype").')
    : new UnsupportedMediaTypeError('The body must be sent without Content-Encoding.')
}

/** A problem document. RFC 9457; `code` is the permanent code of the error. */
export function problemOf (error: GantryError): object {
  const lists = error instanceof ArgumentsInvalidError || error instanceof ToolOutputInvalidError
  return {
    title: titles.get(error.status) ?? 'Error',
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(lists && { errors: (error.data as { mismatches: unknown }).mismatches })
  }
}

export const problemType = 'application/problem+json; charset=utf-8'

const titles: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'], [401, 'Unauthorized'], [403, 'Forbidden'], [404, 'Not Found'], [405, 'Method Not Allowed'], [406, 'Not Acceptable'], [408, 'Request Timeout'], [413, 'Content Too Large'],
  [415, 'Unsupported Media Type'], [422, 'Unprocessable Content'], [429, 'Too Many Requests'], [431, 'Request Header Fields Too Large'], [499, 'Client Closed Request'], [500, 'Internal Server Error'],
  [502, 'Bad Gateway'], [503, 'Service Unavailable'], [504, 'Gateway Timeout']
])
