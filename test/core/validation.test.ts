import t from 'tap'
import type { Mismatch } from '../../src/core/call-errors.ts'
import { compileCheck, SchemaFaultError, type Check } from '../../src/core/validation.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

const dialects = {
  2020: 'https://json-schema.org/draft/2020-12/schema',
  2019: 'https://json-schema.org/draft/2019-09/schema',
  7: 'http://json-schema.org/draft-07/schema#'
} as const

function check (schema: JsonObject, defaults = false): Check {
  return compileCheck(schema, { defaults })
}
function of (properties: JsonObject, rest: JsonObject = {}): Check {
  return check({ type: 'object', properties, ...rest })
}
function paths (mismatches: Mismatch[] | undefined): string[] {
  return (mismatches ?? []).map(({ path, message }) => `${path} ${message}`)
}

t.test('each dialect is checked by its own rules', async (t) => {
  // Each has something that the others do not know, or read differently.
  const rows: [what: string, schema: JsonObject, value: unknown, fits: Record<keyof typeof dialects, boolean | 'refused'>][] = [
    ['prefixItems came with 2020-12', { prefixItems: [{ type: 'number' }] }, ['x'], { 2020: false, 2019: true, 7: true }],
    ['a list of items went with 2020-12', { items: [{ type: 'number' }] }, ['x'], { 2020: 'refused', 2019: false, 7: false }],
    ['unevaluatedProperties came with 2019-09', { unevaluatedProperties: false }, { a: 1 }, { 2020: false, 2019: false, 7: true }],
    ['$recursiveRef is of 2019-09 alone', { $recursiveAnchor: true, properties: { a: { $recursiveRef: '#' } }, required: ['b'] }, { a: {}, b: 1 }, { 2020: 'refused', 2019: false, 7: true }],
    ['draft-07 has no $dynamicRef', { $dynamicAnchor: 'node', properties: { a: { $dynamicRef: '#node' } }, required: ['b'] }, { a: {}, b: 1 }, { 2020: false, 2019: false, 7: true }],
    ['draft-07 has no dependentRequired', { dependentRequired: { a: ['b'] } }, { a: 1 }, { 2020: false, 2019: false, 7: true }],
    ['draft-07 has no minContains', { contains: { type: 'number' }, minContains: 2 }, [1], { 2020: false, 2019: false, 7: true }]
  ]
  for (const [what, schema, value, fits] of rows) {
    for (const [dialect, $schema] of Object.entries(dialects)) {
      const expected = fits[Number(dialect) as keyof typeof dialects]
      const compile = (): Check => check({ $schema, ...schema })
      if (expected === 'refused') t.throws(compile, SchemaFaultError, `${what}: ${dialect}`)
      else t.equal(compile()(value) === undefined, expected, `${what}: ${dialect}`)
    }
  }
})

t.test('without $schema the dialect is 2020-12, and its hash sign makes no difference', async (t) => {
  t.ok(check({ prefixItems: [{ type: 'number' }] })(['x']))
  for (const $schema of [dialects[7], dialects[7].slice(0, -1), `${dialects[2020]}#`]) t.equal(check({ $schema, type: 'object' })({}), undefined)
})

t.test('a dialect that is not supported is refused with those that are', async (t) => {
  for (const $schema of ['http://json-schema.org/draft-04/schema#', 'http://json-schema.org/draft-06/schema#', 'https://example.com/mine', 'https://json-schema.org/draft/2020-12/schema/', 'constructor', '', 5, {}]) {
    t.throws(() => check({ $schema, type: 'object' }), { name: 'SchemaFaultError', message: /not supported.*2020-12.*2019-09.*draft-07/ }, JSON.stringify($schema))
  }
})

t.test('what lies outside of the schema is never fetched, but refused', async (t) => {
  for (const $ref of ['https://example.com/schema.json', 'http://127.0.0.1:1/x', 'other.json', '#/$defs/gone', '#gone', 'file:///etc/passwd', 'urn:example:x']) {
    t.throws(() => of({ a: { $ref } }), { name: 'SchemaFaultError', message: /leads nowhere inside this schema/ }, $ref)
  }
})

t.test('references inside of the schema work, recursive ones too', async (t) => {
  const tree = check({ $ref: '#/$defs/node', $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' }, n: { type: 'integer' } } }, anchored: { $anchor: 'here', type: 'string' } } })
  t.equal(tree({ n: 1, next: { next: { n: 2 } } }), undefined)
  t.strictSame(paths(tree({ next: { next: { n: 'x' } } })), ['/next/next/n must be integer, but is a string'])
  for (const $schema of Object.values(dialects)) {
    t.strictSame(paths(check({ $schema, type: 'object', properties: { a: { $ref: '#' } } })({ a: { a: 5 } })), ['/a/a must be object, but is a number'])
  }
  t.equal(check({ $id: 'https://example.com/a', properties: { a: { $ref: '/a#here' } }, $defs: { x: { $anchor: 'here', type: 'string' } } })({ a: 'x' }), undefined)
})

t.test('two schemas may use one $id without seeing each other', async (t) => {
  const first = check({ $id: 'https://example.com/same', type: 'string' })
  const second = check({ $id: 'https://example.com/same', type: 'number' })
  t.strictSame([first('x'), second(1)], [undefined, undefined])
  t.ok(first(1))
  t.ok(second('x'))
  t.throws(() => of({ a: { $ref: 'https://example.com/same' } }), SchemaFaultError, 'a third does not see them either')
})

t.test('a schema that fails leaves nothing behind for the next one', async (t) => {
  const stolen = dialects[2020]
  t.throws(() => check({ $id: stolen, type: 'object' }), SchemaFaultError)
  t.throws(() => check({ $id: 'https://example.com/once', $ref: '#gone' }), SchemaFaultError)
  t.equal(check({ $id: 'https://example.com/once', type: 'string' })('x'), undefined)
  t.throws(() => check({ type: 'strin' }), SchemaFaultError, 'schemas are still held against their dialect')
})

t.test('one schema may be compiled again and again', async (t) => {
  const schema = { $id: 'https://example.com/again', type: 'object', properties: { a: { $ref: '#' }, b: { $ref: 'https://example.com/again#/properties/a' } } }
  for (let round = 0; round < 3; round++) t.strictSame([check(schema)({ a: {} }), check(schema, true)({ b: { a: {} } })], [undefined, undefined])
})

t.test('what is no schema is refused', async (t) => {
  const rows: JsonObject[] = [{ type: 'strin' }, { type: 5 }, { properties: [] }, { required: 'a' }, { pattern: '(' }, { minimum: 'x' }, { enum: 'x' }, { $ref: 5 }, { multipleOf: 0 }, { properties: { a: 5 } }]
  for (const schema of rows) t.throws(() => check(schema), SchemaFaultError, JSON.stringify(schema))
})

t.test('formats are checked, each both ways', async (t) => {
  const rows: Record<string, [good: string[], bad: string[]]> = {
    email: [['a@b.co', 'first.last+tag@example.co.uk'], ['a', '@b.co', 'a@', 'a b@c.de', 'a@b@c.de', '']],
    uri: [['https://example.com/a?b#c', 'urn:isbn:1', 'mailto:a@b.co'], ['example', '//example.com', 'http://a b', '\\\\host', '']],
    url: [['https://example.com/a', 'http://example.com:8080/a?b=c'], ['example.com', 'javascript:alert(1)', 'http://', '']],
    uuid: [['123e4567-e89b-12d3-a456-426614174000', '00000000-0000-0000-0000-000000000000'], ['123e4567e89b12d3a456426614174000', '123e4567-e89b-12d3-a456-42661417400g', '']],
    'date-time': [['2026-07-28T12:00:00Z', '2026-07-28T12:00:00.5+02:00'], ['2026-07-28', '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-07-28T25:00:00Z', 'now', '']],
    date: [['2026-07-28', '2024-02-29'], ['2026-02-29', '28.07.2026', '2026-7-28', '']],
    time: [['12:00:00Z', '12:00:00+02:00'], ['24:00:01Z', '12:00', '25:00:00Z', '']],
    hostname: [['example.com', 'localhost', 'a-b.c'], ['-a.com', 'a..b', 'a_b.com', `${'a'.repeat(64)}.com`, '']],
    ipv4: [['127.0.0.1', '255.255.255.255'], ['256.0.0.1', '1.2.3', '01.2.3.4', '1.2.3.4/8', '']],
    ipv6: [['::1', '2001:db8::1', '::ffff:1.2.3.4'], ['1.2.3.4', '::1::', '12345::', '[::1]', '']]
  }
  for (const [dialect, $schema] of Object.entries(dialects)) {
    for (const [format, [good, bad]] of Object.entries(rows)) {
      const fits = check({ $schema, type: 'string', format })
      for (const value of good) t.equal(fits(value), undefined, `${dialect} ${format} ${value}`)
      for (const value of bad) t.match(fits(value), [{ path: '', message: /format/ }], `${dialect} ${format} ${JSON.stringify(value)}`)
    }
  }
})

t.test('items are unique by their value, in every dialect, and however many there are', async (t) => {
  const same: [unknown, unknown][] = [[1, 1], [1, 1.0], ['a', 'a'], [null, null], [{}, {}], [[], []], [{ a: 1, b: [2] }, { b: [2], a: 1 }], [{ a: { c: 1, b: 2 } }, { a: { b: 2, c: 1 } }]]
  const different: [unknown, unknown][] = [[1, '1'], [0, false], [null, 'null'], ['', null], [{}, []], [[1, 2], [2, 1]], [{ a: 1 }, { a: 1, b: 2 }], [['a', 'b'], ['a,b']], [{ 'a":1,"b': 2 }, { a: 1, b: 2 }], ['{}', {}], [[[]], []]]
  for (const $schema of Object.values(dialects)) {
    const fits = check({ $schema, type: 'object', properties: { list: { type: 'array', uniqueItems: true } } })
    for (const pair of same) t.strictSame(paths(fits({ list: ['x', ...pair] })), ['/list must NOT have duplicate items (items ## 1 and 2 are identical)'], JSON.stringify(pair))
    for (const pair of different) t.equal(fits({ list: pair }), undefined, JSON.stringify(pair))
    t.equal(check({ $schema, type: 'array', uniqueItems: false })([1, 1]), undefined)
  }
  const start = performance.now()
  const fits = check({ type: 'array', uniqueItems: true })
  t.equal(fits(Array.from({ length: 50_000 }, (_, index) => ({ index }))), undefined)
  t.ok(fits([...Array.from({ length: 50_000 }, (_, index) => ({ index })), { index: 7 }]))
  t.ok(performance.now() - start < 10_000, 'a pairwise comparison would take minutes')
})

t.test('nothing is turned into another type', async (t) => {
  const fits = of({ n: { type: 'number' }, s: { type: 'string' }, b: { type: 'boolean' }, a: { type: 'array' }, z: { type: 'null' }, i: { type: 'integer' } })
  for (const args of [{ n: '1' }, { s: 1 }, { b: 'true' }, { b: 1 }, { a: 'x' }, { z: '' }, { i: 1.5 }, { n: null }, { n: true }, { i: '5' }]) {
    const before = JSON.stringify(args)
    t.ok(fits(args), before)
    t.equal(JSON.stringify(args), before)
  }
  t.equal(fits({ i: 1.0, n: -0, s: '', a: [] }), undefined)
})

t.test('defaults fill in what is absent, where that is asked for', async (t) => {
  const schema = {
    type: 'object',
    properties: {
      unit: { type: 'string', default: 'celsius' },
      nested: { type: 'object', properties: { depth: { type: 'integer', default: 3 } }, default: {} },
      list: { type: 'array', default: [] },
      none: { default: null },
      off: { type: 'boolean', default: false }
    }
  }
  const args: JsonObject = {}
  t.equal(check(schema, true)(args), undefined)
  t.strictSame(args, { unit: 'celsius', nested: { depth: 3 }, list: [], none: null, off: false })
  const given = { unit: 'kelvin', nested: {}, list: [1], none: 5, off: true }
  check(schema, true)(given)
  t.strictSame(given, { unit: 'kelvin', nested: { depth: 3 }, list: [1], none: 5, off: true })
  const untouched = {}
  check(schema, false)(untouched)
  t.strictSame(untouched, {})
})

t.test('a default is a new one for every call', async (t) => {
  const fits = check({ type: 'object', properties: { list: { type: 'array', default: [] }, box: { type: 'object', default: { a: { b: 1 } } } } }, true)
  const first: { list?: unknown[], box?: { a: { b: number } } } = {}
  const second: typeof first = {}
  fits(first)
  first.list?.push('leak')
  if (first.box !== undefined) first.box.a.b = 2
  fits(second)
  t.strictSame(second, { list: [], box: { a: { b: 1 } } })
})

t.test('each mismatch names its place and what was expected, and never the value', async (t) => {
  const fits = of({
    id: { type: 'integer' },
    mode: { enum: ['fast', 'slow'] },
    always: { const: 5 },
    'a/b~c': { type: 'string' },
    deep: { type: 'object', properties: { list: { type: 'array', items: { type: 'string', maxLength: 3 } } }, required: ['list'] },
    secret: { type: 'string', pattern: '^[a-z]+$' }
  }, { required: ['id', 'x/y'], additionalProperties: false, dependentRequired: { mode: ['always'] } })
  const found = paths(fits({ id: 'hunter2', mode: 'hunter2', 'a/b~c': 5, deep: { list: ['ok', 'hunter2', null] }, secret: 'HUNTER2', extra: 'hunter2' }))
  t.strictSame(found.sort(), [
    '/always is required',
    '/a~1b~0c must be string, but is a number',
    '/deep/list/1 must NOT have more than 3 characters',
    '/deep/list/2 must be string, but is null',
    '/extra is not a known property',
    '/id must be integer, but is a string',
    '/mode must be one of "fast", "slow"',
    '/secret must match pattern "^[a-z]+$"',
    '/x~1y is required'
  ])
  t.notMatch(found.join(), /hunter2/i)
  t.strictSame(paths(fits({ id: 1, mode: 'fast', always: 6 })).sort(), ['/always must be 5', '/x~1y is required'])
  t.strictSame(paths(fits([])), [' must be object, but is an array'])
  t.strictSame(paths(fits(null)), [' must be object, but is null'])
  t.strictSame(paths(fits('x')), [' must be object, but is a string'])
})

t.test('composed schemas work, and what they do not evaluate is unknown', async (t) => {
  const fits = check({ type: 'object', allOf: [{ properties: { a: { type: 'string' } } }, { $ref: '#/$defs/more' }], if: { properties: { a: { const: 'x' } } }, then: { required: ['b'] }, else: { required: ['c'] }, properties: { b: true }, unevaluatedProperties: false, $defs: { more: { properties: { c: true } } } })
  t.equal(fits({ a: 'x', b: 1 }), undefined)
  t.equal(fits({ a: 'y', c: 1 }), undefined)
  t.ok(paths(fits({ a: 'x' })).includes('/b is required'))
  t.ok(paths(fits({ a: 'y', c: 1, d: 1 })).includes('/d is not a known property'))
  t.ok(check({ oneOf: [{ type: 'string' }, { type: 'number' }] })(true))
  t.ok(check({ anyOf: [{ minimum: 5 }, { type: 'string' }] })(1))
})

t.test('a report names a few mismatches and stays small', async (t) => {
  const many = check({ type: 'array', items: { type: 'string' } })(Array.from({ length: 1_000 }, (_, index) => index))
  t.equal(many?.length, 20)
})

t.test('names that Object.prototype has are names like any other', async (t) => {
  t.strictSame(paths(of({}, { required: ['constructor', 'toString', '__proto__'] })({})), ['/constructor is required', '/toString is required', '/__proto__ is required'])
  t.strictSame(paths(of({}, { additionalProperties: false })(JSON.parse('{"__proto__": 1, "constructor": 2}'))).sort(), ['/__proto__ is not a known property', '/constructor is not a known property'])
  const filled = {} as JsonObject
  check({ type: 'object', properties: JSON.parse('{"__proto__": {"type": "object", "default": {"polluted": true}}, "a": {"default": 1}}') as JsonObject }, true)(filled)
  t.equal(({} as JsonObject)['polluted'], undefined)
  t.equal(Object.getPrototypeOf(filled), Object.prototype, 'a default does not become a prototype')
})

t.test('keywords that are no rules are let alone', async (t) => {
  const schema = { type: 'object', properties: { a: { type: 'string', enum: ['x'], enumNames: ['The X'], 'x-mcp-header': 'A', format: 'made-up', examples: [5], deprecated: true, contentEncoding: 'base64' } }, $comment: 'hi', title: 't' }
  const before = JSON.stringify(schema)
  t.equal(check(schema)({ a: 'x' }), undefined)
  t.equal(JSON.stringify(schema), before, 'and the schema is not changed')
})

t.test('a value as wide or as deep as a body can be is judged without an accident', async (t) => {
  const wide = of({ a: { type: 'string' } }, { additionalProperties: { type: 'number' } })
  const object: JsonObject = { a: 5 }
  for (let n = 0; n < 150_000; n++) object[`k${n}`] = n
  t.strictSame(paths(wide(object)), ['/a must be string, but is a number'])
  t.ok(check({ type: 'array', items: { type: 'number' } })(Array.from({ length: 200_000 }, () => 'x')))

  const recursive = check({ type: 'object', properties: { a: { $ref: '#' } } })
  let deep: JsonObject = {}
  for (let n = 0; n < 50_000; n++) deep = { a: deep }
  t.match(recursive(deep), [{ path: '', message: /nested too deeply/ }])
  t.ok(check({ type: 'string' })(deep), 'what is not looked into may be as deep as it likes')
})

t.test('the reports on large values cost little', async (t) => {
  const start = performance.now()
  const list = Array.from({ length: 100_000 }, (_, index) => ({ index }))
  check({ type: 'array', items: { type: 'object', properties: { index: { type: 'string' } } } })(list)
  t.ok(performance.now() - start < 5_000)
})
