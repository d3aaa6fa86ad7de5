import t from 'tap'
import { formFault } from '../../src/core/form-schema.ts'
import { compileCheck } from '../../src/core/validation.ts'
import type { JsonObject } from '../../src/core/ports.ts'

const formOf = (field: unknown, more: JsonObject = {}): JsonObject => ({ type: 'object', properties: { f: field }, ...more })

t.test('every field that the protocol knows can be asked, and compiles', async (t) => {
  const titled = [{ const: 'r', title: 'Red' }, { const: 'g', title: 'Green' }]
  const fields: JsonObject[] = [
    { type: 'string' }, { type: 'string', title: 'T', description: 'D', minLength: 1, maxLength: 5, default: 'a' }, ...['email', 'uri', 'date', 'date-time'].map((format) => ({ type: 'string', format })),
    { type: 'string', enum: ['r', 'g'], default: 'r' }, { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'Green'] }, { type: 'string', oneOf: titled, default: 'g' },
    { type: 'number', minimum: 0.5, maximum: 1, default: 0.7 }, { type: 'integer', minimum: 0, title: 'N' }, { type: 'boolean', default: false, description: 'D' },
    { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string', enum: ['r', 'g'] }, default: ['r'] }, { type: 'array', items: { anyOf: titled }, uniqueItems: true },
    { type: 'string', 'x-widget': 'wide', $comment: 'for the designers' }
  ]
  for (const field of fields) {
    for (const schema of [formOf(field), formOf(field, { required: ['f'], additionalProperties: false, title: 'A form', $schema: 'https://json-schema.org/draft/2020-12/schema' })]) {
      t.equal(formFault(schema), undefined, JSON.stringify(schema))
      t.doesNotThrow(() => compileCheck(schema, { defaults: true }))
    }
  }
  t.equal(formFault({ type: 'object', properties: {} }), undefined, 'a form may have no field at all: yes or no is an answer')
})

t.test('what a client could not show is named, with its field', async (t) => {
  const rows: [schema: unknown, fault: RegExp][] = [
    ...[undefined, null, 'x', [], 5].map((schema): [unknown, RegExp] => [schema, /^it is no object$/]),
    ...[{}, { type: 'array' }, { type: ['object'] }, { properties: {} }].map((schema): [unknown, RegExp] => [schema, /"type": "object"/]),
    ...[{ type: 'object' }, { type: 'object', properties: [] }, { type: 'object', properties: null }].map((schema): [unknown, RegExp] => [schema, /"properties"/]),
    ...['allOf', 'anyOf', 'if', '$ref', '$defs', 'patternProperties', 'minProperties', 'dependentRequired'].map((keyword): [unknown, RegExp] => [formOf({ type: 'string' }, { [keyword]: {} }), /^its root has "[$a-zA-Z]+", which forms do not have$/]),
    [formOf({ type: 'string' }, { additionalProperties: { type: 'string' } }), /neither true nor false/],
    [formOf({ type: 'string' }, { required: 'f' }), /"required" that is no list/],
    [formOf({ type: 'string' }, { required: ['f', 'g'] }), /requires "g", which is no field of it/],
    [formOf({ type: 'string' }, { required: ['toString'] }), /requires "toString"/],
    ...[undefined, null, 5, true, []].map((field): [unknown, RegExp] => [formOf(field), /^the field "f" is no schema$/]),
    ...[{}, { type: 'null' }, { type: ['string', 'null'] }, { anyOf: [{ type: 'string' }] }, { type: 'object', properties: {} }, { enum: ['a'] }].map((field): [unknown, RegExp] => [formOf(field), /^the field "f" has the type .*: there are string, number, integer and boolean/]),
    ...['pattern', 'const', 'anyOf', 'not', 'minimum', 'contentEncoding', '$ref'].map((keyword): [unknown, RegExp] => [formOf({ type: 'string', [keyword]: 1 }), /^the field "f" has "[$a-zA-Z]+", which forms do not have: check the answer in the handler instead$/]),
    ...['exclusiveMinimum', 'multipleOf', 'enum', 'minLength'].map((keyword): [unknown, RegExp] => [formOf({ type: 'integer', [keyword]: 1 }), /which forms do not have/]),
    [formOf({ type: 'boolean', const: true }), /has "const"/],
    ...['uuid', 'password', 'time', 5].map((format): [unknown, RegExp] => [formOf({ type: 'string', format }), /the format .*: there are email, uri, date, date-time/]),
    ...[[1, 2], 'a', {}].map((values): [unknown, RegExp] => [formOf({ type: 'string', enum: values }), /"enum" of something else than texts/]),
    ...[[{ const: 1, title: 'One' }], [{ const: 'a' }], ['a'], {}].map((titled): [unknown, RegExp] => [formOf({ type: 'string', oneOf: titled }), /"oneOf" for something else than choices/]),
    ...[undefined, [], 'x'].map((items): [unknown, RegExp] => [formOf({ type: 'array', items }), /an array without "items"/]),
    ...[{ type: 'string' }, {}].map((items): [unknown, RegExp] => [formOf({ type: 'array', items }), /"items" are no choice/]),
    [formOf({ type: 'array', items: { type: 'object', properties: {} } }), /has "properties"/],
    [formOf({ type: 'array', items: { type: 'string', enum: [5] } }), /"enum" of something else/],
    [formOf({ type: 'array', items: { anyOf: [{ type: 'string' }] } }), /"anyOf" for something else/],
    [formOf({ type: 'array', items: { enum: ['a'] }, contains: {} }), /has "contains"/]
  ]
  for (const [schema, fault] of rows) t.match(formFault(schema), fault, JSON.stringify(schema) ?? 'undefined')
})
