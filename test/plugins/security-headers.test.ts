import t from 'tap'
import { build, openSession, post, rest, type GantryApp } from '../helpers/build.ts'

const expected = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff'
}
const names = Object.keys(expected)

type Headers = Record<string, unknown>

/** An answer of each kind that there is. */
async function answers (app: GantryApp): Promise<Record<string, Headers>> {
  const session = await openSession(app)
  const headersOf = async (method: 'GET' | 'POST' | 'PUT' | 'HEAD', url: string, headers = {}): Promise<Headers> => (await app.inject({ method, url, headers })).headers
  return {
    success: (await session.call('ping')).headers,
    stream: (await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 1 } })).headers,
    accepted: (await session.notify('notifications/initialized')).headers,
    'parse error': (await post(app, '{')).headers,
    'wrong type': (await post(app, '{}', { 'content-type': 'text/plain' })).headers,
    'too large': (await post(app, `"${'x'.repeat(5_000)}"`)).headers,
    'refused host': await headersOf('GET', '/tools', { host: 'evil.example' }),
    'not allowed': await headersOf('PUT', '/mcp'),
    head: await headersOf('HEAD', '/mcp'),
    health: await headersOf('GET', '/health'),
    list: await headersOf('GET', '/tools'),
    'nothing there': await headersOf('GET', '/nothing'),
    'a path that is none': await headersOf('GET', '/%zz'),
    'a path that is too long': await headersOf('POST', `/tools/${'x'.repeat(300)}`),
    tool: (await rest(app, 'work')).headers,
    'unknown tool': (await rest(app, 'missing')).headers,
    'failed tool': (await rest(app, 'fail')).headers,
    'session ended': (await session.send('DELETE')).headers
  }
}
const tools = { work: (_args: object, context: { progress (n: number): void }) => { context.progress(1); return 'x' }, fail: () => { throw new Error('no') } }

t.test('every answer carries the security headers, errors and streams included', async (t) => {
  for (const [what, headers] of Object.entries(await answers(await build(t, { server: { maxRequestSize: 2_000 } }, { tools })))) {
    t.strictSame(Object.fromEntries(names.map((name) => [name, headers[name]])), expected, what)
    t.notOk('x-powered-by' in headers || 'server' in headers)
  }
})

t.test('none of them where they are turned off', async (t) => {
  for (const [what, headers] of Object.entries(await answers(await build(t, { server: { maxRequestSize: 2_000, securityHeaders: false } }, { tools })))) {
    t.notOk(names.some((name) => name in headers), what)
  }
})
