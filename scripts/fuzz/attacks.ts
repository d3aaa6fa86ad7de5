import fc, { type Arbitrary } from 'fast-check'
import { latest, legacyRevisions, messageFor } from './messages.ts'
import { argumentsFor, text, wild, type Target } from './values.ts'

/** A request that an HTTP client would send, or the bytes of one that none would. */
export type Attack =
  | { readonly kind: string, readonly method: string, readonly path: string, readonly headers: Readonly<Record<string, string>>, readonly body: string }
  | { readonly kind: string, readonly bytes: Buffer }

/** Stands in a header for the id of a session that is open. */
export const anySession = '(session)'
const key = 'fuzz_0123456789abcdefghijklmnopqrstuvwxyz'

/** What may stand in a header: no client sends anything else. */
const headerText = text.map((value) => value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').trim())
const often = <Value>(usual: Arbitrary<Value>, unusual: Arbitrary<Value>, weight = 9): Arbitrary<Value> => fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: unusual })
const credentials = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Record<string, string>>({}) },
  { weight: 4, arbitrary: fc.constant<Record<string, string>>({ authorization: `Bearer ${key}` }) },
  { weight: 1, arbitrary: headerText.map((value): Record<string, string> => ({ authorization: value })) },
  { weight: 1, arbitrary: headerText.map((value): Record<string, string> => ({ 'x-api-key': value })) }
)
const strayHeaders = often(fc.constant<Record<string, string>>({}), fc.oneof(
  fc.tuple(fc.constantFrom('accept', 'content-type', 'origin', 'host', 'accept-encoding', 'last-event-id', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id', 'x-forwarded-for', 'traceparent', 'range', 'if-none-match', 'content-encoding', 'cookie'), headerText)
    .map(([name, value]): Record<string, string> => ({ [name]: value }))
))

/** All kinds of attacks on one server, each about as often as it finds something new. */
export function attacksOn (target: Target): Arbitrary<Attack> {
  return fc.oneof(
    { weight: 5, arbitrary: modernAttack(target) },
    { weight: 5, arbitrary: legacyAttack(target) },
    { weight: 3, arbitrary: toolAttack(target) },
    { weight: 1, arbitrary: oddRequest() },
    { weight: 1, arbitrary: rawBytes() }
  )
}

function modernAttack (target: Target): Arbitrary<Attack> {
  const message = messageFor(target, { era: 'modern' })
  return fc.record({ message, credentials, strayHeaders, body: bodyOf }).map(({ message, credentials, strayHeaders, body }) => {
    const { method, params } = (message ?? {}) as { method?: unknown, params?: { name?: unknown, uri?: unknown } | null }
    const name = params?.name ?? params?.uri
    const told = { ...(typeof method === 'string' && { 'mcp-method': clean(method) }), ...(typeof name === 'string' && { 'mcp-name': clean(name) }) }
    return post('modern', '/mcp', { 'mcp-protocol-version': latest, ...told, ...credentials, ...strayHeaders }, body(message))
  })
}

function legacyAttack (target: Target): Arbitrary<Attack> {
  const message = fc.oneof({ weight: 9, arbitrary: messageFor(target, { era: 'legacy' }) }, { weight: 1, arbitrary: fc.array(messageFor(target, { era: 'legacy' }), { maxLength: 5 }) })
  const session = often(fc.constant(anySession), headerText)
  const revision = often(fc.constantFrom(...legacyRevisions), headerText)
  return fc.record({ message, session, revision, credentials, strayHeaders, body: bodyOf })
    .map(({ message, session, revision, credentials, strayHeaders, body }) => post('legacy', '/mcp', { 'mcp-session-id': session, 'mcp-protocol-version': revision, ...credentials, ...strayHeaders }, body(message)))
}

function toolAttack ({ tools }: Target): Arbitrary<Attack> {
  return fc.oneof(...tools.map(({ name, inputSchema }) => fc.record({
    path: often(fc.constant(`/tools/${name}`), text.map((value) => `/tools/${escaped(value)}`)), args: argumentsFor(inputSchema), credentials, strayHeaders, body: bodyOf
  }).map(({ path, args, credentials, strayHeaders, body }) => post('tool', path, { ...credentials, ...strayHeaders }, body(args)))))
}

/** Other methods and paths, streams to come back for, the older transport. */
function oddRequest (): Arbitrary<Attack> {
  const path = fc.oneof(fc.constantFrom('/mcp', '/sse', '/messages?sessionId=x', '/tools', '/health', '/', '/.well-known/oauth-protected-resource', '//mcp', '/mcp/', '/tools/echo?x=1', '/metrics'), text.map((value) => `/${escaped(value)}`))
  return fc.record({ method: fc.constantFrom('GET', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'POST', 'TRACE'), path, session: often(fc.constant(anySession), headerText, 2), event: often(fc.constant(''), headerText, 2), credentials, strayHeaders })
    .map(({ method, path, session, event, credentials, strayHeaders }) => ({
      kind: 'odd', method, path, headers: { accept: 'text/event-stream', 'mcp-session-id': session, ...(event !== '' && { 'last-event-id': event }), ...credentials, ...strayHeaders }, body: ''
    }))
}

/** What only a broken or a hostile client sends. */
function rawBytes (): Arbitrary<Attack> {
  const line = fc.constantFrom('POST /mcp HTTP/1.1\r\n', 'POST /tools/echo HTTP/1.1\r\n', 'GET /mcp HTTP/1.0\r\n', 'POST /mcp HTTP/9.9\r\n', 'FOO /mcp HTTP/1.1\r\n', 'POST http://x/mcp HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const header = fc.oneof(fc.constantFrom('host: localhost', 'content-type: application/json', 'content-length: 5', 'content-length: -1', 'content-length: 5, 6', 'transfer-encoding: chunked', 'transfer-encoding: chunked, identity', 'expect: 100-continue', 'upgrade: h2c', 'connection: upgrade, close', ' folded: x', `x: ${'y'.repeat(20_000)}`), text)
  const rest = fc.oneof(fc.constantFrom('', '{}', '5\r\n{"a"\r\n0\r\n\r\n', 'ffffffffffffffff\r\n', `${'['.repeat(20_000)}`), text)
  return fc.oneof(
    fc.tuple(line, fc.array(header, { maxLength: 6 }), rest).map(([first, headers, body]) => Buffer.from(`${first}${headers.map((each) => `${each}\r\n`).join('')}\r\n${body}`)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  ).map((bytes) => ({ kind: 'raw', bytes }))
}

/** How a message becomes a body: as JSON, mostly. */
const bodyOf: Arbitrary<(message: unknown) => string> = fc.oneof(
  { weight: 20, arbitrary: fc.constant(jsonOf) },
  { weight: 1, arbitrary: fc.nat(200).map((length) => (message: unknown) => jsonOf(message).slice(0, length)) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(400), text).map(([at, inserted]) => (message: unknown) => `${jsonOf(message).slice(0, at)}${inserted}${jsonOf(message).slice(at)}`) },
  { weight: 1, arbitrary: fc.constantFrom((message: unknown) => `\ufeff${jsonOf(message)}`, (message: unknown) => `[${jsonOf(message)},${jsonOf(message)}]`, (message: unknown) => `${'['.repeat(5_000)}${jsonOf(message)}`, (message: unknown) => jsonOf(message).padEnd(70_000), () => '') },
  { weight: 1, arbitrary: wild.map((value) => () => jsonOf(value)) }
)

function post (kind: string, path: string, headers: Record<string, string>, body: string): Attack {
  return { kind, method: 'POST', path, headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }, body }
}

function jsonOf (value: unknown): string { return JSON.stringify(value) ?? 'null' }

function clean (value: string): string { return value.replace(/[^\t\x20-\x7e]/g, '?').trim() }

/** As much of a text as a client can have in a path. */
function escaped (value: string): string { return value.replace(/[^!-~]/g, (unit) => `%${(unit.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')}`) }
