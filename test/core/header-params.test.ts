import t from 'tap'
import { checkHeaderParams, readHeaderParams } from '../../src/core/header-params.ts'
import type { JsonObject } from '../../src/core/ports.ts'

const text = (name: unknown, more: JsonObject = {}): JsonObject => ({ type: 'string', 'x-mcp-header': name, ...more })
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more })

t.test('declarations are found on properties, however deep, and in no other schema', async (t) => {
  t.equal(readHeaderParams({ type: 'object' }), undefined)
  t.equal(readHeaderParams(object({ a: { type: 'string' } })), undefined)
  t.strictSame(readHeaderParams(object({ region: text('Region'), n: { type: 'integer', 'x-mcp-header': 'N' }, deep: object({ er: object({ flag: { type: 'boolean', 'x-mcp-header': 'Deep-Flag' } }) }) })), [
    { header: 'mcp-param-region', path: ['region'], type: 'string' },
    { header: 'mcp-param-n', path: ['n'], type: 'integer' },
    { header: 'mcp-param-deep-flag', path: ['deep', 'er', 'flag'], type: 'boolean' }
  ])
})

t.test('a property may be called like the keyword, or like a keyword', async (t) => {
  t.equal(readHeaderParams(object({ 'x-mcp-header': { type: 'string' } })), undefined)
  t.strictSame(readHeaderParams(object({ items: text('A'), properties: object({ $ref: text('B') }) })), [
    { header: 'mcp-param-a', path: ['items'], type: 'string' }, { header: 'mcp-param-b', path: ['properties', '$ref'], type: 'string' }
  ])
})

t.test('what only looks like a declaration, because it is data, is none', async (t) => {
  const data = { 'x-mcp-header': 'No' }
  t.equal(readHeaderParams(object({ a: { type: 'object', default: data, examples: [data], enum: [data], const: data } }, { default: data, $comment: 'x-mcp-header' })), undefined)
})

t.test('every declaration that clients would drop the tool for is refused, with its place', async (t) => {
  const rows: [what: string, schema: JsonObject, path: string, message: RegExp][] = [
    ['on the whole schema', { type: 'object', 'x-mcp-header': 'A' }, 'x-mcp-header', /belongs to a property/],
    ['empty', object({ a: text('') }), 'properties.a.x-mcp-header', /must be a header name/],
    ['with a space', object({ a: text('a b') }), 'properties.a.x-mcp-header', /must be a header name/],
    ['with a colon', object({ a: text('a:b') }), 'properties.a.x-mcp-header', /must be a header name/],
    ['with a line break', object({ a: text('a\r\nb') }), 'properties.a.x-mcp-header', /must be a header name/],
    ['ending in a line break', object({ a: text('a\n') }), 'properties.a.x-mcp-header', /must be a header name/],
    ['beyond ASCII', object({ a: text('ä') }), 'properties.a.x-mcp-header', /must be a header name/],
    ['a number', object({ a: text(5) }), 'properties.a.x-mcp-header', /must be a header name/],
    ['true', object({ a: text(true) }), 'properties.a.x-mcp-header', /must be a header name/],
    ['null', object({ a: text(null) }), 'properties.a.x-mcp-header', /must be a header name/],
    ['on a number', object({ a: { type: 'number', 'x-mcp-header': 'A' } }), 'properties.a.x-mcp-header', /integer, string or boolean/],
    ['on an object', object({ a: object({}, { 'x-mcp-header': 'A' }) }), 'properties.a.x-mcp-header', /integer, string or boolean/],
    ['on a list', object({ a: { type: 'array', 'x-mcp-header': 'A' } }), 'properties.a.x-mcp-header', /integer, string or boolean/],
    ['without a type', object({ a: { 'x-mcp-header': 'A' } }), 'properties.a.x-mcp-header', /integer, string or boolean/],
    ['with two types', object({ a: { type: ['string', 'null'], 'x-mcp-header': 'A' } }), 'properties.a.x-mcp-header', /integer, string or boolean/],
    ['twice', object({ a: text('Same'), b: text('Same') }), 'properties.b.x-mcp-header', /twice/],
    ['twice in other letters', object({ a: text('Same'), b: object({ c: text('sAME') }) }), 'properties.b.properties.c.x-mcp-header', /twice/],
    ['in items', object({ a: { type: 'array', items: text('A') } }), 'properties.a.items.x-mcp-header', /not below "items"/],
    ['in an object in items', object({ a: { type: 'array', items: object({ b: text('A') }) } }), 'properties.a.items.properties.b.x-mcp-header', /works on properties/],
    ['in prefixItems', object({ a: { type: 'array', prefixItems: [text('A')] } }), 'properties.a.prefixItems.0.x-mcp-header', /works on properties/],
    ['in $defs', object({ a: { $ref: '#/$defs/b' } }, { $defs: { b: text('A') } }), '$defs.b.x-mcp-header', /works on properties/],
    ['in definitions', object({}, { definitions: { b: text('A') } }), 'definitions.b.x-mcp-header', /works on properties/],
    ['in additionalProperties', object({}, { additionalProperties: text('A') }), 'additionalProperties.x-mcp-header', /works on properties/],
    ['in patternProperties', object({}, { patternProperties: { '^a': text('A') } }), 'patternProperties.^a.x-mcp-header', /works on properties/],
    ['in not', object({ a: { not: text('A') } }), 'properties.a.not.x-mcp-header', /works on properties/],
    ...['allOf', 'anyOf', 'oneOf'].map((keyword): [string, JsonObject, string, RegExp] => [`in ${keyword}`, object({}, { [keyword]: [object({ a: text('A') })] }), `${keyword}.0.properties.a.x-mcp-header`, /works on properties/]),
    ...['if', 'then', 'else', 'contains', 'propertyNames', 'unevaluatedProperties'].map((keyword): [string, JsonObject, string, RegExp] => [`in ${keyword}`, object({}, { [keyword]: object({ a: text('A') }) }), `${keyword}.properties.a.x-mcp-header`, /works on properties/]),
    ['in dependentSchemas', object({}, { dependentSchemas: { a: object({ b: text('A') }) } }), 'dependentSchemas.a.properties.b.x-mcp-header', /works on properties/]
  ]
  for (const [what, schema, path, message] of rows) {
    let fault: { name?: string, path?: readonly unknown[], message?: string } = {}
    try {
      readHeaderParams(schema)
    } catch (error) {
      fault = error as typeof fault
    }
    t.match([fault.name, fault.path?.join('.'), fault.message], ['HeaderParamFaultError', path, message], what)
  }
})

const params = readHeaderParams(object({ region: text('Region'), count: { type: 'integer', 'x-mcp-header': 'Count' }, dry: { type: 'boolean', 'x-mcp-header': 'Dry' }, where: object({ city: text('City') }) })) ?? []
const base64 = (value: string): string => `=?base64?${Buffer.from(value).toString('base64')}?=`

function check (args: JsonObject, headers: Record<string, string> = {}): void {
  checkHeaderParams(params, args, (name) => headers[name])
}

t.test('a header that repeats its argument passes', async (t) => {
  const rows: [args: JsonObject, headers: Record<string, string>][] = [
    [{}, {}], [{ region: null, count: null, where: null }, {}], [{ other: 'x' }, { 'mcp-param-unknown': 'y' }], [{ where: {} }, {}],
    [{ region: 'us' }, { 'mcp-param-region': 'us' }], [{ region: '' }, { 'mcp-param-region': '' }], [{ region: 'a  b' }, { 'mcp-param-region': 'a  b' }],
    [{ region: 'us' }, { 'mcp-param-region': base64('us') }], [{ region: 'Zürich 世界' }, { 'mcp-param-region': base64('Zürich 世界') }], [{ region: ' padded ' }, { 'mcp-param-region': base64(' padded ') }],
    [{ region: 'a\nb' }, { 'mcp-param-region': base64('a\nb') }], [{ region: '=?base64?literal?=' }, { 'mcp-param-region': base64('=?base64?literal?=') }], [{ region: '' }, { 'mcp-param-region': '=?base64??=' }],
    [{ region: '=?BASE64?dXM=?=' }, { 'mcp-param-region': '=?BASE64?dXM=?=' }], [{ region: 'dXM=?=' }, { 'mcp-param-region': 'dXM=?=' }], [{ region: '=?base64?dXM=' }, { 'mcp-param-region': '=?base64?dXM=' }],
    [{ region: '\ufeffus' }, { 'mcp-param-region': base64('\ufeffus') }],
    [{ count: 42 }, { 'mcp-param-count': '42' }], [{ count: 42 }, { 'mcp-param-count': '42.0' }], [{ count: -7 }, { 'mcp-param-count': '-7' }], [{ count: 0 }, { 'mcp-param-count': '0' }], [{ count: 42 }, { 'mcp-param-count': base64('42') }],
    [{ count: Number.MAX_SAFE_INTEGER }, { 'mcp-param-count': '9007199254740991' }],
    [{ dry: true }, { 'mcp-param-dry': 'true' }], [{ dry: false }, { 'mcp-param-dry': 'false' }],
    [{ where: { city: 'Oslo' } }, { 'mcp-param-city': 'Oslo' }]
  ]
  for (const [args, headers] of rows) t.doesNotThrow(() => { check(args, headers) }, `${JSON.stringify(args)} ${JSON.stringify(headers)}`)
})

t.test('a header that is missing, differs, or cannot be read is a mismatch', async (t) => {
  const rows: [args: JsonObject, headers: Record<string, string>, message: RegExp][] = [
    [{ region: 'us' }, {}, /mcp-param-region is missing; the argument region is there/],
    [{ region: '' }, {}, /missing/], [{ count: 0 }, {}, /missing/], [{ dry: false }, {}, /missing/], [{ where: { city: 'Oslo' } }, {}, /mcp-param-city is missing; the argument where.city/],
    [{ region: 'us' }, { 'mcp-param-region': 'eu' }, /mcp-param-region and the argument region differ/], [{ region: 'us' }, { 'mcp-param-region': 'US' }, /differ/], [{ region: 'us' }, { 'mcp-param-region': 'us, us' }, /differ/],
    [{ region: 'us' }, { 'mcp-param-region': '' }, /differ/], [{ region: 'us' }, { 'mcp-param-region': base64('eu') }, /differ/], [{ region: 'us' }, { 'mcp-param-region': base64('us\0') }, /differ/],
    [{ region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVsbG8?=' }, /broken base64/], [{ region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVs!!!bG8=?=' }, /broken base64/],
    [{ region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVsbG8==?=' }, /broken base64/], [{ region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVs bG8=?=' }, /broken base64/], [{ region: '>>>' }, { 'mcp-param-region': '=?base64?Pj4-?=' }, /broken base64/],
    [{ region: 'a' }, { 'mcp-param-region': `=?base64?${Buffer.from([0xff, 0xfe]).toString('base64')}?=` }, /broken base64/],
    [{ region: 'Zürich' }, { 'mcp-param-region': 'Zürich' }, /not allowed/], [{ region: 'a\u0001' }, { 'mcp-param-region': 'a\u0001' }, /not allowed/],
    [{ count: 42 }, { 'mcp-param-count': '43' }, /differ/], [{ count: 42 }, { 'mcp-param-count': '42.5' }, /differ/], [{ count: 42 }, { 'mcp-param-count': '0x2a' }, /differ/], [{ count: 42 }, { 'mcp-param-count': '4.2e1' }, /differ/],
    [{ count: 42 }, { 'mcp-param-count': '42 ' }, /differ/], [{ count: 42 }, { 'mcp-param-count': '+42' }, /differ/], [{ count: 0 }, { 'mcp-param-count': '' }, /differ/], [{ count: 42 }, { 'mcp-param-count': '42.0000000001' }, /differ/],
    [{ dry: true }, { 'mcp-param-dry': 'True' }, /differ/], [{ dry: true }, { 'mcp-param-dry': '1' }, /differ/], [{ dry: false }, { 'mcp-param-dry': '' }, /differ/]
  ]
  for (const [args, headers, message] of rows) t.throws(() => { check(args, headers) }, { code: 'MCP_HEADER_MISMATCH', rpcCode: -32020, status: 400, message }, `${JSON.stringify(args)} ${JSON.stringify(headers)}`)
})

t.test('a header without its argument is a mismatch: what stands in front would go by a value that the call does not have', async (t) => {
  for (const args of [{}, { region: null }, { other: 'us' }]) t.throws(() => { check(args, { 'mcp-param-region': 'us' }) }, { rpcCode: -32020, message: /the argument region is not/ }, JSON.stringify(args))
  for (const where of [undefined, null, 'Oslo', ['Oslo'], {}, { City: 'Oslo' }]) t.throws(() => { check({ where }, { 'mcp-param-city': 'Oslo' }) }, { code: 'MCP_HEADER_MISMATCH' }, JSON.stringify(where))
})

t.test('what arguments inherit is not theirs', async (t) => {
  const inherited = readHeaderParams(object({ toString: text('A'), constructor: object({ name: text('B') }) })) ?? []
  t.doesNotThrow(() => { checkHeaderParams(inherited, {}, () => undefined) })
  t.throws(() => { checkHeaderParams(inherited, { constructor: { name: 'x' } }, () => undefined) }, { code: 'MCP_HEADER_MISMATCH' })
})

t.test('an error never repeats the value, which may be a secret', async (t) => {
  try {
    check({ region: 'hunter2' }, { 'mcp-param-region': 'hunter3' })
    t.fail('it passed')
  } catch (error) {
    t.notMatch(String(error), /hunter/)
  }
})
