import t from 'tap'
import { ArgumentsInvalidError } from '../../../src/core/call-errors.ts'
import { createSandbox } from '../../../src/tools/sandbox/index.ts'
import { build } from '../../helpers/build.ts'
import { contextOf, failureOf, heldTiming, openResolver, ownerOf, sendJson, startUpstream } from '../http/support.ts'

t.test('a handler of the file becomes a function that calls the API, with every key at work', async (t) => {
  const upstream = await startUpstream(t, (response, seen, index) => {
    if (index === 0) sendJson(response, { message: 'busy' }, 503, { 'retry-after': '1' })
    else sendJson(response, { temperature: 21, unit: 'C', internal: seen.headers['x-trace'] })
  })
  const timing = heldTiming()
  const sandbox = createSandbox()
  t.teardown(() => sandbox.close())
  const resolver = openResolver(t, { sandbox, timing })
  t.equal(resolver.type, 'http')
  const handler = await resolver.resolve({
    type: 'http',
    url: `${upstream.origin}/v1/\${args.city}/now`,
    method: 'GET',
    headers: { authorization: 'Bearer abc', 'accept-language': '${args.language}' },
    query: { units: '${args.units}', days: 3 },
    timeout: 5000,
    retries: 1,
    maxResponseBytes: 1000,
    allowedHosts: ['127.0.0.1'],
    requestTransform: '(request, args) => ({ headers: { ...request.headers, "x-trace": "t-" + args.city.length } })',
    responseTransform: '(response, args) => `${args.city}: ${response.body.temperature} ${response.body.unit} (${response.body.internal})`'
  }, ownerOf())

  t.equal(await handler({ city: 'São Paulo', language: 'pt' }, contextOf()), 'São Paulo: 21 C (t-9)')
  t.strictSame(timing.waits, [1000])
  t.match(upstream.seen, [1, 2].map(() => ({
    method: 'GET', url: '/v1/S%C3%A3o%20Paulo/now?days=3', headers: { authorization: 'Bearer abc', 'accept-language': 'pt', 'x-trace': 't-9' }
  })))
})

t.test('handlers of one resolver share its connections', async (t) => {
  const upstream = await startUpstream(t)
  let connections = 0
  upstream.server.on('connection', () => { connections++ })
  const resolver = openResolver(t)
  for (const path of ['/a', '/b', '/c', '/d', '/e', '/f']) {
    const handler = await resolver.resolve({ type: 'http', url: upstream.origin + path }, ownerOf())
    t.strictSame(await handler({}, contextOf()), { ok: true })
  }
  // undici keeps a connection for one turn of the event loop before it uses it again, so two take turns.
  t.ok(connections <= 2, `${connections} connections for 6 calls`)
})

t.test('arguments that were refused send nothing, and the next call works', async (t) => {
  const upstream = await startUpstream(t)
  const handler = await openResolver(t).resolve({ type: 'http', url: `${upstream.origin}/\${args.id}` }, ownerOf())
  t.match(await failureOf(handler({ id: '../admin' }, contextOf())), { constructor: ArgumentsInvalidError, code: 'MCP_ARGUMENTS_INVALID', data: { mismatches: [{ path: '/id' }] } })
  await handler({ id: 'ok' }, contextOf())
  t.strictSame(upstream.seen.map(({ url }) => url), ['/ok'])
})

t.test('a name of a handler is the owner\'s in messages, whatever its kind', async (t) => {
  const handler = await openResolver(t).resolve({ type: 'http', url: 'http://127.0.0.1:1/' }, { kind: 'resource', name: 'readme', timeoutMs: 1000 })
  t.match(await failureOf(handler({}, contextOf())), { message: /^readme: GET http:\/\/127\.0\.0\.1:1 failed/ })
})

t.test('an app tells how it goes with the APIs that its tools have called, and its limits are those of the file', async (t) => {
  const upstream = await startUpstream(t, (response) => sendJson(response, {}, 500))
  const handler = { type: 'http', url: upstream.origin }
  const app = await build(t, { tools: [{ name: 'weather', inputSchema: { type: 'object' }, handler }], server: { upstreams: { circuitBreaker: { failures: 2 } } } })
  t.strictSame(app.upstreams(), [])
  const call = () => app.inject({ method: 'POST', url: '/tools/weather', payload: {} })
  t.match((await call()).json(), { code: 'MCP_TOOL_FAILED' })
  t.strictSame(app.upstreams(), [{ origin: upstream.origin, circuit: 'closed', failures: 1, running: 0, waiting: 0 }])
  t.match((await call()).json(), { code: 'MCP_TOOL_FAILED' })
  const refused = await call()
  t.match(refused.json(), { title: 'Service Unavailable', status: 503, code: 'MCP_UPSTREAM_FAILING' })
  t.match(Number(refused.headers['retry-after']), Number)
  t.ok(Number(refused.headers['retry-after']) > 0)
  t.match(app.upstreams(), [{ circuit: 'open', failures: 2 }])
})
