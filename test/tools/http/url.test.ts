import t from 'tap'
import { ArgumentsInvalidError } from '../../../src/core/call-errors.ts'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import { compileHosts } from '../../../src/tools/http/hosts.ts'
import { renderQuery } from '../../../src/tools/http/query.ts'
import { compileUrl } from '../../../src/tools/http/url.ts'
import type { JsonObject } from './support.ts'

function fill (url: string, args: JsonObject, allowedHosts?: string[]): string {
  const template = compileUrl(url, 'weather', allowedHosts && compileHosts(allowedHosts))
  const query = renderQuery(template.query, args)
  return template.target(args).origin + template.path(args) + (query === '' ? '' : `?${query}`)
}

const api = 'http://api.example.com'

// What a value may try, and the one path segment it becomes.
const segments: Record<string, string> = {
  'a/b': 'a%2Fb',
  'a\\b': 'a%5Cb',
  'a?b=c': 'a%3Fb%3Dc',
  'a#b': 'a%23b',
  'a@b:c': 'a%40b%3Ac',
  'a%2fb': 'a%252fb',
  '%2e%2e': '%252e%252e',
  '..%2f..': '..%252f..',
  'a;b': 'a%3Bb',
  'a\r\nb': 'a%0D%0Ab',
  'a\u0000b': 'a%00b',
  'a b+c&d': 'a%20b%2Bc%26d',
  'Zürich 日本 🚀': 'Z%C3%BCrich%20%E6%97%A5%E6%9C%AC%20%F0%9F%9A%80',
  '...': '...',
  '.hidden': '.hidden',
  'http://evil.test/': 'http%3A%2F%2Fevil.test%2F',
  '${args.other}': '%24%7Bargs.other%7D',
  '$&$1': '%24%26%241'
}
for (const [value, segment] of Object.entries(segments)) {
  t.test(`the path value ${JSON.stringify(value)} stays inside its segment`, async (t) => {
    const url = fill(`${api}/items/\${args.id}/detail`, { id: value, other: 'leak' })
    t.equal(url, `${api}/items/${segment}/detail`)
    const parsed = new URL(url)
    t.equal(parsed.origin, api)
    t.strictSame(parsed.pathname.split('/').map(decodeURIComponent), ['', 'items', value, 'detail'])
  })
}

t.test('a very long value is one segment', async (t) => {
  const id = '/é'.repeat(20_000)
  t.equal(fill(`${api}/items/\${args.id}`, { id }), `${api}/items/${encodeURIComponent(id)}`)
})

t.test('numbers and booleans become text', async (t) => {
  t.equal(fill(`${api}/\${args.a}/\${args.b}/\${args.c}`, { a: 1.5, b: true, c: 0 }), `${api}/1.5/true/0`)
})

for (const value of ['.', '..', '', '../admin', '..\\admin', 'a/../b', '/..', './x', 'x/.']) {
  t.test(`the path value ${JSON.stringify(value)} is refused, because it could change the path`, async (t) => {
    t.throws(() => fill(`${api}/items/\${args.id}/detail`, { id: value }), { constructor: ArgumentsInvalidError, message: /weather.*\n- \/id: / })
  })
}

t.test('a value that makes dots of a whole segment together with its neighbours is refused', async (t) => {
  t.throws(() => fill(`${api}/x/.\${args.id}/y`, { id: '' }), ArgumentsInvalidError)
  t.throws(() => fill(`${api}/x/%2e\${args.id}/y`, { id: '' }), ArgumentsInvalidError)
  t.throws(() => fill(`${api}/x/\${args.a}\${args.b}/y`, { a: '', b: '' }), ArgumentsInvalidError)
  t.equal(fill(`${api}/x/v\${args.id}/y`, { id: '' }), `${api}/x/v/y`)
})

t.test('missing, null and compound values in a path are refused and name the argument', async (t) => {
  const inPath = (value: unknown) => () => fill(`${api}/\${args.user.id}`, { user: { id: value } })
  t.throws(() => fill(`${api}/\${args.user.id}`, {}), { message: /\/user\/id: is needed for a URL path and is missing/ })
  t.throws(inPath(null), { message: /\/user\/id: is null/ })
  t.throws(inPath({ a: 1 }), { message: /\/user\/id: is an object/ })
  t.throws(inPath(['a']), { message: /\/user\/id: is an array/ })
  t.throws(inPath('\ud800'), { message: /\/user\/id: holds half of a surrogate pair/ })
})

t.test('an argument named like a part of every object is missing unless it was given', async (t) => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.throws(() => fill(`${api}/\${args.${name}}`, {}), { message: /is missing/ }, name)
  }
})

t.test('a value in the query of the URL is one value', async (t) => {
  for (const value of [...Object.keys(segments), '.', '..', '../x', '']) {
    const url = fill(`${api}/find?kind=a&q=\${args.q}&z=1`, { q: value, other: 'leak' })
    t.strictSame([...new URL(url).searchParams], [['kind', 'a'], ['q', value], ['z', '1']], JSON.stringify(value))
  }
})

t.test('in the query, an absent or null value leaves its pair out and a list repeats its name', async (t) => {
  const url = `${api}/find?q=\${args.q}&z=1`
  t.equal(fill(url, {}), `${api}/find?z=1`)
  t.equal(fill(url, { q: null }), `${api}/find?z=1`)
  t.equal(fill(url, { q: [] }), `${api}/find?z=1`)
  t.equal(fill(url, { q: ['a&b', 2, null, true] }), `${api}/find?q=a%26b&q=2&q=true&z=1`)
  t.throws(() => fill(url, { q: { a: 1 } }), { message: /\/q: is an object/ })
  t.throws(() => fill(url, { q: [[1]] }), { message: /\/q: holds an array/ })
  t.throws(() => fill(`${api}/find?q=x\${args.q}`, {}), { message: /\/q: is needed for a query and is missing/ })
})

t.test('the literal text of a URL is encoded and its dot segments are resolved, at load', async (t) => {
  t.equal(fill(`${api}/a b/../ü/\${args.x}?s=ö`, { x: 'y' }), `${api}/%C3%BC/y?s=%C3%B6`)
  t.equal(fill('HTTP://API.example.com:80', {}), `${api}/`)
})

t.test('text in a URL that looks like an inner mark of the compiler stays text', async (t) => {
  t.equal(fill(`${api}/gantry0e/\${args.x}/gantryx1e?gantry=gantry0e`, { x: 'y' }), `${api}/gantry0e/y/gantryx1e?gantry=gantry0e`)
  t.equal(fill(`${api}/${'${args.x}'.repeat(12)}`, { x: 'y' }), `${api}/${'y'.repeat(12)}`)
})

const refused: Record<string, RegExp> = {
  '/relative': /must be absolute/,
  'ftp://host/': /only http:\/\/ and https:\/\/ are called/,
  'file:///etc/passwd': /must be absolute|only http/,
  'http://': /must be absolute/,
  'http://user:pass@host/': /credentials/,
  'http://user@host/': /credentials/,
  'http://${args.user}:${args.pass}@host/': /credentials/,
  'http://host/#part': /fragment/,
  'http://host/a#${args.x}': /fragment/,
  'http://host/a\nb': /line break/,
  'http://ho st/': /not a valid URL/,
  'http://host:99999/': /not a valid URL/,
  'http://${args.host}/': /lets a caller choose the server/,
  'http://api.${args.region}.example.com/': /lets a caller choose the server/,
  'http://host:${args.port}/': /lets a caller choose the server/,
  '${args.scheme}://host/': /lets a caller choose the server/,
  '${args.url}': /must be absolute/,
  'http://host${args.tail}': /lets a caller choose the server/,
  'http://host/${args.x}/../y': /removes a placeholder/
}
for (const [url, message] of Object.entries(refused)) {
  t.test(`the URL ${JSON.stringify(url)} is refused at load`, async (t) => {
    t.throws(() => compileUrl(url, 'weather', undefined), { constructor: HandlerLoadError, path: ['url'], message })
  })
}

t.test('a placeholder in the host, with allowedHosts, reaches allowed hosts only', async (t) => {
  const at = (region: unknown) => fill('https://${args.region}.example.com/x', { region }, ['*.example.com'])
  t.equal(at('eu'), 'https://eu.example.com/x')
  t.equal(at('EU'), 'https://eu.example.com/x')
  for (const region of ['evil.test/', 'evil.test#', 'evil.test?', 'a@evil.test', 'evil.test:80', 'evil.test\\', 'é', '', 'a b', 'a\r\nb', '%2f', '[::1]']) {
    t.throws(() => at(region), { message: /cannot be part of a host|not a valid URL|not in allowedHosts/ }, JSON.stringify(region))
  }
  t.throws(() => fill('https://${args.host}/', { host: 'evil.test' }, ['*.example.com']), { message: /leads to evil.test, which is not in allowedHosts/ })
  t.throws(() => fill('https://${args.host}/', { host: 'example.com.evil.test' }, ['example.com', '*.example.com']), { message: /not in allowedHosts/ })
  t.throws(() => fill('https://example.com${args.tail}/', { tail: '.evil.test' }, ['example.com']), { message: /not in allowedHosts/ })
})

t.test('a placeholder in scheme and port, with allowedHosts, is a scheme and a port', async (t) => {
  const at = (args: JsonObject) => fill('${args.scheme}://example.com:${args.port}/', args, ['example.com:8443'])
  t.equal(at({ scheme: 'https', port: 8443 }), 'https://example.com:8443/')
  t.throws(() => at({ scheme: 'ftp', port: 8443 }), { message: /does not begin with http/ })
  t.throws(() => at({ scheme: 'https', port: 8444 }), { message: /not in allowedHosts/ })
  t.throws(() => at({ scheme: 'https', port: '8443@evil' }), { message: /cannot be part of a host/ })
  t.throws(() => at({ scheme: 'https', port: 'x' }), { message: /not a valid URL/ })
})
