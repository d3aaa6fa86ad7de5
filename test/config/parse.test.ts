import t from 'tap'
import { parseText, type ParsedText } from '../../src/config/parse.ts'
import { pathText } from '../../src/config/fault.ts'

const brief = ({ faults }: ParsedText) => faults.map(({ path, message, line, column }) => [pathText(path), line, column, message])

t.test('JSON and YAML of the same meaning give the same value', async (t) => {
  const value = { a: 1, b: [true, null, { c: 'x' }], 'd e': -1.5 }
  for (const [file, text] of [
    ['x.json', '{"a":1,"b":[true,null,{"c":"x"}],"d e":-1.5}'],
    ['x.jsonc', '{ // one\n "a": 1, /* two */ "b": [true, null, { "c": "x", },], "d e": -1.5, }'],
    ['x.json', '\uFEFF{ "a": 1, "b": [true, null, { "c": "x" }], "d e": -1.5 } // comments here, too'],
    ['x.yaml', 'a: 1\nb:\n  - true\n  - null\n  - c: x\nd e: -1.5\n'],
    ['X.YML', '\uFEFF{ a: 1, b: [true, ~, { c: "x" }], d e: -1.5 }']
  ] as const) {
    const parsed = await parseText(text, file)
    t.strictSame(parsed.value, value, file)
    t.strictSame(parsed.faults, [], file)
  }
})

const places: readonly [string, string][] = [
  ['x.json', '{\n  "a": 1,\n  "list": [\n    {}, { "deep": "x" }\n  ]\n}'],
  ['x.jsonc', '{\n  "a": 1, // note\n  "list": [\n    {}, { "deep": "x" },\n  ]\n}']
]
for (const [file, text] of places) {
  t.test(`${file}: values, keys and what holds a missing thing are found`, async (t) => {
    const { locate } = await parseText(text, file)
    t.strictSame(locate(['a']), { line: 2, column: 8 })
    t.strictSame(locate(['a'], 'key'), { line: 2, column: 3 })
    t.strictSame(locate(['list', 1, 'deep']), { line: 4, column: 19 })
    t.strictSame(locate(['list', 1, 'deep'], 'key'), { line: 4, column: 11 })
    t.strictSame(locate(['list', 1, 'missing', 'more']), { line: 4, column: 9 })
    t.strictSame(locate(['list', 9]), { line: 3, column: 11 })
    t.strictSame(locate([]), { line: 1, column: 1 })
  })
}

t.test('YAML: values, keys, aliases and merged keys are found', async (t) => {
  const { locate, value } = await parseText('base: &base\n  x: 1\n  y: 2\nown:\n  <<: *base\n  y: 3\nlist:\n  - *base\n  - empty:\n', 'x.yaml')
  t.strictSame(value, { base: { x: 1, y: 2 }, own: { x: 1, y: 3 }, list: [{ x: 1, y: 2 }, { empty: null }] })
  t.strictSame(locate(['own', 'y']), { line: 6, column: 6 })
  t.strictSame(locate(['own', 'y'], 'key'), { line: 6, column: 3 })
  t.strictSame(locate(['own', 'x']), { line: 2, column: 6 }, 'where the merged value is written')
  t.strictSame(locate(['list', 0, 'y']), { line: 3, column: 6 })
  t.equal(locate(['list', 1, 'empty'])?.line, 9)
  t.strictSame(locate(['nowhere']), { line: 1, column: 1 })
})

const broken: readonly [string, string, string, [string, number | undefined, number | undefined, RegExp][]][] = [
  ['an empty file', 'x.json', '', [['$', 1, 1, /The file is empty/]]],
  ['a file of spaces', 'x.json', ' \n ', [['$', 1, 1, /The file is empty/]]],
  ['an empty YAML file', 'x.yaml', '', [['$', 1, 1, /The file is empty/]]],
  ['a YAML file of comments', 'x.yaml', '# only\n', [['$', 1, 1, /The file is empty/]]],
  ['a missing comma', 'x.json', '{\n "a": 1\n "b": 2\n}', [['$', 3, 2, /a comma is expected/]]],
  ['two mistakes on two lines', 'x.json', '{\n "a": 1\n "b": 2\n "c": 3\n}', [['$', 3, 2, /a comma/], ['$', 4, 2, /a comma/]]],
  ['single quotes', 'x.json', "{ 'a': 1 }", [['$', 1, 3, /double quotes/]]],
  ['an unfinished file', 'x.json', '{ "a": [1, 2', [['$', 1, 13, /closing bracket/]]],
  ['something after the end', 'x.json', '{}\n{}', [['$', 2, 1, /ended before this/]]],
  ['a key that is there twice', 'x.json', '{\n "a": 1,\n "a": 2\n}', [['$.a', 3, 2, /The key "a" is here twice; the first is on line 2/]]],
  ['a key that is there twice in two spellings', 'x.json', '{ "a": { "b": 1, "\\u0062": 2 } }', [['$.a.b', 1, 18, /here twice/]]],
  ['a key that is there twice in YAML', 'x.yaml', 'l:\n  - a: 1\n    "a": 2\n', [['$.l[0].a', 3, 5, /The key "a" is here twice; the first is on line 2/]]],
  ['__proto__', 'x.json', '{ "a": { "__proto__": { "x": 1 } } }', [['$.a.__proto__', 1, 10, /not allowed/]]],
  ['__proto__ in YAML', 'x.yaml', 'a:\n  __proto__: { x: 1 }\n', [['$.a.__proto__', 2, 3, /not allowed/]]],
  ['bad indentation', 'x.yaml', 'a:\n  - 1\n - 2\n', [['$', 3, 1, /not valid YAML/]]],
  ['a tab', 'x.yaml', 'a:\n\tb: 1\n', [['$', 2, 1, /spaces, not tabs/]]],
  ['two documents', 'x.yaml', 'a: 1\n---\nb: 2\n', [['$', 2, 1, /more than one YAML document/]]],
  ['a tag that runs code elsewhere', 'x.yaml', 'a: !!js/function "x"\n', [['$', 1, 4, /tags such as this/]]],
  ['an unknown alias', 'x.yaml', 'a: *b\n', [['$', 1, 4, /names no anchor/]]],
  ['an alias inside of itself', 'x.yaml', 'a: &a\n  - *a\n', [['$', 2, 5, /never end/]]],
  ['a merge of a number', 'x.yaml', '<<: 5\n', [['$', 1, 1, /"<<" merges/]]],
  ['a key that is a list', 'x.yaml', '? [a]\n: 1\n', [['$', 1, 3, /a key must be a text/]]],
  ['another ending', 'x.toml', 'a = 1', [['$', undefined, undefined, /ends in \.json, \.jsonc, \.yaml, \.yml, and this one in "\.toml"/]]],
  ['no ending', 'config', '{}', [['$', undefined, undefined, /this one in nothing/]]]
]
for (const [name, file, text, faults] of broken) {
  t.test(`${name} is a fault with its place`, async (t) => {
    const found = brief(await parseText(text, file))
    t.equal(found.length, faults.length, JSON.stringify(found))
    t.match(found, faults)
  })
}

t.test('YAML bombs are refused before they go off', async (t) => {
  const names = 'abcdefghij'
  const lists = [...names].map((name, index) => `${name}: &${name} [${index === 0 ? 'x,x,x,x,x,x,x,x,x' : Array(9).fill(`*${names[index - 1]}`).join(',')}]`)
  t.match(brief(await parseText(lists.join('\n'), 'x.yaml')), [['$', 1, 1, /more than 1000000 values/]])
  const merges = [...names].map((name, index) => `${name}: &${name}\n  ${index === 0 ? 'x: 1' : `<<: [${Array(9).fill(`*${names[index - 1]}`).join(',')}]`}`)
  t.match(brief(await parseText(merges.join('\n'), 'x.yaml')), [['$', 1, 1, /more than 1000000 values/]])
})

t.test('an anchor may be used as often as a long file needs', async (t) => {
  const { value, faults } = await parseText(`d: &d { a: 1 }\nl:\n${'  - *d\n'.repeat(500)}`, 'x.yaml')
  t.strictSame(faults, [])
  t.equal((value as { l: unknown[] }).l.length, 500)
})

t.test('deep nesting is refused and never overflows the stack', async (t) => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  t.match(brief(await parseText(`// comment\n${deep}`, 'x.json')), [['$', undefined, undefined, /nested too deeply/]])
  t.match(brief(await parseText(deep, 'x.yaml')), [['$', 1, 1, /nested deeper than 100 levels/]])
})

t.test('messages about broken files never quote what is in them', async (t) => {
  for (const [file, text] of [['x.yaml', 'key: "hunter2\n  x: [hunter2'], ['x.json', '{ "key": "hunter2" "x": hunter2 }'], ['x.yaml', 'key: !hunter2 x']] as const) {
    const parsed = await parseText(text, file)
    t.not(parsed.faults.length, 0)
    t.notMatch(JSON.stringify(parsed.faults), /hunter2/)
  }
})

t.test('keys of Object.prototype are plain keys and change nothing else', async (t) => {
  for (const [file, text] of [['x.json', '{ "constructor": { "prototype": { "polluted": 1 } } }'], ['x.yaml', 'constructor: { prototype: { polluted: 1 } }'], ['x.json', '{ "__proto__": { "polluted": 1 } }'], ['x.yaml', '__proto__: { polluted: 1 }']] as const) {
    await parseText(text, file)
    t.equal(({} as { polluted?: number }).polluted, undefined, text)
  }
})
