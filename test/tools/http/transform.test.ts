import type { ServerResponse } from 'node:http'
import t from 'tap'
import { CancelledError, ToolFailedError, ToolTimeoutError } from '../../../src/core/call-errors.ts'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import { createSandbox, type RunRequest, type Sandbox } from '../../../src/tools/sandbox/index.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import { contextOf, failureOf, handlerOf, heldTiming, sendJson, startUpstream, type JsonObject, type Test } from './support.ts'

const sandbox = createSandbox({ maxWorkers: 2 })
t.teardown(() => sandbox.close())

/** Calls a handler with transforms; gives the result (or the error) and what the upstream saw. */
async function call (t: Test, spec: Partial<HttpSpec>, args: JsonObject = {}, answer: unknown = { ok: true }, status = 200) {
  const upstream = await startUpstream(t, (response) => sendJson(response, answer, status, { 'x-upstream': 'u' }))
  const handler = await handlerOf(t, { url: `${upstream.origin}/x?key=1`, query: {}, ...spec }, { sandbox })
  const outcome = await Promise.resolve(handler(args, contextOf())).catch((error: unknown) => error)
  const [seen] = upstream.seen
  return { outcome, seen, origin: upstream.origin, requests: upstream.seen.length }
}
const post = { method: 'POST' as const, body: { a: '${args.a}' }, headers: { 'x-key': 'k' } }

t.test('a request transform sees the request and the arguments, and what it returns is sent', async (t) => {
  const { seen, origin } = await call(t, {
    ...post,
    requestTransform: `(request, args) => ({
      ...request,
      url: request.url + '&n=' + args.a,
      headers: { ...request.headers, 'X-Signed': request.method + ' ' + request.url, 'x-count': 2, 'x-gone': null },
      body: { wrapped: request.body, args }
    })`
  }, { a: 5 })
  t.equal(seen?.url, '/x?key=1&n=5')
  t.equal(seen?.headers['x-signed'], `POST ${origin}/x?key=1`)
  t.equal(seen?.headers['x-count'], '2')
  t.equal(seen?.headers['x-key'], 'k')
  t.notOk(seen && 'x-gone' in seen.headers)
  t.strictSame(JSON.parse(seen?.body ?? ''), { wrapped: { a: 5 }, args: { a: 5 } })
})

t.test('what a request transform leaves out stays as it was', async (t) => {
  const { seen } = await call(t, { ...post, requestTransform: '() => ({ headers: { "x-only": "1" } })' }, { a: 5 })
  t.equal(seen?.url, '/x?key=1')
  t.equal(seen?.body, '{"a":5}')
  t.equal(seen?.headers['x-only'], '1')
  t.notOk(seen && 'x-key' in seen.headers, 'returned headers are all of the headers')
})

t.test('a text that a request transform makes is sent as it stands, one that it only passes on is not changed', async (t) => {
  t.equal((await call(t, { ...post, requestTransform: '(request) => ({ body: JSON.stringify({ made: true }) })' })).seen?.body, '{"made":true}')
  t.equal((await call(t, { ...post, body: 'hello ${args.a}', requestTransform: '(request) => request' }, { a: 'x' })).seen?.body, '"hello x"')
  const xml = await call(t, { ...post, headers: { 'content-type': 'application/xml' }, body: '<none/>', requestTransform: '(request, args) => ({ body: `<a>${args.a}</a>` })' }, { a: 1 })
  t.equal(xml.seen?.body, '<a>1</a>')
  t.equal((await call(t, { ...post, requestTransform: '() => ({ body: null })' })).seen?.body, '')
  const form = await call(t, { ...post, headers: { 'content-type': 'application/x-www-form-urlencoded' }, requestTransform: '(request) => ({ body: { ...request.body, b: "x&y" } })' }, { a: 1 })
  t.equal(form.seen?.body, 'a=1&b=x%26y')
})

const refusals: [title: string, returned: string, message: RegExp][] = [
  ['another host', '{ url: "http://127.0.0.2/x" }', /may lead to another host only when allowedHosts lists it/],
  ['another port', '{ url: "http://127.0.0.1:1/x" }', /may lead to another host/],
  ['a relative URL', '{ url: "/x" }', /returned a URL that is not a valid URL/],
  ['another scheme', '{ url: "file:///etc/passwd" }', /does not begin with http/],
  ['credentials', '{ url: request.url.replace("//", "//u:p@") }', /holds credentials/],
  ['a fragment', '{ url: request.url + "#x" }', /fragment/],
  ['a url that is no text', '{ url: 5 }', /a url that is no text/],
  ['another method', '{ method: "DELETE" }', /may not change the method/],
  ['an unknown key', '{ header: {} }', /unknown key "header"/],
  ['a header with a line break', '{ headers: { a: "x\\r\\ny: z" } }', /the header "a", which holds a line break/],
  ['a header name that is none', '{ headers: { "a b": "x" } }', /which is not a header name/],
  ['a header of the connection', '{ headers: { "Transfer-Encoding": "chunked" } }', /belongs to the connection/],
  ['a header that is an object', '{ headers: { a: {} } }', /which is no text/],
  ['headers that are a list', '{ headers: [] }', /headers that are no object/],
  ['a form that is a list', '{ headers: { "content-type": "application/x-www-form-urlencoded" }, body: [1] }', /body of the request must be an object of fields/],
  ['plain text that is a number', '{ headers: { "content-type": "text/plain" }, body: 5 }', /body of the request must be a text/],
  ['a body with GET', '{ body: {} }', /a GET request does not have/]
]
for (const [title, returned, message] of refusals) {
  t.test(`a request transform that returns ${title} ends the call with a tool error`, async (t) => {
    const method = message.source.includes('body of the request') ? 'POST' : 'GET'
    const { outcome, requests } = await call(t, { method, requestTransform: `(request) => (${returned})` })
    t.match(outcome, { constructor: ToolFailedError, message })
    t.match(outcome, { message: /^weather: / })
    t.equal(requests, 0)
  })
}
for (const returned of ['null', 'undefined', '"x"', '[1]']) {
  t.test(`a request transform that returns ${returned} ends the call with a tool error`, async (t) => {
    t.match((await call(t, { requestTransform: `() => ${returned}` })).outcome, { constructor: ToolFailedError, message: /must return the request/ })
  })
}

t.test('a request transform reaches another host that allowedHosts lists, and no other', async (t) => {
  const other = await startUpstream(t)
  const spec = { allowedHosts: ['127.0.0.1'] }
  t.strictSame((await call(t, { ...spec, requestTransform: `() => ({ url: ${JSON.stringify(`${other.origin}/y`)} })` })).outcome, { ok: true })
  t.equal(other.seen[0]?.url, '/y')
  t.match((await call(t, { ...spec, requestTransform: '() => ({ url: "http://localhost/y" })' })).outcome, { message: /leads to localhost, which is not in allowedHosts/ })
})

t.test('the headers that a transform returns decide about retries', async (t) => {
  let requests = 0
  const upstream = await startUpstream(t, (response) => sendJson(response, {}, ++requests === 1 ? 503 : 200))
  const spec = { url: upstream.origin, method: 'POST' as const, retries: 1, headers: { 'idempotency-key': 'k' } }
  const handler = await handlerOf(t, { ...spec, requestTransform: '() => ({ headers: {} })' }, { sandbox, timing: heldTiming() })
  t.match(await failureOf(handler({}, contextOf())), { message: /answered 503/ })
  t.equal(requests, 1)
})

t.test('a response transform sees status, headers and body, and its value is the result', async (t) => {
  const { outcome } = await call(t, { responseTransform: 'async (response, args) => ({ status: response.status, up: response.headers["x-upstream"], n: response.body.list.length, args })' }, { a: 1 }, { list: [1, 2] })
  t.strictSame(outcome, { status: 200, up: 'u', n: 2, args: { a: 1 } })
})

t.test('a response transform gets bytes as base64, nothing as null, and HEAD answers', async (t) => {
  const transform = async (spec: Partial<HttpSpec>, end: (response: ServerResponse) => unknown) => {
    const upstream = await startUpstream(t, end)
    return (await handlerOf(t, { url: upstream.origin, responseTransform: '(response) => [response.status, response.body]', ...spec }, { sandbox }))({}, contextOf())
  }
  t.strictSame(await transform({}, (response) => response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from([1, 255]))), [200, 'Af8='])
  t.strictSame(await transform({}, (response) => response.writeHead(204).end()), [204, null])
  t.strictSame(await transform({ method: 'HEAD' }, (response) => response.end()), [200, null])
})

t.test('a response transform does not see error statuses', async (t) => {
  t.match((await call(t, { responseTransform: '() => "fine"' }, {}, {}, 500)).outcome, { constructor: ToolFailedError, message: /answered 500/ })
})

const forms = {
  'an arrow function': '(response) => response.body',
  'a function expression': 'function pick (response) { return response.body }',
  'an async function': 'async (response, args) => { return response.body }',
  'a function with a semicolon': '(response) => response.body ; ',
  'a function with a comment at its end': '(response) => response.body // the body',
  'a function with a semicolon and a comment': '(response) => response.body; // the body: (a) [b]\n/* done */\n',
  'a function with a URL in it': '(response) => response.body["http://x"] ?? response.body // http://x',
  'a function after a comment': '// picks the body\n(response) => response.body',
  'a body': 'const { body } = response\nreturn body',
  'a body with a comment at its end': 'return response.body // the body',
  'a body that waits': 'return await response.body'
}
for (const [title, code] of Object.entries(forms)) {
  t.test(`${title} is a transform`, async (t) => {
    t.strictSame((await call(t, { responseTransform: code })).outcome, { ok: true })
  })
}

for (const code of ['(response) => {', 'return response.', '', ' ', '42', 'x) ; (y', '(r) => r), ((r) => () => 2', '(r) => r)(1), ((r) => r', 'return 1 }, async () => { return 2', '1 }, () => { return 2', '} {', 'response.body) => (response']) {
  t.test(`the code ${JSON.stringify(code)} is refused at load`, async (t) => {
    for (const key of ['requestTransform', 'responseTransform'] as const) {
      await t.rejects(handlerOf(t, { url: 'http://127.0.0.1', [key]: code }, { sandbox }), { constructor: HandlerLoadError, path: [key], message: new RegExp(`^${key} cannot be used`) })
    }
  })
}

t.test('code that throws ends the call with a tool error', async (t) => {
  t.match((await call(t, { requestTransform: '() => { throw new Error("no luck") }' })).outcome, { constructor: ToolFailedError, message: /^weather: requestTransform failed: no luck$/ })
})

t.test('a response transform that returns nothing ends the call with a tool error', async (t) => {
  for (const responseTransform of ['(response) => { response.body }', '// nothing']) {
    t.match((await call(t, { responseTransform })).outcome, { constructor: ToolFailedError, message: 'weather: responseTransform returned nothing: it must return the result, or null.' })
  }
})

t.test('a transform that never ends, or eats memory, ends the call with a tool error', async (t) => {
  t.match((await call(t, { responseTransform: '() => { while (true); }', timeout: 100 })).outcome, { constructor: ToolTimeoutError, message: /weather did not finish within 100 ms/ })
  t.match((await call(t, { responseTransform: '() => { const all = []; while (true) all.push(new Uint8Array(1e6)) }', maxResponseBytes: 1000 })).outcome, { constructor: ToolFailedError, message: /^weather: responseTransform failed: .*memory/ })
})

t.test('a transform is bounded by the handler, and cancelled with the call', async (t) => {
  const upstream = await startUpstream(t)
  const cancel = new AbortController()
  const jobs: RunRequest[] = []
  const spy: Pick<Sandbox, 'check' | 'run'> = {
    check: sandbox.check,
    run: (job) => {
      jobs.push(job)
      const running = sandbox.run(job)
      cancel.abort(new CancelledError())
      return running
    }
  }
  const handler = await handlerOf(t, { url: upstream.origin, responseTransform: '() => { while (true); }', timeout: 60_000 }, { sandbox: spy })
  t.match(await failureOf(handler({}, contextOf({ signal: cancel.signal }))), { constructor: CancelledError })
  t.match(jobs, [{ timeoutMs: 60_000, info: { requestId: 'r1', metadata: { toolName: 'weather' } } }])
})

t.test('what a transform writes to its console is in the log', async (t) => {
  const upstream = await startUpstream(t)
  const context = contextOf()
  const lines: unknown[] = []
  const logger = { ...context.logger, info: (...line: unknown[]) => { lines.push(line) } }
  const handler = await handlerOf(t, { url: upstream.origin, responseTransform: '(response) => { console.log("got", response.body); return 1 }' }, { sandbox })
  t.equal(await handler({}, { ...context, logger }), 1)
  t.strictSame(lines, [[{}, 'got {"ok":true}']])
})
