import t from 'tap'
import { readAccept } from '../../src/core/accept.ts'

const both = { json: true, eventStream: true }
const json = { json: true, eventStream: false }
const stream = { json: false, eventStream: true }
const none = { json: false, eventStream: false }

t.test('the Accept header says what a client takes', async (t) => {
  const rows: [string | undefined, typeof both][] = [
    [undefined, both],
    ['application/json, text/event-stream', both],
    ['text/event-stream, application/json', both],
    ['application/json;charset=utf-8 , text/event-stream;q=0.5', both],
    ['*/*', both],
    ['text/html, */*;q=0.1', both],
    ['APPLICATION/JSON, Text/Event-Stream', both],
    ['application/*, text/*', both],
    ['application/json', json],
    ['application/*', json],
    ['text/event-stream', stream],
    ['text/*', stream],
    ['', none],
    ['text/html', none],
    ['application/jsonp', none],
    ['application/json-seq', none],
    ['application/xml, text/plain', none],
    ['application/json;q=0', none],
    ['application/json;q=0.000, text/event-stream;q=0', none],
    ['application/json; Q=0', none],
    ['application/json;q=0.001', json],
    [',,,', none],
    [';q=1', none]
  ]
  for (const [header, expected] of rows) t.strictSame(readAccept(header), expected, String(header))
})

t.test('a type that is refused by name is not let in by a wildcard', async (t) => {
  t.strictSame(readAccept('application/json;q=0, */*'), stream)
  t.strictSame(readAccept('*/*, text/event-stream;q=0'), json)
  t.strictSame(readAccept('text/*;q=0, */*'), json)
  t.strictSame(readAccept('text/event-stream, text/*;q=0'), stream)
})

t.test('a header that was read before is read the same again', async (t) => {
  const wrong: string[] = []
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 400; n++) {
      if (!readAccept(`application/json;v=${n}`).json || readAccept(`text/html;v=${n}`).json) wrong.push(`${round} ${n}`)
    }
  }
  t.strictSame(wrong, [])
})

t.test('a huge header is read in an instant', async (t) => {
  const start = performance.now()
  t.strictSame(readAccept(`${'text/html;q=0.'.repeat(5_000)},application/json`), json)
  t.strictSame(readAccept(','.repeat(16_000)), none)
  t.ok(performance.now() - start < 1_000)
})
