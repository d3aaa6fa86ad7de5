import t from 'tap'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import { compileHosts } from '../../../src/tools/http/hosts.ts'
import { failureOf } from './support.ts'

const allows = (entries: string[], url: string) => compileHosts(entries)(new URL(url))

t.test('a host without a port is that host at any port, and no other', async (t) => {
  t.ok(allows(['api.example.com'], 'http://api.example.com:8080/'))
  t.ok(allows(['API.example.com'], 'https://api.EXAMPLE.com/'))
  for (const url of ['http://example.com/', 'http://x.api.example.com/', 'http://api.example.com.evil.test/', 'http://xapi.example.com/', 'http://api.example.com./']) {
    t.notOk(allows(['api.example.com'], url), url)
  }
})

t.test('a host with a port is that port, the default one included', async (t) => {
  t.ok(allows(['example.com:443'], 'https://example.com/'))
  t.notOk(allows(['example.com:443'], 'http://example.com/'))
  t.ok(allows(['example.com:8080'], 'http://example.com:8080/'))
  t.notOk(allows(['example.com:8080'], 'http://example.com:8081/'))
})

t.test('a wildcard is every name below, not the name itself', async (t) => {
  t.ok(allows(['*.example.com'], 'http://a.example.com/'))
  t.ok(allows(['*.example.com'], 'http://a.b.example.com/'))
  t.notOk(allows(['*.example.com'], 'http://example.com/'))
  t.notOk(allows(['*.example.com'], 'http://badexample.com/'))
})

t.test('every spelling of an address and of a name is compared in one form', async (t) => {
  t.ok(allows(['127.0.0.1'], 'http://2130706433/'))
  t.ok(allows(['0x7f.1'], 'http://127.0.0.1/'))
  t.ok(allows(['[::1]:80'], 'http://[0:0:0:0:0:0:0:1]/'))
  t.ok(allows(['zürich.example'], 'http://xn--zrich-kva.example/'))
})

for (const entry of ['', '*', 'http://example.com', 'example.com/path', 'user@example.com', 'exa mple.com', 'example.com:0', 'example.com:70000', 'example.com:http', 'a.*.com', '*.127.0.0.1', '*.[::1]', '::1']) {
  t.test(`the entry ${JSON.stringify(entry)} is refused at load`, async (t) => {
    const path: (string | number)[] = ['allowedHosts', 1]
    t.match(await failureOf((async () => compileHosts(['ok.example', entry]))()), { constructor: HandlerLoadError, path })
  })
}
