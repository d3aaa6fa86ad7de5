import t from 'tap'
import { compileCheck, SchemaFaultError } from '../../src/core/validation.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

const compile = (schema: JsonObject): ReturnType<typeof compileCheck> => compileCheck(schema, { defaults: true })
/** A schema with others inside of each other. */
function nested (levels: number): JsonObject {
  let schema: JsonObject = { type: 'string' }
  for (let level = 0; level < levels; level++) schema = { items: schema }
  return schema
}

/** Why a schema is refused, and where in it. */
function refusalOf (schema: JsonObject): { path: string, message: string } {
  try {
    compile(schema)
  } catch (error) {
    if (error instanceof SchemaFaultError) return { path: error.path.join('.'), message: error.message }
    throw error
  }
  return { path: '', message: 'It was not refused.' }
}

t.test('a pattern that can hold up the server is refused where it stands', async (t) => {
  const rows: [schema: JsonObject, path: string, message: RegExp][] = [
    [{ pattern: '^(a+)+$' }, 'pattern', /The pattern "\^\(a\+\)\+\$" could hold up the server: its time can double with each character/],
    [{ properties: { a: { items: { pattern: '(x|x)*y' } } } }, 'properties.a.items.pattern', /double/],
    [{ patternProperties: { '^(a|a)*$': {} } }, 'patternProperties.^(a|a)*$', /double/],
    [{ patternProperties: { 'x\\s+$': {}, '\\s+$': {} } }, 'patternProperties.\\s+$', /grows with the square/],
    [{ propertyNames: { pattern: '^.*.*.*x$' } }, 'propertyNames.pattern', /grows with the cube .*"maxLength" of 271 at most/],
    [{ $defs: { a: { anyOf: [{}, { pattern: '.*.*.*=' }] } } }, '$defs.a.anyOf.1.pattern', /power of 4/],
    [{ pattern: '\\s+$' }, 'pattern', /square .*"maxLength" of 4472/],
    [{ pattern: '\\s+$', maxLength: 4473 }, 'pattern', /4472/],
    [{ pattern: '^(a)\\1$' }, 'pattern', /refers back/],
    [{ pattern: `^(?:${'x'.repeat(200)}|(a|a)*)$` }, 'pattern', /"\^\(\?:x{96}…" could/]
  ]
  for (const [schema, path, message] of rows) t.match(refusalOf(schema), { path, message }, JSON.stringify(schema))
})

t.test('what looks like a pattern and is none is left alone', async (t) => {
  for (const schema of [
    { properties: { pattern: { type: 'string' }, patternProperties: { type: 'object' }, anyOf: { type: 'array' } } },
    { enum: [{ pattern: '(a+)+$' }] }, { const: { pattern: '(a+)+$' } }, { default: { pattern: '(a+)+$' } }, { examples: [{ pattern: '(a+)+$' }] },
    { required: ['pattern'], dependentRequired: { pattern: ['(a+)+$'] } }
  ]) t.doesNotThrow(() => compile(schema), JSON.stringify(schema))
  t.match(refusalOf({ pattern: '(a' }), { message: /[Ii]nvalid regular expression|pattern/ })
})

t.test('a pattern whose text is bounded may take longer, and is not held against a longer one', async (t) => {
  const check = compile({ type: 'object', properties: { mail: { type: 'string', pattern: '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$', maxLength: 254 } }, additionalProperties: { type: 'string', pattern: '^.*.*x$', maxLength: 100 } })
  t.equal(check({ mail: 'a@b.c' }), undefined)
  t.match(check({ mail: 'a@b' }), [{ path: '/mail' }])
  const start = performance.now()
  t.match(check({ mail: `@${'.'.repeat(300_000)}@` }), [{ path: '/mail', message: /254/ }])
  t.match(check({ other: 'y'.repeat(300_000) }), [{ path: '/other', message: /100/ }])
  t.ok(performance.now() - start < 500)
})

t.test('a schema has bounds of depth, of size and of branches', async (t) => {
  t.doesNotThrow(() => compile(nested(60)))
  t.match(refusalOf(nested(65)), { message: /more than 64 levels/, path: 'items.items' })
  t.match(refusalOf(nested(50_000)), { message: /more than 64 levels/ })
  t.doesNotThrow(() => compile({ enum: Array.from({ length: 15_000 }, (_none, index) => `${index}`) }))
  t.match(refusalOf({ enum: Array.from({ length: 20_000 }, (_none, index) => `${index}`) }), { path: '', message: /more than 20000 values/ })
  const branches = (count: number): JsonObject[] => Array.from({ length: count }, (_none, index) => ({ const: index }))
  t.doesNotThrow(() => compile({ anyOf: branches(500), properties: { a: { oneOf: branches(500) } } }))
  t.match(refusalOf({ properties: { a: { oneOf: branches(1001) } } }), { path: 'properties.a.oneOf', message: /more than 1000 branches/ })
  t.match(refusalOf({ anyOf: branches(600), properties: { a: { oneOf: branches(600) } } }), { message: /branches/ })
})

t.test('a reference to another document is refused and never fetched', async (t) => {
  for (const reference of ['http://127.0.0.1:9/schema.json', 'https://example.com/a#/b', 'other.json', 'file:///etc/passwd', '//example.com/x', 'urn:x:y', '#/nothing', '#nobody']) {
    t.match(refusalOf({ properties: { a: { $ref: reference } } }), { message: new RegExp(`${reference.replaceAll('/', '\\/')} leads nowhere inside this schema; other documents are never fetched`) }, reference)
  }
  t.match(refusalOf({ $schema: 'https://example.com/mine' }), { message: /dialect/ })
})

t.test('a schema may refer to itself, and deep values end in an answer', async (t) => {
  const tree = compile({ $ref: '#/$defs/node', $defs: { node: { type: 'object', properties: { child: { $ref: '#/$defs/node' }, name: { type: 'string', default: 'x' } }, additionalProperties: false } } })
  const value = { child: { child: {} } }
  t.equal(tree(value), undefined)
  t.strictSame(value, { child: { child: { name: 'x' }, name: 'x' }, name: 'x' }, 'defaults are filled in behind references, too')
  t.match(tree({ child: { other: 1 } }), [{ path: '/child/other' }])
  let deep: JsonObject = {}
  for (let level = 0; level < 100_000; level++) deep = { child: deep }
  const start = performance.now()
  t.match(tree(deep), [{ message: 'is nested too deeply' }])
  t.ok(performance.now() - start < 2_000)
})

t.test('branches that lead to the same schema again are counted: a small value cannot hold up the server', async (t) => {
  const twice = (reference: string): JsonObject => ({ type: 'object', anyOf: [{ properties: { x: { $ref: reference } } }, { properties: { x: { $ref: reference } } }] })
  const explosive: [what: string, schema: JsonObject][] = [
    ['by a pointer', { $ref: '#/$defs/a', $defs: { a: twice('#/$defs/a') } }],
    ['by a pointer with escapes', { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': twice('#/$defs/a~1b%20c') } }],
    ['to the root', twice('#')],
    ['by an anchor', { $ref: '#a', $defs: { a: { $anchor: 'a', ...twice('#a') } } }],
    ['by an id', { $ref: 'b', $defs: { a: { $id: 'b', ...twice('b') } } }],
    ['by a dynamic reference', { $dynamicAnchor: 'a', type: 'object', anyOf: [{ properties: { x: { $dynamicRef: '#a' } } }, { properties: { x: { $dynamicRef: '#a' } } }] }],
    ['in draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', ...twice('#') }],
    ['in 2019-09', { $schema: 'https://json-schema.org/draft/2019-09/schema', $recursiveAnchor: true, type: 'object', oneOf: [{ properties: { x: { $recursiveRef: '#' } } }, { properties: { x: { $recursiveRef: '#' } } }] }],
    ['without a value that is deep', { $ref: '#/$defs/a0', $defs: Object.fromEntries(Array.from({ length: 40 }, (_none, index) => [`a${index}`, index === 39 ? { type: 'string' } : { anyOf: [{ $ref: `#/$defs/a${index + 1}` }, { $ref: `#/$defs/a${index + 1}` }] }])) }]
  ]
  let deep: JsonObject = { x: 5 }
  for (let level = 0; level < 60; level++) deep = { x: deep }
  for (const [what, schema] of explosive) {
    const check = compile(schema)
    const start = performance.now()
    t.match(check(deep), [{ message: 'takes too long to be held against its schema' }], what)
    t.ok(performance.now() - start < 3_000, `${what}: ${performance.now() - start} ms`)
  }
})

t.test('so is the report of what does not fit: where it would take too long, it is the first mismatch', async (t) => {
  const node = { required: ['y'], properties: { x: { $ref: '#' } } }
  const check = compile({ oneOf: [node, node] })
  let deep: JsonObject = {}
  for (let level = 0; level < 60; level++) deep = { x: deep }
  const start = performance.now()
  t.match(check(deep), [{ path: '/y', message: 'is required' }])
  t.ok(performance.now() - start < 2_000, `${performance.now() - start} ms`)
})

t.test('the count begins anew with each value, and does not stand in the way of large ones', async (t) => {
  const check = compile({ type: 'array', items: { $ref: '#/$defs/a' }, $defs: { a: { type: 'integer' } } })
  const list = Array.from({ length: 400_000 }, (_none, index) => index)
  for (let round = 0; round < 4; round++) t.equal(check(list), undefined)
  t.match(check([1, 'x', 'y']), [{ path: '/1' }, { path: '/2' }], 'and all mismatches are told')
})

t.test('counting changes nothing of what a schema says', async (t) => {
  const data = { $id: 'x', $ref: '#' }
  const check = compile({ properties: { a: { const: data }, b: { enum: [data] }, $id: { type: 'string' }, c: { $ref: '#/$defs/c' } }, $defs: { c: { type: 'string' } }, additionalProperties: false })
  t.equal(check({ a: { ...data }, b: { ...data }, $id: 'y', c: 'z' }), undefined)
  t.match(check({ 'gantry:counted': 1 }), [{ message: 'is not a known property' }])
  const given = Object.freeze({ $ref: '#/$defs/c', $defs: Object.freeze({ c: Object.freeze({ type: 'string' }) }) })
  t.doesNotThrow(() => compile(given), 'the schema that clients are shown is not touched')
})

t.test('large lists of objects are known to be unique in time', async (t) => {
  const check = compile({ type: 'array', uniqueItems: true })
  const list = Array.from({ length: 100_000 }, (_none, index) => ({ a: index, b: [index] }))
  const start = performance.now()
  t.equal(check(list), undefined)
  t.match(check([...list, { b: [5], a: 5 }]), [{ message: /duplicate/ }])
  t.ok(performance.now() - start < 3_000)
})
