import t from 'tap'
import { isSecureUrl } from '../../src/core/secure-url.ts'

const cases: readonly [url: string, secure: boolean][] = [
  ['https://id.example.com', true], ['https://id.example.com:8443/a?b', true], ['HTTPS://id.example.com', true],
  ['http://127.0.0.1:3001/jwks', true], ['http://localhost/jwks', true], ['http://[::1]:1/jwks', true],
  ['http://id.example.com', false], ['http://10.0.0.1', false], ['http://localhost.example.com', false], ['http://127.0.0.1.example.com', false], ['http://0.0.0.0', false],
  ['https://user:secret@id.example.com', false], ['http://localhost@evil.example', false],
  ['ftp://localhost', false], ['file:///etc/passwd', false], ['data:,x', false], ['//localhost', false], ['not a url', false], ['', false]
]
for (const [url, secure] of cases) t.test(`${url} is ${secure ? '' : 'not '}secure`, async (t) => { t.equal(isSecureUrl(url), secure) })
