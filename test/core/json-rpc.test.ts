import t from 'tap'
import { InvalidRequestError, ResourceUnknownError } from '../../src/core/errors.ts'
import { errorText, notificationText, readMessage, resultText } from '../../src/core/json-rpc.ts'

t.test('a request keeps its id, whatever string or integer that is', async (t) => {
  for (const id of ['', 'a', '1', ' ', '"', '\u2028', 'constructor', 0, -1, 1, 42, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    const message = readMessage({ jsonrpc: '2.0', id, method: 'ping' })
    t.strictSame(message, { kind: 'request', id, method: 'ping', params: {} })
    t.strictSame(JSON.parse(resultText(id, '{}')), { jsonrpc: '2.0', id, result: {} })
  }
})

t.test('an id that is neither a string nor an exact integer is refused, and never echoed', async (t) => {
  for (const id of [null, true, false, 1.5, -0.1, {}, [], ['a'], Infinity, NaN, 2 ** 53, -(2 ** 53), 1e21]) {
    const message = readMessage({ jsonrpc: '2.0', id, method: 'ping' })
    t.match(message, { kind: 'invalid', id: undefined, error: InvalidRequestError }, JSON.stringify(id))
  }
})

t.test('an integer that JSON numbers cannot hold exactly is refused: its echo would be another id', async (t) => {
  const message = readMessage(JSON.parse('{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}'))
  t.equal(message.kind, 'invalid')
})

t.test('what is no message is told so, with the id where one can be told', async (t) => {
  const rows: [unknown, string | number | undefined][] = [
    [undefined, undefined], [null, undefined], ['text', undefined], [5, undefined], [[], undefined], [true, undefined],
    [{}, undefined],
    [{ id: 7, method: 'ping' }, 7],
    [{ jsonrpc: '1.0', id: 7, method: 'ping' }, 7],
    [{ jsonrpc: 2, id: 7, method: 'ping' }, 7],
    [{ jsonrpc: '2.0', id: 7 }, 7],
    [{ jsonrpc: '2.0', id: 7, method: 5 }, 7],
    [{ jsonrpc: '2.0', id: 7, method: null }, 7],
    [{ jsonrpc: '2.0', id: 7, method: 'ping', params: [] }, 7],
    [{ jsonrpc: '2.0', id: 7, method: 'ping', params: null }, 7],
    [{ jsonrpc: '2.0', id: 7, method: 'ping', params: 'x' }, 7],
    [{ jsonrpc: '2.0', id: 7, result: {}, error: {} }, 7],
    [{ jsonrpc: '2.0', result: {} }, undefined],
    [{ jsonrpc: '2.0', id: null, result: {} }, undefined],
    [{ jsonrpc: '2.0', method: 5 }, undefined]
  ]
  for (const [value, id] of rows) {
    const message = readMessage(value)
    t.match(message, { kind: 'invalid', error: { rpcCode: -32600, status: 400 } }, JSON.stringify(value))
    t.equal(message.kind === 'invalid' ? message.id : 'none', id, JSON.stringify(value))
  }
})

t.test('a message without an id is a notification, one without a method a response', async (t) => {
  t.strictSame(readMessage({ jsonrpc: '2.0', method: 'notifications/initialized' }), { kind: 'notification', method: 'notifications/initialized', params: {} })
  t.strictSame(readMessage({ jsonrpc: '2.0', id: 'a', result: 5 }), { kind: 'response', id: 'a', result: 5, error: undefined })
  t.strictSame(readMessage({ jsonrpc: '2.0', id: 0, error: { code: 1 } }), { kind: 'response', id: 0, result: undefined, error: { code: 1 } })
})

t.test('the params that a request did not send cannot be changed for the next one', async (t) => {
  const first = readMessage({ jsonrpc: '2.0', id: 1, method: 'ping' })
  if (first.kind !== 'request') throw new Error(first.kind)
  t.throws(() => { first.params['leak'] = true }, TypeError)
})

t.test('an error carries its id, and no id at all rather than null', async (t) => {
  const error = new InvalidRequestError('no')
  t.equal(errorText(0, error, undefined), '{"jsonrpc":"2.0","id":0,"error":{"code":-32600,"message":"no"}}')
  t.equal(errorText('', error, undefined), '{"jsonrpc":"2.0","id":"","error":{"code":-32600,"message":"no"}}')
  t.equal(errorText(undefined, error, undefined), '{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"}}')
})

t.test('a resource that is not there has the code of its era', async (t) => {
  const codeOf = (revision: Parameters<typeof errorText>[2]): unknown => (JSON.parse(errorText(1, new ResourceUnknownError('x:y'), revision)) as { error: { code: number } }).error.code
  t.strictSame((['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const).map(codeOf), [-32002, -32002, -32002, -32002, -32602])
})

t.test('text of any kind leaves as valid JSON on one line', async (t) => {
  const nasty = 'a"b\\c\r\nd\u0000\u2028\ud800'
  for (const text of [resultText(nasty, '{}'), errorText(nasty, new InvalidRequestError(nasty), undefined), notificationText('notifications/message', { data: nasty })]) {
    t.doesNotThrow(() => { JSON.parse(text) })
    t.notMatch(text, /[\r\n]/)
  }
})
