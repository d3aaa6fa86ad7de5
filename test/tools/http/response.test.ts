import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { ToolFailedError } from '../../../src/core/call-errors.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import { contextOf, failureOf, handlerOf, listen, sendJson, startUpstream, type Answer, type Test } from './support.ts'

/** What a handler makes of one answer. */
async function receive (t: Test, answer: Answer, spec: Partial<HttpSpec> = {}): Promise<unknown> {
  const { origin } = await startUpstream(t, answer)
  const handler = await handlerOf(t, { url: `${origin}/secret-path?key=secret-query`, ...spec })
  return handler({}, contextOf())
}
const body = (contentType: string | undefined, bytes: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (response) => response.writeHead(200, { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...headers }).end(bytes)

t.test('JSON is a value, by its media type', async (t) => {
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/problem+json']) {
    t.strictSame(await receive(t, body(type, '\ufeff{"a":[1,null,"é"]}')), { a: [1, null, 'é'] })
  }
  t.equal(await receive(t, body('application/json', ' ')), null)
})

t.test('text is a text, in its charset', async (t) => {
  t.equal(await receive(t, body('text/plain', 'héllo 🚀')), 'héllo 🚀')
  t.equal(await receive(t, body('text/html; charset="iso-8859-1"', Buffer.from('caf\xe9', 'latin1'))), 'café')
  t.equal(await receive(t, body('application/xml', '<a/>')), '<a/>')
  t.equal(await receive(t, body('text/json-like', '{"a":1}')), '{"a":1}')
  t.equal(await receive(t, body(undefined, 'plain')), 'plain')
  await t.rejects(receive(t, body('text/plain; charset=klingon', 'x')), { message: /charset that is not known/ })
})

t.test('an empty body and 204 are null', async (t) => {
  t.equal(await receive(t, (response) => response.writeHead(204).end()), null)
  t.equal(await receive(t, body('application/json', '')), null)
})

t.test('images and sounds are content blocks, other bytes an embedded resource', async (t) => {
  const bytes = Buffer.from([0x89, 0x50, 0xff, 0])
  const data = bytes.toString('base64')
  t.strictSame(await receive(t, body('image/png; x=y', bytes)), { content: [{ type: 'image', data, mimeType: 'image/png' }] })
  t.strictSame(await receive(t, body('audio/mpeg', bytes)), { content: [{ type: 'audio', data, mimeType: 'audio/mpeg' }] })
  const uri = /^urn:uuid:[0-9a-f-]{36}$/
  t.match(await receive(t, body('application/pdf', bytes)), { content: [{ type: 'resource', resource: { uri, mimeType: 'application/pdf', blob: data } }] })
  t.match(await receive(t, body(undefined, bytes)), { content: [{ type: 'resource', resource: { uri, mimeType: 'application/octet-stream', blob: data } }] })
})

t.test('HEAD gives the status and the headers that describe the resource', async (t) => {
  const result = await receive(t, (response) => response.writeHead(200, { 'content-type': 'image/png', 'content-length': '99999999', etag: '"a"', 'set-cookie': 'sid=1', 'x-internal': 'y' }).end(), { method: 'HEAD', maxResponseBytes: 10 })
  t.match(result, { status: 200, headers: { 'content-type': 'image/png', 'content-length': '99999999', etag: '"a"' } })
  t.notMatch(result, { headers: { 'set-cookie': /./ } })
  t.notMatch(result, { headers: { 'x-internal': /./ } })
})

t.test('gzip, brotli and both kinds of deflate are undone', async (t) => {
  const json = JSON.stringify({ text: 'é'.repeat(100_000) })
  const codings: [string, Buffer][] = [['gzip', gzipSync(json)], ['X-GZIP', gzipSync(json)], ['br', brotliCompressSync(json)], ['deflate', deflateSync(json)], ['deflate', deflateRawSync(json)], ['identity', Buffer.from(json)]]
  for (const [coding, bytes] of codings) {
    t.strictSame(await receive(t, body('application/json', bytes, { 'content-encoding': coding })), JSON.parse(json), coding)
  }
})

t.test('a long compressed answer comes out whole', async (t) => {
  const bytes = randomBytes(4 * 1024 * 1024)
  t.match(await receive(t, body('image/png', gzipSync(bytes, { level: 1 }), { 'content-encoding': 'gzip' })), { content: [{ data: bytes.toString('base64') }] })
})

t.test('a coding that was not asked for, two codings, and broken data are errors', async (t) => {
  await t.rejects(receive(t, body('text/plain', 'x', { 'content-encoding': 'zstd' })), { constructor: ToolFailedError, message: /encoded as "zstd"/ })
  await t.rejects(receive(t, body('text/plain', gzipSync(gzipSync('x')), { 'content-encoding': 'gzip, gzip' })), { message: /encoded as "gzip, gzip"/ })
  await t.rejects(receive(t, body('text/plain', 'no gzip', { 'content-encoding': 'gzip' })), { message: /compressed answer is broken/ })
  await t.rejects(receive(t, body('text/plain', gzipSync('x'.repeat(1000)).subarray(0, 20), { 'content-encoding': 'gzip' })), { message: /compressed answer is broken/ })
})

t.test('an answer of exactly the limit is read, one byte more is not', async (t) => {
  for (const headers of [{ 'content-length': '100' }, { 'transfer-encoding': 'chunked' }]) {
    t.equal(await receive(t, body('text/plain', 'x'.repeat(100), headers), { maxResponseBytes: 100 }), 'x'.repeat(100))
    await t.rejects(receive(t, body('text/plain', 'x'.repeat(100), headers), { maxResponseBytes: 99 }), { message: /larger than the limit of 99 bytes \(maxResponseBytes\)/ })
  }
  t.equal(await receive(t, body('text/plain', gzipSync('x'.repeat(100)), { 'content-encoding': 'gzip' }), { maxResponseBytes: 100 }), 'x'.repeat(100))
})

t.test('an endless answer is cut off', async (t) => {
  let closed: () => void
  const wasClosed = new Promise<void>((resolve) => { closed = resolve })
  const { origin } = await listen(t, (_, response) => {
    const chunk = Buffer.alloc(64 * 1024)
    const pump = () => { while (!response.destroyed && response.write(chunk)); }
    response.writeHead(200, { 'content-type': 'text/plain' }).on('drain', pump).on('close', closed)
    pump()
  })
  const handler = await handlerOf(t, { url: origin, maxResponseBytes: 1024 * 1024 })
  await t.rejects(async () => handler({}, contextOf()), { message: /larger than the limit/ })
  await wasClosed
})

t.test('a compressed bomb is stopped after the limit, with its connection', async (t) => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 1 })
  let closed: () => void
  const wasClosed = new Promise<void>((resolve) => { closed = resolve })
  const { origin } = await listen(t, (_, response) => {
    // Never ended: who waits for the end of the answer waits for ever.
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' }).on('close', () => closed()).write(bomb)
  })
  const before = process.memoryUsage().rss
  const handler = await handlerOf(t, { url: origin, maxResponseBytes: 1024 * 1024 })
  await t.rejects(async () => handler({}, contextOf()), { message: /larger than the limit of 1048576 bytes/ })
  await wasClosed
  t.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024, 'what the bomb holds was not unfolded')
})

t.test('JSON that is none is an error that does not show the body', async (t) => {
  const error = await failureOf(receive(t, body('application/json', '<html>secret')))
  t.match(error, { constructor: ToolFailedError, message: /says it is JSON but cannot be parsed/ })
  t.notMatch(error.message, /secret/)
})

t.test('an error status is a tool error with the status and the message of the API', async (t) => {
  const cases: [unknown, string][] = [
    [{ message: 'No such city' }, 'No such city'],
    [{ error: 'bad', message: 'No such city' }, 'No such city'],
    [{ error: { code: 5, message: 'Nested' } }, 'Nested'],
    [{ error: 'Plain' }, 'Plain'],
    [{ title: 'Title', detail: 'Detail' }, 'Detail'],
    [{ error: 'invalid_grant', error_description: 'Expired' }, 'Expired'],
    [{ code: 5 }, '{"code":5}'],
    [{ message: 'line\r\nbreak\u0000' }, 'line break']
  ]
  for (const [value, shown] of cases) {
    const error = await failureOf(receive(t, (response) => sendJson(response, value, 422)))
    t.match(error, { constructor: ToolFailedError, data: { upstreamStatus: 422 } })
    t.match(error.message, new RegExp(`^weather: GET http://127\\.0\\.0\\.1:\\d+ answered 422: ${shown.replaceAll(/[{}]/g, '\\$&')}$`))
  }
})

t.test('an error text is short, without the request, and compressed bodies are read', async (t) => {
  const long = await failureOf(receive(t, (response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('x'.repeat(499) + '🚀'.repeat(2000))))
  t.match(long.message, /: x{499}…$/)
  const zipped = await failureOf(receive(t, (response) => response.writeHead(400, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync('{"message":"zipped"}'))))
  t.match(zipped.message, /answered 400: zipped$/)
  t.match((await failureOf(receive(t, (response) => response.writeHead(404).end()))).message, /answered 404\.$/)
  t.match((await failureOf(receive(t, (response) => response.writeHead(500, { 'content-type': 'image/png' }).end('\u0000png')))).message, /answered 500\.$/)
})

t.test('an endless error body does not hold the call up', async (t) => {
  const { origin } = await listen(t, (_, response) => {
    const chunk = Buffer.alloc(64 * 1024, 'e')
    const pump = () => { while (!response.destroyed && response.write(chunk)); }
    response.writeHead(500, { 'content-type': 'text/plain' }).on('drain', pump)
    pump()
  })
  const handler = await handlerOf(t, { url: origin })
  t.match((await failureOf(handler({}, contextOf()))).message, /answered 500: e{499}…$/)
})

t.test('messages name method and origin only, and what an upstream echoes of configured secrets is taken out', async (t) => {
  const error = await failureOf(receive(t, (response, seen) => {
    response.writeHead(401, { 'content-type': 'text/plain' }).end(`Bad key ${seen.headers.authorization?.slice(7)} / ${seen.headers['x-key']} at ${seen.url}`)
  }, { headers: { authorization: 'Bearer sk-1234567890', 'x-key': 'abcdefgh', accept: 'text/plain' }, query: { token: 'query-secret-0123456789' } }))
  t.match(error.message, /answered 401: Bad key \[redacted\] \/ \[redacted\] at \/secret-path\?key=secret-query&token=\[redacted\]$/)
  const refused = await failureOf((await handlerOf(t, { url: 'http://127.0.0.1:1/secret-path?key=secret-query', headers: { 'x-key': 'abcdefgh' } }))({}, contextOf()))
  t.match(refused.message, /^weather: GET http:\/\/127\.0\.0\.1:1 failed: the connection was refused\.$/)
})

t.test('of two configured secrets that begin alike, nothing is left over', async (t) => {
  const headers = { 'x-a': 'abcdefgh', 'x-b': 'abcdefghijkl' }
  const error = await failureOf(receive(t, (response) => response.writeHead(401, { 'content-type': 'text/plain' }).end('no abcdefghijkl'), { headers }))
  t.match(error.message, /answered 401: no \[redacted\]$/)
})

t.test('a redirect is not followed, and the error names where it leads', async (t) => {
  const target = await startUpstream(t)
  for (const status of [301, 302, 303, 307, 308]) {
    const error = await failureOf(receive(t, (response) => response.writeHead(status, { location: `${target.origin}/x?secret=1` }).end()))
    t.equal(error.message.replace(/GET \S+/, 'GET …'), `weather: GET … answered ${status}, a redirect to ${target.host}. Redirects are not followed: put the final URL into the handler.`)
  }
  t.match((await failureOf(receive(t, (response) => response.writeHead(302, { location: 'http://:bad' }).end()))).message, /answered 302\. Redirects are not followed\.$/)
  t.match((await failureOf(receive(t, (response) => response.writeHead(304).end()))).message, /answered 304\./)
  t.equal(target.seen.length, 0)
})
