import t from 'tap'
import { ArgumentsInvalidError, ToolFailedError } from '../../../src/core/call-errors.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import { contextOf, failureOf, handlerOf, queryPairs, startUpstream, type JsonObject, type Seen, type Test } from './support.ts'

/** Calls a handler once and gives what the upstream saw. */
async function send (t: Test, spec: Omit<HttpSpec, 'type' | 'url'> & { path?: string }, args: JsonObject, context = contextOf()): Promise<Seen> {
  const { path = '/x', ...rest } = spec
  const upstream = await startUpstream(t)
  const handler = await handlerOf(t, { url: upstream.origin + path, ...rest })
  await handler(args, context)
  const [seen] = upstream.seen
  if (upstream.seen.length !== 1 || seen === undefined) throw new Error(`The upstream saw ${upstream.seen.length} requests.`)
  return seen
}

async function refusal (t: Test, spec: Omit<HttpSpec, 'type' | 'url'> & { path?: string }, args: JsonObject) {
  const upstream = await startUpstream(t)
  const { path = '/x', ...rest } = spec
  const handler = await handlerOf(t, { url: upstream.origin + path, ...rest })
  const error = await failureOf(handler(args, contextOf()))
  if (upstream.seen.length > 0) throw new Error('The refused request was sent.')
  return error
}

const hostile = ['../x', '%2f', 'a?b', 'a#b', 'a@b', 'a&b=c', 'a=b', 'a\r\nx: y', '日本 🚀', '"}', '\\"', '${args.other}', 'x'.repeat(4000), '__proto__', '']

t.test('with GET, HEAD and DELETE the arguments that the URL does not use are the query', async (t) => {
  for (const method of ['GET', 'HEAD', 'DELETE'] as const) {
    const seen = await send(t, { method, path: '/items/${args.item.id}?fixed=1' }, { item: { id: 7 }, q: 'a b', tags: ['x', 'y&z'], n: 3, flag: false, none: null })
    t.equal(seen.method, method)
    t.equal(seen.url.split('?')[0], '/items/7')
    t.strictSame(queryPairs(seen.url), [['fixed', '1'], ['q', 'a b'], ['tags', 'x'], ['tags', 'y&z'], ['n', '3'], ['flag', 'false']])
    t.equal(seen.body, '')
  }
})

t.test('with POST, PUT and PATCH the arguments are the JSON body', async (t) => {
  for (const method of ['POST', 'PUT', 'PATCH'] as const) {
    const args = { id: 7, nested: { list: [1, null, 'x'] } }
    const seen = await send(t, { method, path: '/items/${args.id}' }, args)
    t.equal(seen.method, method)
    t.equal(seen.url, '/items/7')
    t.equal(seen.headers['content-type'], 'application/json')
    t.strictSame(JSON.parse(seen.body), args)
  }
})

t.test('a given query is the whole query', async (t) => {
  const seen = await send(t, { query: { q: '${args.q}', page: 2, on: true, prefix: 'p-${args.n}', list: ['a', '${args.n}', '${args.absent}'], gone: '${args.absent}', nil: '${args.nil}', many: '${args.many}' } },
    { q: 'x&y', n: 5, other: 'not sent', nil: null, many: ['1', '2'] })
  t.strictSame(queryPairs(seen.url), [['q', 'x&y'], ['page', '2'], ['on', 'true'], ['prefix', 'p-5'], ['list', 'a'], ['list', '5'], ['many', '1'], ['many', '2']])
  t.equal((await send(t, { query: {} }, { other: 'not sent' })).url, '/x')
})

t.test('a hostile value in the query is one value under its own name', async (t) => {
  for (const value of hostile) {
    const seen = await send(t, { query: { a: '1', q: '${args.q}', z: '2' } }, { q: value, other: 'leak' })
    t.strictSame(queryPairs(seen.url), [['a', '1'], ['q', value], ['z', '2']], JSON.stringify(value.slice(0, 20)))
  }
})

t.test('a hostile argument name in the query is one name', async (t) => {
  for (const name of ['a&b', 'a=b', 'a#b', '__proto__', '🚀', 'a\r\nb']) {
    const seen = await send(t, {}, JSON.parse(`{${JSON.stringify(name)}:"v"}`))
    t.strictSame(queryPairs(seen.url), [[name, 'v']], name)
  }
})

t.test('an object in the query is refused and names the argument', async (t) => {
  const error = await refusal(t, {}, { filter: { a: 1 } })
  t.match(error, { constructor: ArgumentsInvalidError, message: /\/filter: is an object, but a query takes/ })
})

t.test('a body keeps types where the argument is the whole value, and is text elsewhere', async (t) => {
  const body = { whole: '${args.o}', list: ['${args.n}', 'fixed', '${args.absent}'], text: 'n is ${args.n}, b is ${args.b}', gone: '${args.absent}', nil: '${args.nil}', fixed: { a: [1, null] } }
  const seen = await send(t, { method: 'POST', body }, { o: { deep: [1, { x: true }] }, n: 1.5, b: false, nil: null, unused: 'not sent' })
  t.strictSame(JSON.parse(seen.body), { whole: { deep: [1, { x: true }] }, list: [1.5, 'fixed'], text: 'n is 1.5, b is false', nil: null, fixed: { a: [1, null] } })
})

t.test('a hostile value in a JSON body stays inside its string', async (t) => {
  for (const value of hostile) {
    const seen = await send(t, { method: 'POST', body: { text: '<${args.v}>', whole: '${args.v}', last: 1 } }, { v: value, other: 'leak' })
    t.strictSame(JSON.parse(seen.body), { text: `<${value}>`, whole: value, last: 1 }, JSON.stringify(value.slice(0, 20)))
  }
})

t.test('keys named __proto__ stay keys and pollute nothing', async (t) => {
  const body = JSON.parse('{"__proto__":{"polluted":"${args.v}"},"w":"${args.o}"}')
  const seen = await send(t, { method: 'POST', body }, JSON.parse('{"v":"yes","o":{"__proto__":{"polluted":1}}}'))
  t.equal(seen.body, '{"__proto__":{"polluted":"yes"},"w":{"__proto__":{"polluted":1}}}')
  t.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
})

t.test('a value inside body text that has no text form is refused and named', async (t) => {
  const spec = { method: 'POST' as const, body: { text: 'x ${args.v}' } }
  t.match(await refusal(t, spec, {}), { message: /\/v: is needed for text in the body and is missing/ })
  t.match(await refusal(t, spec, { v: null }), { message: /\/v: is null/ })
  t.match(await refusal(t, spec, { v: {} }), { message: /\/v: is an object/ })
})

t.test('a body that is one absent argument is no body', async (t) => {
  const seen = await send(t, { method: 'POST', body: '${args.payload}' }, {})
  t.equal(seen.body, '')
  t.equal(seen.headers['content-type'], undefined)
  t.equal((await send(t, { method: 'POST', body: '${args.payload}' }, { payload: [1] })).body, '[1]')
})

t.test('a value that is too deep to be written is a tool error', async (t) => {
  let deep: unknown = 1
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  t.match(await refusal(t, { method: 'POST' }, { deep }), { constructor: ToolFailedError, message: 'weather: the body of the request cannot be written as JSON.' })
})

t.test('a body is the same for every call, whatever came before', async (t) => {
  const upstream = await startUpstream(t)
  const handler = await handlerOf(t, { url: upstream.origin, method: 'POST', body: { a: '${args.a}', fixed: { list: [] } } })
  for (const a of [1, 'two', undefined, 1]) await handler(a === undefined ? {} : { a }, contextOf())
  t.strictSame(upstream.seen.map(({ body }) => JSON.parse(body)), [{ a: 1, fixed: { list: [] } }, { a: 'two', fixed: { list: [] } }, { fixed: { list: [] } }, { a: 1, fixed: { list: [] } }])
})

t.test('DELETE sends the body it is given, and then no arguments in the query', async (t) => {
  const seen = await send(t, { method: 'DELETE', body: { id: '${args.id}' } }, { id: 7 })
  t.strictSame([seen.url, seen.body], ['/x', '{"id":7}'])
})

t.test('a form body, from an object, a text or the arguments, keeps every value in its field', async (t) => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const value of hostile) {
    const pairs = [['grant', 'x'], ['v', value]]
    for (const body of [{ grant: 'x', v: '${args.v}' }, 'grant=x&v=${args.v}']) {
      const seen = await send(t, { method: 'POST', headers, body }, { v: value, other: 'leak' })
      t.strictSame([...new URLSearchParams(seen.body)], pairs, JSON.stringify(value.slice(0, 20)))
    }
    const seen = await send(t, { method: 'POST', headers }, { grant: 'x', v: value })
    t.strictSame([...new URLSearchParams(seen.body)], pairs)
  }
  t.match(await refusal(t, { method: 'POST', headers }, { v: { a: 1 } }), { message: /\/v: is an object, but a form takes/ })
  t.match(await refusal(t, { method: 'POST', headers }, { v: '\udc00' }), { message: /\/v: holds half of a surrogate pair/ })
})

t.test('a plain text body is the text', async (t) => {
  const seen = await send(t, { method: 'POST', headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: 'hello ${args.name}' }, { name: 'Zoë 🚀' })
  t.equal(seen.body, 'hello Zoë 🚀')
  const fixed = await send(t, { method: 'POST', headers: { 'Content-Type': 'application/xml' }, body: '<a/>' }, {})
  t.equal(fixed.body, '<a/>')
})

t.test('headers are filled in, and left out where their whole argument is absent or null', async (t) => {
  const seen = await send(t, { headers: { Authorization: 'Bearer abc', 'X-Name': 'n ${args.name}', 'X-Gone': '${args.gone}', 'X-Nil': '${args.nil}', 'X-N': '${args.n}' }, query: {} }, { name: 'café', nil: null, n: 5 })
  t.equal(seen.headers['authorization'], 'Bearer abc')
  t.equal(seen.headers['x-name'], 'n café')
  t.equal(seen.headers['x-n'], '5')
  t.notOk('x-gone' in seen.headers || 'x-nil' in seen.headers)
})

t.test('a header value that would end its line, or has no form in one, is refused and names the argument', async (t) => {
  for (const value of ['a\r\nx-injected: 1', 'a\nb', 'a\rb', 'a\u0000b', 'a\u001bb', 'a\u007fb', 'a\tb', '日本', '🚀', 'a\u2028b', {}, ['a']]) {
    for (const template of ['${args.v}', 'x ${args.v}']) {
      t.match(await refusal(t, { headers: { 'x-v': template } }, { v: value }), { constructor: ArgumentsInvalidError, message: /\n- \/v: / })
    }
  }
})

t.test('a missing argument inside header text is refused and named', async (t) => {
  t.match(await refusal(t, { headers: { 'x-v': 'x ${args.v}' } }, {}), { message: /\/v: is needed for a header and is missing/ })
})

t.test('nothing of the caller but its trace goes on, and configured headers win', async (t) => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const seen = await send(t, {}, {}, contextOf({ traceparent }))
  t.strictSame(Object.keys(seen.headers).sort(), ['accept', 'accept-encoding', 'connection', 'host', 'traceparent', 'user-agent'])
  t.equal(seen.headers['traceparent'], traceparent)
  t.equal((await send(t, { headers: { traceparent: 'own', 'User-Agent': 'mine' } }, {}, contextOf({ traceparent }))).headers['traceparent'], 'own')
  t.notOk('traceparent' in (await send(t, {}, {}, contextOf({ traceparent: `${traceparent}\r\nx: y` }))).headers)
})
