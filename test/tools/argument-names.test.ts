import t from 'tap'
import { argumentNamesOf } from '../../src/tools/argument-names.ts'

t.test('arguments are named wherever the schema says more of the same object', async (t) => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'object', properties: { inner: {} } } },
    allOf: [{ properties: { b: {} } }, { $ref: '#/$defs/c' }],
    anyOf: [{ properties: { d: {} } }],
    oneOf: [{ if: { properties: { e: {} } }, then: { properties: { f: {} } }, else: { $ref: '#' } }],
    dependentSchemas: { a: { properties: { g: {} } } },
    $defs: { c: { properties: { 'x/y': {} }, $ref: '#/$defs/a~1b' }, 'a/b': { properties: { h: {} } }, unused: { properties: { no: {} } } }
  }
  t.strictSame([...argumentNamesOf(schema) ?? []].sort(), ['a', 'b', 'd', 'e', 'f', 'g', 'h', 'x/y'])
  t.strictSame(argumentNamesOf({ type: 'object' }), [])
})

t.test('what refers to elsewhere cannot be told', async (t) => {
  t.equal(argumentNamesOf({ $ref: 'https://example.com/s' }), undefined)
  t.equal(argumentNamesOf({ $ref: '#/$defs/nope' }), undefined)
})
