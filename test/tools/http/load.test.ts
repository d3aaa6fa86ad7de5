import t from 'tap'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import { handlerOf } from './support.ts'

const url = 'http://api.example.com/x'

/** What is refused at load: the entry, where the fault is, and the words of the message. */
const faults: [title: string, spec: Partial<HttpSpec>, path: (string | number)[], message: RegExp][] = [
  ['a host that allowedHosts does not list', { allowedHosts: ['other.example.com'] }, ['url'], /leads to api.example.com, which is not in allowedHosts/],
  ['an empty list of allowed hosts', { allowedHosts: [] }, ['url'], /not in allowedHosts/],
  ['a malformed placeholder in a header', { headers: { 'x-a': '${args.}' } }, ['headers', 'x-a'], /is not a placeholder/],
  ['a malformed placeholder in the query', { query: { a: '${args' } }, ['query', 'a'], /is not a placeholder/],
  ['a malformed placeholder in the body', { method: 'POST', body: { a: [{ b: '${args}' }] } }, ['body', 'a', 0, 'b'], /is not a placeholder/],
  ['a placeholder in a query name', { query: { '${args.a}': 'x' } }, ['query', '${args.a}'], /placeholders work in values only/],
  ['a placeholder in a header name', { headers: { 'x-${args.a}': 'x' } }, ['headers', 'x-${args.a}'], /placeholders work in values only/],
  ['a placeholder in a key of the body', { method: 'POST', body: { '${args.a}': 'x' } }, ['body', '${args.a}'], /placeholders work in values only/],
  ['a header name that is none', { headers: { 'x a': 'x' } }, ['headers', 'x a'], /is not a header name/],
  ['a header name with a line break', { headers: { 'x\r\ny': 'x' } }, ['headers', 'x\r\ny'], /is not a header name/],
  ['one header in two spellings', { headers: { 'X-A': '1', 'x-a': '2' } }, ['headers', 'x-a'], /is there twice/],
  ['a header of the connection', { headers: { 'Content-Length': '5' } }, ['headers', 'Content-Length'], /belongs to the connection/],
  ['the transfer encoding', { headers: { 'transfer-encoding': 'chunked' } }, ['headers', 'transfer-encoding'], /belongs to the connection/],
  ['a host header from an argument', { headers: { Host: '${args.h}' } }, ['headers', 'Host'], /cannot hold an argument/],
  ['a content type from an argument', { headers: { 'Content-Type': '${args.h}' } }, ['headers', 'Content-Type'], /cannot hold an argument/],
  ['a body with GET', { body: {} }, ['body'], /GET request has no body/],
  ['a body with HEAD', { method: 'HEAD', body: {} }, ['body'], /HEAD request has no body/],
  ['a body that is JSON in a text', { method: 'POST', body: '{"a":"${args.a}"}' }, ['body'], /write it as a JSON value/],
  ['arguments inside XML', { method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<a>${args.a}</a>' }, ['body'], /cannot be bound inside application\/xml/],
  ['an object as plain text', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: {} }, ['body'], /must be a text/],
  ['a list as a form', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: [1] }, ['body'], /must be an object of fields/],
  ['arguments as plain text', { method: 'POST', headers: { 'content-type': 'text/plain' } }, ['body'], /have no form/],
  ['half of a surrogate pair in the query', { query: { a: '\ud800' } }, ['query', 'a'], /half of a surrogate pair/],
  ['retries of a POST', { method: 'POST', retries: 1 }, ['retries'], /may do its work twice.*Idempotency-Key/],
  ['retries of a PATCH', { method: 'PATCH', retries: 1 }, ['retries'], /may do its work twice/]
]
for (const [title, spec, path, message] of faults) {
  t.test(`${title} is refused at load`, async (t) => {
    await t.rejects(handlerOf(t, { url, ...spec }), { constructor: HandlerLoadError, path, message })
  })
}

t.test('the value of a faulty header is not shown, because it may be a secret', async (t) => {
  await t.rejects(handlerOf(t, { url, headers: { authorization: 'Bearer sk-secret\n' } }), { message: /^(?!.*sk-secret).*"authorization" holds a line break/ })
  await t.rejects(handlerOf(t, { url, headers: { authorization: 'Bearer sk-secret日' } }), { message: /^(?!.*sk-secret).*outside ISO 8859-1/ })
})

t.test('what is safe to repeat may have retries', async (t) => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) await handlerOf(t, { url, method, retries: 2 })
  await handlerOf(t, { url, method: 'POST', retries: 2, headers: { 'Idempotency-Key': '${args.key}' } })
})
