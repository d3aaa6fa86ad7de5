import t from 'tap'
import { compileOriginRules, isLoopback, type OriginRules, type OriginVerdict } from '../../src/core/origin.ts'

interface Assertions { equal (found: unknown, wanted: unknown, what: string): unknown }
type Row = [host: string | undefined, origin: string | undefined, expected: OriginVerdict]

function judge (t: Assertions, rules: Partial<OriginRules>, rows: readonly Row[]): void {
  const verdict = compileOriginRules({ loopback: true, allowedHosts: undefined, allowedOrigins: undefined, ...rules })
  // Twice, since verdicts are remembered.
  for (const round of ['first', 'again']) {
    for (const [host, origin, expected] of rows) t.equal(verdict(host, origin), expected, `${round}: host ${host}, origin ${origin}`)
  }
}

t.test('a server on loopback serves the names of this machine only', async (t) => {
  judge(t, {}, [
    ['localhost', undefined, 'allowed'],
    ['localhost:3001', undefined, 'allowed'],
    ['LocalHost:3001', undefined, 'allowed'],
    ['127.0.0.1:3001', undefined, 'allowed'],
    ['127.0.0.2:3001', undefined, 'allowed'],
    ['[::1]:3001', undefined, 'allowed'],
    ['[::1]', undefined, 'allowed'],
    ['evil.example', undefined, 'host-refused'],
    ['evil.example:3001', undefined, 'host-refused'],
    ['localhost.evil.example', undefined, 'host-refused'],
    ['evil.localhost.example', undefined, 'host-refused'],
    ['127.0.0.1.evil.example', undefined, 'host-refused'],
    ['127.evil.example.1', undefined, 'host-refused'],
    ['localhost@evil.example', undefined, 'host-refused'],
    ['evil.example@localhost', undefined, 'host-refused'],
    ['localhost/', undefined, 'host-refused'],
    ['localhost:3001/', undefined, 'host-refused'],
    ['localhost:x', undefined, 'host-refused'],
    ['localhost:', undefined, 'host-refused'],
    ['localhost:123456', undefined, 'host-refused'],
    ['localhost, evil.example', undefined, 'host-refused'],
    ['localhost evil.example', undefined, 'host-refused'],
    ['2130706433', undefined, 'host-refused'],
    ['0x7f.1', undefined, 'host-refused'],
    ['0.0.0.0', undefined, 'host-refused'],
    ['[::]', undefined, 'host-refused'],
    ['[::ffff:127.0.0.1]', undefined, 'allowed'],
    ['[::ffff:7f00:1]:3001', undefined, 'allowed'],
    ['[0:0:0:0:0:0:0:1]', undefined, 'allowed'],
    ['[::ffff:10.0.0.1]', undefined, 'host-refused'],
    ['127.0.0.999', undefined, 'host-refused'],
    ['[fe80::1]', undefined, 'host-refused'],
    ['192.168.0.1', undefined, 'host-refused'],
    ['', undefined, 'host-refused'],
    [' localhost', undefined, 'host-refused'],
    [undefined, undefined, 'host-refused'],
    ['undefined', undefined, 'host-refused']
  ])
})

t.test('a server on loopback lets in pages of this machine only', async (t) => {
  judge(t, {}, [
    ['localhost', 'http://localhost', 'allowed'],
    ['localhost', 'http://localhost:5173', 'allowed'],
    ['localhost', 'https://127.0.0.1:8443', 'allowed'],
    ['localhost', 'http://[::1]:5173', 'allowed'],
    ['localhost', 'HTTP://LOCALHOST', 'allowed'],
    ['localhost', 'https://evil.example', 'origin-refused'],
    ['localhost', 'http://localhost.evil.example', 'origin-refused'],
    ['localhost', 'http://evil.example/localhost', 'origin-refused'],
    ['localhost', 'http://evil.example#localhost', 'origin-refused'],
    ['localhost', 'http://localhost@evil.example', 'origin-refused'],
    ['localhost', 'http://evil.example@localhost', 'origin-refused'],
    ['localhost', 'http://localhost:80, https://evil.example', 'origin-refused'],
    ['localhost', 'null', 'origin-refused'],
    ['localhost', '', 'origin-refused'],
    ['localhost', '*', 'origin-refused'],
    ['localhost', 'localhost', 'origin-refused'],
    ['localhost', 'file://localhost', 'origin-refused'],
    ['localhost', 'chrome-extension://localhost', 'origin-refused'],
    ['localhost', 'javascript:localhost', 'origin-refused'],
    ['evil.example', 'http://localhost', 'host-refused'],
    ['evil.example', 'http://evil.example', 'host-refused']
  ])
})

t.test('a server on an open address serves any host and no page, unless the lists say otherwise', async (t) => {
  judge(t, { loopback: false }, [
    ['api.example.com', undefined, 'allowed'],
    ['10.0.0.5:3001', undefined, 'allowed'],
    ['api.example.com', 'https://api.example.com', 'origin-refused'],
    ['localhost', 'http://localhost', 'origin-refused'],
    ['bad host', undefined, 'host-refused']
  ])
})

t.test('the lists decide alone when they are there', async (t) => {
  judge(t, { allowedHosts: ['api.example.com', 'Exact.example.com:8443', '[2001:db8::1]'], allowedOrigins: ['https://App.example.com', 'http://localhost:5173/'] }, [
    ['api.example.com', undefined, 'allowed'],
    ['API.example.com:1234', undefined, 'allowed'],
    ['exact.example.com:8443', undefined, 'allowed'],
    ['exact.example.com', undefined, 'host-refused'],
    ['exact.example.com:443', undefined, 'host-refused'],
    ['[2001:db8::1]:3001', undefined, 'allowed'],
    ['localhost', undefined, 'host-refused'],
    ['sub.api.example.com', undefined, 'host-refused'],
    ['api.example.com', 'https://app.example.com', 'allowed'],
    ['api.example.com', 'http://localhost:5173', 'allowed'],
    ['api.example.com', 'http://localhost:5174', 'origin-refused'],
    ['api.example.com', 'http://app.example.com', 'origin-refused'],
    ['api.example.com', 'https://app.example.com:8443', 'origin-refused'],
    ['api.example.com', 'https://app.example.com.evil.example', 'origin-refused'],
    ['api.example.com', 'null', 'origin-refused']
  ])
  judge(t, { allowedOrigins: [] }, [['localhost', 'http://localhost', 'origin-refused'], ['localhost', undefined, 'allowed']])
})

t.test('what one client sends as its Host cannot decide for another', async (t) => {
  const verdict = compileOriginRules({ loopback: true, allowedHosts: undefined, allowedOrigins: undefined })
  t.equal(verdict('localhost http://localhost', undefined), 'host-refused')
  t.equal(verdict('localhost', 'http://localhost'), 'allowed')
  t.equal(verdict('localhost http://localhost', undefined), 'host-refused')
})

t.test('verdicts stay right when more pairs were seen than are remembered', async (t) => {
  const verdict = compileOriginRules({ loopback: true, allowedHosts: undefined, allowedOrigins: undefined })
  const wrong: number[] = []
  for (let n = 0; n < 3_000; n++) {
    if (verdict(`localhost:${n}`, undefined) !== 'allowed' || verdict(`evil${n}.example`, undefined) !== 'host-refused') wrong.push(n)
  }
  t.strictSame(wrong, [])
  t.equal(verdict('localhost', `http://localhost${'x'.repeat(10_000)}`), 'origin-refused')
})

t.test('loopback is what only this machine reaches', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.0.0.2', '127.255.255.254', '::1', '[::1]', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '[::ffff:7f00:1]']) t.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '', '10.0.0.1', '192.168.1.1', '127.0.0.1.evil.example', '128.0.0.1', 'localhost.evil.example', '127', '127.1', '127.0.0.1:80', '127.0.0.256', '::ffff:10.0.0.1', '::2', '[localhost]', '127.0.0.1%lo']) t.notOk(isLoopback(host), host)
})
