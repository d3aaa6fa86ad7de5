import { once } from 'node:events'
import { createServer, type AddressInfo, type LookupFunction } from 'node:net'
import t from 'tap'
import { EgressRefusedError, ToolFailedError } from '../../../src/core/call-errors.ts'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import type { Logger } from '../../../src/core/ports.ts'
import { createConnections, EgressRefusal } from '../../../src/tools/http/egress.ts'
import { exchange } from '../../../src/tools/http/exchange.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import { createSandbox } from '../../../src/tools/sandbox/index.ts'
import { contextOf, failureOf, handlerOf, openResolver, ownerOf, sendJson, startUpstream, type Test, type Upstream } from './support.ts'

/** A name server whose n-th answer is the n-th list, the last one again and again; it counts the questions. */
function namesTo (...answers: readonly string[][]): LookupFunction & { asked: string[] } {
  const asked: string[] = []
  const lookup: LookupFunction = (host, _, callback) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(host)
    queueMicrotask(() => callback(null, answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))))
  }
  return Object.assign(lookup, { asked })
}

const portOf = ({ host }: Upstream): string => host.split(':')[1] ?? ''

/** Calls a name that leads to a loopback address; gives what came of it. */
async function callName (t: Test, spec: Partial<HttpSpec>, { name = 'orders.internal', addresses = ['127.0.0.1'], allowPrivate = [] as string[] } = {}) {
  const upstream = await startUpstream(t)
  const handler = await handlerOf(t, { url: `http://${name}:${portOf(upstream)}/`, ...spec }, { lookup: namesTo(addresses), upstreams: { allowPrivate } })
  return Promise.resolve(handler({}, contextOf())).catch((error: unknown) => error)
}

/** Hosts as a URL may spell them, none of which leads out to the internet. */
const spellings = [
  '127.0.0.1', '127.1', '127.0.1', '127.0.0.1.', '2130706433', '0x7f000001', '0X7F.1', '0177.0.0.1', '017700000001', '0x7f.0.0x0.01', '127.255.255.254',
  '１２７.０.０.１', '①②⑦.⓪.⓪.①', '127。0。0。1', '127.0.0.1%2e', '%31%32%37.0.0.1',
  '0', '0.0.0.0', '0x0', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:FFFF:7F00:0001]', '[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:127.0.0.1]',
  '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2002:7f00:1::1]', '[2001:0:7f00:1::]', '[2001::80ff:fffe]',
  '169.254.169.254', '2852039166', '0xa9fea9fe', '0xa9.254.0251.0xfe', '169.254.43518', '[::ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::]',
  '[fd00:ec2::254]', '[fe80::1]', '[fe80::a9fe:a9fe]', '100.100.100.200', '192.0.0.192', '168.63.129.16',
  '10.1', '0xa.0.0.1', '012.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '3232235777', '0300.0250.1.1', '100.64.0.1', '[fc00::1]', '[fdff::1]', '[fec0::1]',
  '198.18.0.1', '192.0.2.1', '[2001:db8::1]', '[3fff::1]', '224.0.0.1', '[ff02::1]', '255.255.255.255', '4294967295', '240.0.0.1', '[100::1]', '[4000::1]'
]

t.test('an address that is not public is refused in every spelling, before anything is connected', async (t) => {
  const connections = createConnections({ connections: 1, connectTimeoutMs: 1000, allowPrivate: [] })
  t.teardown(() => connections.destroy())
  const dispatcher = connections.egress([])('public')
  t.ok(spellings.length > 70)
  for (const spelling of spellings) {
    t.ok(URL.canParse(`http://${spelling}:1/`), `${spelling} is a host`)
    const request = { method: 'GET' as const, origin: new URL(`http://${spelling}:1/`).origin, reach: 'public' as const, path: '/', headers: {}, body: undefined }
    t.match(await failureOf(exchange(dispatcher, request, { timeoutMs: 5000, waitedMs: 0, headersTimeoutMs: undefined, bodyTimeoutMs: undefined, maxBytes: 1, signal: new AbortController().signal })), { constructor: EgressRefusal }, spelling)
  }
})

t.test('an argument leads to no address by any spelling: nothing is looked up, nothing is sent', async (t) => {
  const lookup = namesTo(['127.0.0.1'])
  const handler = await handlerOf(t, { url: 'http://${args.host}:1/', allowedHosts: ['*.example.com'] }, { lookup })
  for (const host of spellings.map((spelling) => spelling.replace(/^\[|\]$/g, ''))) {
    const { message } = await failureOf((async () => handler({ host }, contextOf()))())
    t.match(message, /not in allowedHosts|cannot be part of a host|is not a valid URL/, host)
  }
  t.strictSame(lookup.asked, [])
})

t.test('a zone has no place in a URL', async (t) => {
  for (const host of ['[fe80::1%25eth0]', '[fe80::1%eth0]', '[::1%25lo]']) {
    t.match(await failureOf(handlerOf(t, { url: `http://${host}/` })), { constructor: HandlerLoadError }, host)
  }
})

t.test('a name that leads to addresses that are not public is refused, and the caller does not learn which', async (t) => {
  for (const addresses of [['127.0.0.1'], ['::1'], ['10.1.2.3'], ['169.254.169.254'], ['fd00:ec2::254'], ['::ffff:127.0.0.1'], ['64:ff9b::7f00:1'], ['fe80::1%lo'], ['192.168.0.1', '10.0.0.1'], []]) {
    const logged: unknown[] = []
    const logger = { warn: (facts: object) => { logged.push(facts) } } as Logger
    const handler = await handlerOf(t, { url: 'http://orders.internal:1/', retries: 3 }, { lookup: namesTo(addresses) })
    t.match(await failureOf(handler({}, { ...contextOf(), logger })), {
      constructor: EgressRefusedError,
      code: 'MCP_EGRESS_REFUSED',
      message: 'weather: GET http://orders.internal:1 was not sent: the host has no address that this tool may reach.'
    })
    t.strictSame(logged, [{ host: 'orders.internal', addresses }])
  }
})

t.test('a name with a dot at its end, or in capitals, is no way round', async (t) => {
  for (const name of ['localhost.', 'LOCALHOST.', 'orders.internal.', 'ORDERS.internal']) {
    t.match(await callName(t, {}, { name }), { constructor: EgressRefusedError }, name)
  }
})

t.test('of the addresses of a name, those that may be reached are used', async (t) => {
  for (const addresses of [['10.255.255.1', '127.0.0.1'], ['169.254.169.254', 'fd00:ec2::254', '::ffff:127.0.0.1', '127.0.0.1']]) {
    t.strictSame(await callName(t, {}, { addresses, allowPrivate: ['127.0.0.1'] }), { ok: true })
  }
})

t.test('the address that was looked at is the one that is connected to: a name is asked once for each connection', async (t) => {
  const upstream = await startUpstream(t, (response) => sendJson(response, { ok: true }, 200, { connection: 'close' }))
  const lookup = namesTo(['127.0.0.1'], ['127.0.0.2'])
  const handler = await handlerOf(t, { url: `http://orders.internal:${portOf(upstream)}/`, allowPrivate: ['127.0.0.1'] }, { lookup })
  t.strictSame(await handler({}, contextOf()), { ok: true })
  t.strictSame(lookup.asked, ['orders.internal'])
  t.equal(upstream.seen[0]?.headers.host, `orders.internal:${portOf(upstream)}`)
  t.match(await failureOf(handler({}, contextOf())), { constructor: EgressRefusedError })
  t.equal(upstream.seen.length, 1)
})

t.test('over TLS, too, the address that was looked at is connected to, in the name of the host', async (t) => {
  const server = createServer((socket) => { socket.once('data', (hello) => { server.emit('hello', hello); socket.destroy() }) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `https://orders.internal:${(server.address() as AddressInfo).port}/`
  const hello = once(server, 'hello')
  const open = await handlerOf(t, { url, allowPrivate: ['127.0.0.1'] }, { lookup: namesTo(['127.0.0.1']) })
  t.match(await failureOf(open({}, contextOf())), { constructor: ToolFailedError })
  // The name stands in the clear in the first message of a handshake: RFC 6066 section 3.
  t.match(String((await hello)[0]), 'orders.internal')
  const closed = await handlerOf(t, { url }, { lookup: namesTo(['127.0.0.1']) })
  t.match(await failureOf(closed({}, contextOf())), { constructor: EgressRefusedError })
})

t.test('allowPrivate opens addresses and ranges, of a handler or of all, and nothing else', async (t) => {
  for (const allowPrivate of [['127.0.0.1'], ['127.0.0.0/8'], ['::ffff:127.0.0.1'], ['10.0.0.0/8', '127.0.0.1/32'], ['0.0.0.0/0']]) {
    t.strictSame(await callName(t, { allowPrivate }), { ok: true }, String(allowPrivate))
    t.strictSame(await callName(t, {}, { allowPrivate }), { ok: true }, String(allowPrivate))
  }
  for (const allowPrivate of [['127.0.0.2'], ['10.0.0.0/8'], ['::/0']]) {
    t.match(await callName(t, { allowPrivate }), { constructor: EgressRefusedError }, String(allowPrivate))
    t.match(await callName(t, {}, { allowPrivate }), { constructor: EgressRefusedError }, String(allowPrivate))
  }
})

for (const entry of ['example.com', '10.0.0.0/33', '10.0.0', '10.0.0.1:80', '0x7f.1', '*']) {
  t.test(`${JSON.stringify(entry)} in allowPrivate is refused at load`, async (t) => {
    const path: (string | number)[] = ['allowPrivate', 1]
    t.match(await failureOf(handlerOf(t, { url: 'http://x/', allowPrivate: ['10.0.0.1', entry] })), { constructor: HandlerLoadError, path })
  })
}

t.test('an address that stands in the URL, in any spelling, is what the operator means', async (t) => {
  const upstream = await startUpstream(t)
  for (const host of ['127.0.0.1', '127.1', '0x7f000001', '[::ffff:127.0.0.1]']) {
    const handler = await handlerOf(t, { url: `http://${host}:${portOf(upstream)}/` })
    t.strictSame(await handler({}, contextOf()), { ok: true }, host)
  }
})

t.test('localhost in the URL is this machine, and only that', async (t) => {
  const upstream = await startUpstream(t)
  const handler = await handlerOf(t, { url: `http://localhost:${portOf(upstream)}/` })
  t.strictSame(await handler({}, contextOf()), { ok: true })
  t.match(await callName(t, {}, { name: 'localhost', addresses: ['10.0.0.1', '169.254.169.254'] }), { constructor: EgressRefusedError })
})

t.test('a name in allowedHosts opens private networks and this machine for it, but no metadata service', async (t) => {
  for (const name of ['orders.internal', 'localhost']) t.strictSame(await callName(t, { allowedHosts: [name] }, { name }), { ok: true })
  for (const address of ['169.254.169.254', '168.63.129.16', 'fe80::1', '0.0.0.0', '::', '255.255.255.255', '64:ff9b::7f00:1']) {
    t.match(await callName(t, { allowedHosts: ['orders.internal'] }, { addresses: [address] }), { constructor: EgressRefusedError }, address)
  }
})

t.test('a pattern in allowedHosts opens nothing that is not public, unless the name stands there too', async (t) => {
  t.match(await callName(t, { allowedHosts: ['*.internal'] }), { constructor: EgressRefusedError })
  t.strictSame(await callName(t, { allowedHosts: ['*.internal', 'orders.internal'] }), { ok: true })
})

t.test('where an argument is in the host, allowedHosts says which names and addresses are meant', async (t) => {
  const upstream = await startUpstream(t)
  const port = portOf(upstream)
  const call = async (allowedHosts: string[], host: string) => {
    const handler = await handlerOf(t, { url: `http://\${args.host}:${port}/`, allowedHosts, query: {} }, { lookup: namesTo(['127.0.0.1']) })
    return Promise.resolve().then(() => handler({ host }, contextOf())).catch((error: unknown) => error)
  }
  t.strictSame(await call(['127.0.0.1'], '127.0.0.1'), { ok: true })
  t.strictSame(await call(['127.0.0.1'], '2130706433'), { ok: true })
  t.match(await call(['127.0.0.1'], '127.0.0.2'), { constructor: ToolFailedError, message: /not in allowedHosts/ })
  t.strictSame(await call(['orders.internal'], 'orders.internal'), { ok: true })
  t.match(await call(['*.internal'], 'orders.internal'), { constructor: EgressRefusedError })
  t.match(await call([`*.internal:${port}`], 'a.orders.internal'), { constructor: EgressRefusedError })
  t.match(await call(['*.internal'], 'localhost'), { constructor: ToolFailedError, message: /not in allowedHosts/ })
  t.strictSame(await call(['localhost'], 'localhost'), { ok: true })
})

t.test('a URL that requestTransform makes goes as far as allowedHosts names its host', async (t) => {
  const upstream = await startUpstream(t)
  const port = portOf(upstream)
  const sandbox = createSandbox()
  t.teardown(() => sandbox.close())
  const call = async (allowedHosts: string[], to: string) => {
    const spec = { url: `http://127.0.0.1:${port}/`, allowedHosts: ['127.0.0.1', ...allowedHosts], requestTransform: '(request, args) => ({ url: args.to })', query: {} }
    const handler = await handlerOf(t, spec, { lookup: namesTo(['127.0.0.1']), sandbox })
    return Promise.resolve(handler({ to: `http://${to}:${port}/` }, contextOf())).catch((error: unknown) => error)
  }
  t.strictSame(await call([], '127.0.0.1'), { ok: true })
  t.match(await call([], '[::1]'), { constructor: ToolFailedError, message: /not in allowedHosts/ })
  t.match(await call(['*.internal'], 'orders.internal'), { constructor: EgressRefusedError })
  t.strictSame(await call(['orders.internal'], 'orders.internal'), { ok: true })
})

t.test('a handler does not get through a connection that another one was allowed to open', async (t) => {
  const upstream = await startUpstream(t)
  const url = `http://orders.internal:${portOf(upstream)}/`
  const resolver = openResolver(t, { lookup: namesTo(['127.0.0.1']) })
  const resolve = (spec: Partial<HttpSpec>) => resolver.resolve({ type: 'http', url, ...spec }, ownerOf())
  const others = [await resolve({}), await resolve({ allowedHosts: ['*.internal'] }), await resolve({ allowPrivate: ['10.0.0.0/8'] })]
  for (const spec of [{ allowedHosts: ['orders.internal'] }, { allowPrivate: ['127.0.0.0/8'] }]) {
    t.strictSame(await (await resolve(spec))({}, contextOf()), { ok: true })
    for (const other of others) t.match(await failureOf(other({}, contextOf())), { constructor: EgressRefusedError })
  }
  t.equal(upstream.seen.length, 2)
})

t.test('a redirect is not followed, wherever it leads', async (t) => {
  const inner = await startUpstream(t)
  const outer = await startUpstream(t, (response) => response.writeHead(302, { location: `${inner.origin}/latest/meta-data` }).end())
  const handler = await handlerOf(t, { url: outer.origin })
  t.match(await failureOf(handler({}, contextOf())), { constructor: ToolFailedError, message: /answered 302.*Redirects are not followed/ })
  t.equal(inner.seen.length, 0)
})
