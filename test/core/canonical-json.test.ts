import t from 'tap'
import { canonicalText } from '../../src/core/canonical-json.ts'

t.test('equal values have the same text, however their members came', async (t) => {
  for (const [text, others] of [
    ['{"a":1,"b":[{"c":null,"d":"é"}],"e":{}}', ['{"e":{},"b":[{"d":"é","c":null}],"a":1}', '{"b":[{"c":null,"d":"é"}],"e":{},"a":1}']],
    ['{"10":1,"9":2,"a":3}', ['{"a":3,"9":2,"10":1}']],
    ['{"":0,"__proto__":{"x":1,"y":2},"constructor":1}', ['{"constructor":1,"__proto__":{"y":2,"x":1},"":0}']],
    ['[[2,1],{"A":1,"a":2}]', ['[[2,1],{"a":2,"A":1}]']]
  ] as const) {
    for (const other of [text, ...others]) t.equal(canonicalText(JSON.parse(other)), text, other)
  }
})

t.test('different values have different texts', async (t) => {
  const texts = ['1', '"1"', '1.5', 'null', 'false', '[]', '{}', '[1,2]', '[2,1]', '{"a":[]}', '{"a":{}}', '{"a":null}', '{"a":"null"}', '{"a":1,"b":2}', '{"b":1,"a":2}']
  t.equal(new Set(texts.map((text) => canonicalText(JSON.parse(text)))).size, texts.length)
})

t.test('what JSON does not have is left out, as JSON does', async (t) => {
  t.equal(canonicalText({ b: undefined, a: [undefined, 1] }), '{"a":[null,1]}')
  t.equal(canonicalText({ a: [undefined, 1], b: undefined }), '{"a":[null,1]}')
})

t.test('what is nested too deeply is an error, not a crash', async (t) => {
  for (const opening of ['[', '{"b":1,"a":']) {
    let value: unknown = 1
    for (let depth = 0; depth < 100_000; depth++) value = opening === '[' ? [value] : { b: 1, a: value }
    t.throws(() => canonicalText(value), RangeError)
  }
})
