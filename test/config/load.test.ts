import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import t from 'tap'
import { configFromObject, loadConfig } from '../../src/config/load.ts'
import { plainEnvironment } from '../helpers/plain-environment.ts'
import { loadText, pathsOf, soundTool } from '../helpers/load-text.ts'
import { fromSources } from '../helpers/server.ts'

const root = join(import.meta.dirname, '../..')

t.test('a sound file gives a complete configuration', async (t) => {
  const folder = t.testdir({ 'my.json': '{ "name": "mine", "tools": [{ "name": "a", "handler": { "type": "registry", "name": "f" } }] }' })
  const loaded = await loadConfig({ file: 'my.json', env: {}, cwd: folder })
  t.match(loaded, { file: join(folder, 'my.json'), baseDir: folder, faults: [], notices: [] })
  t.match(loaded.config, {
    name: 'mine',
    host: '127.0.0.1',
    server: { handlerRoots: ['.'], maxRequestSize: 10_485_760 },
    tools: [{ name: 'a', inputSchema: { type: 'object', additionalProperties: false }, handler: { type: 'registry', name: 'f' } }]
  })
  t.equal(loaded.candidate, loaded.config)
  t.strictSame(loaded.locate(['tools', 0, 'handler']), { line: 1, column: 55 })
  t.strictSame(loaded.locate(['tools', 0, 'handler'], 'key'), { line: 1, column: 44 })
})

t.test('the usual names are looked for in their order', async (t) => {
  const files = { 'config.json': '{ "name": "4" }', 'gantry.json': '{ "name": "3" }', 'gantry.yml': 'name: "2"', 'gantry.yaml': 'name: "1"' }
  for (const [count, name] of [[4, '1'], [3, '2'], [2, '3'], [1, '4']] as const) {
    const folder = t.testdir(Object.fromEntries(Object.entries(files).slice(0, count)))
    t.equal((await loadConfig({ env: {}, cwd: folder })).config?.name, name)
  }
})

t.test('without any file, the fault says what to do', async (t) => {
  const folder = t.testdir({})
  const { config, faults, file } = await loadConfig({ env: {}, cwd: folder })
  t.equal(config, undefined)
  t.equal(file, '')
  t.match(faults, [{ path: [], message: /gantry\.yaml, gantry\.yml, gantry\.json, config\.json/, suggestion: /CONFIG_PATH.*gantry init/ }])
})

t.test('a file that is missing, a folder, no text, too large or of a strange ending is one fault, never a throw', async (t) => {
  const folder = t.testdir({ 'folder.json': {}, 'c.txt': '{}', 'null.json': 'null', 'list.json': '[]', 'text.yaml': 'just text' })
  writeFileSync(join(folder, 'utf16.json'), Buffer.from('\uFEFF{}', 'utf16le'))
  writeFileSync(join(folder, 'large.json'), '')
  truncateSync(join(folder, 'large.json'), 16 * 1024 * 1024 + 1)
  mkdirSync(join(folder, 'a'))
  const cases: readonly [string, RegExp][] = [
    ['missing.json', /There is no such file/],
    ['null.json/x.json', /There is no such file/],
    ['folder.json', /This is a directory/],
    ['utf16.json', /not UTF-8 text/],
    ['large.json', /larger than 16777216 bytes/],
    ['c.txt', /ends in \.json/],
    ['null.json', /Expected an object with the configuration, found null/],
    ['list.json', /Expected an object with the configuration, found a list/],
    ['text.yaml', /Expected an object with the configuration, found the text "just text"/],
    ['nul\0.json', /cannot be read/]
  ]
  for (const [file, message] of cases) {
    const { config, faults } = await loadConfig({ file, env: {}, cwd: folder })
    t.equal(config, undefined, file)
    t.equal(faults.length, 1, file)
    t.match(faults, [{ path: [], message }], file)
  }
})

t.test('a pipe is refused instead of waited for', async (t) => {
  const folder = t.testdir({})
  const made = spawnSync('mkfifo', [join(folder, 'pipe.json')])
  t.equal(made.status, 0)
  t.match((await loadConfig({ file: 'pipe.json', env: {}, cwd: folder })).faults, [{ message: 'This is not a regular file.' }])
})

const manyFaults = {
  nmae: 'x',
  port: '80',
  tools: [
    { name: 'a', inputShema: {}, handler: { type: 'file' } },
    { name: 'a', handler: { type: 'htpp' }, timeout: '5s' },
    { name: 'b\u200B', description: '${NOT_SET}', handler: { type: 'registry', name: 'f' } }
  ],
  prompts: [{ name: 'p', template: '{{x}}' }],
  resources: [{ name: 'r', uri: 'none', content: 1 }],
  logging: { level: 'inf' },
  caching: { ttl: 0 },
  server: { maxRequestSize: 'big' }
}
const manyPaths = [
  '$.nmae', '$.port', '$.tools[0].inputShema', '$.tools[0].handler.path', '$.tools[1].name', '$.tools[1].handler.type', '$.tools[1].timeout', '$.tools[2].name', '$.tools[2].name',
  '$.tools[2].description', '$.prompts[0].template', '$.resources[0].uri', '$.logging.level', '$.caching.ttl', '$.server.maxRequestSize'
]

t.test('every fault of a file is reported at once, in JSON and in YAML alike, each on its line', async (t) => {
  const json = await loadText(t, JSON.stringify(manyFaults, null, 2))
  const yaml = await loadText(t, stringify(manyFaults), { name: 'c.yaml' })
  t.strictSame(pathsOf(json.faults).sort(), [...manyPaths].sort())
  const comparable = ({ faults }: typeof json) => faults.map(({ line: _line, column: _column, ...fault }) => ({ ...fault, message: fault.message.replace(/ on line \d+/, '') }))
  t.strictSame(comparable(yaml), comparable(json))
  for (const { faults } of [json, yaml]) for (const fault of faults) t.ok(fault.line !== undefined && fault.column !== undefined, fault.message)

  const lines = JSON.stringify(manyFaults, null, 2).split('\n')
  const keyOf = (fault: typeof json.faults[number]) => String(fault.path.at(-1))
  for (const fault of json.faults) {
    if (fault.found === 'nothing') continue
    t.ok(lines[(fault.line ?? 0) - 1]?.includes(`"${keyOf(fault)}"`), `${keyOf(fault)} on line ${fault.line}`)
  }
})

t.test('duplicates and other faults of one file come together', async (t) => {
  const { faults } = await loadText(t, '{\n  "port": 1,\n  "port": 2,\n  "nmae": "x"\n}')
  t.match(faults.map(({ path, line, column }) => [path, line, column]), [[['port'], 3, 3], [['nmae'], 4, 3]])
})

t.test('a syntax error is told alone', async (t) => {
  t.match((await loadText(t, '{ "port": x, "nmae": 1 }')).faults, [{ path: [], line: 1, column: 11 }])
})

t.test('nothing in a file can pollute a prototype', async (t) => {
  for (const [name, text] of [
    ['c.json', '{ "__proto__": { "polluted": 1 }, "tools": [{ "__proto__": { "polluted": 1 } }], "constructor": { "prototype": { "polluted": 1 } } }'],
    ['c.yaml', '__proto__: { polluted: 1 }\nconstructor: { prototype: { polluted: 1 } }\nbase: &b { __proto__: { polluted: 1 } }\nserver: { <<: *b }\n']
  ] as const) {
    const { faults, candidate } = await loadText(t, text, { name })
    t.match(faults.map(({ message }) => message), [/"__proto__" is not allowed/])
    t.equal(({} as { polluted?: number }).polluted, undefined)
    t.equal((candidate as { polluted?: number }).polluted, undefined)
  }
})

t.test('keys of Object.prototype are fine where any key is', async (t) => {
  const { config, faults } = await loadText(t, '{ "tools": [{ "name": "constructor", "inputSchema": { "type": "object", "properties": { "constructor": { "type": "string" }, "toString": {} } }, "handler": { "type": "http", "url": "http://a", "headers": { "constructor": "x" } } }] }')
  t.strictSame(faults, [])
  t.match(config?.tools[0], { inputSchema: { properties: { constructor: { type: 'string' } } } })
})

t.test('numbers that JSON can write and nothing can hold are faults where a number is wanted', async (t) => {
  t.match((await loadText(t, '{ "port": 1e999 }')).faults, [{ path: ['port'], found: 'Infinity' }])
  t.match((await loadText(t, 'port: .nan', { name: 'c.yaml' })).faults, [{ path: ['port'], found: 'NaN' }])
})

t.test('a configuration that a program holds is checked in the same way', async (t) => {
  const { config, faults } = configFromObject({ name: 'x', port: '${P}' }, { env: { P: '0' } })
  t.strictSame(faults, [])
  t.match(config, { name: 'x', port: 0, server: { path: '/mcp' } })
  t.match(configFromObject({ nmae: 1 }), { config: undefined, faults: [{ path: ['nmae'], suggestion: 'Did you mean "name"?' }] })
})

t.test('the object that a program holds is not changed', async (t) => {
  const value = Object.freeze({ server: Object.freeze({ maxRequestSize: '1mb' }) })
  t.equal(configFromObject(value).config?.server.maxRequestSize, 1_048_576)
})

t.test('aliases of YAML do not share what is filled in', async (t) => {
  const { config, faults } = await loadText(t, 'tools:\n  - { name: a, handler: &h { type: inline, code: x } }\n  - { name: b, handler: *h }\n', { name: 'c.yaml' })
  t.strictSame(faults, [])
  t.not(config?.tools[0]?.handler, config?.tools[1]?.handler)
})

/** The packages that loading a file brings into a fresh process. */
function packagesLoadedFor (folder: string, file: string): string[] {
  const log = join(folder, 'imports.log')
  const hooks = `import { appendFileSync } from 'node:fs'
    export async function resolve (specifier, context, next) {
      const found = await next(specifier, context)
      appendFileSync(${JSON.stringify(log)}, found.url + '\\n')
      return found
    }`
  const script = `
    import { createRequire, register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
    const { loadConfig } = await import(${JSON.stringify(join(root, 'src/config/load.ts'))})
    const { config } = await loadConfig({ file: ${JSON.stringify(file)}, env: {}, cwd: ${JSON.stringify(folder)} })
    if (config === undefined) throw new Error('it has to load')
    console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'))`
  const run = spawnSync(process.execPath, [fromSources, '--input-type=module', '-e', script], { cwd: root, env: plainEnvironment(), encoding: 'utf8' })
  if (run.status !== 0) throw new Error(run.stderr)
  const loaded = readFileSync(log, 'utf8') + run.stdout
  return ['fastest-levenshtein', 'yaml', 'jsonc-parser', 'ajv', '@sinclair/typebox', 'node-vault', '@aws-sdk'].filter((name) => loaded.includes(`/node_modules/${name}/`))
}

t.test('a start loads no parser and no client for secrets that its file does not need, and neither Ajv nor TypeBox', async (t) => {
  const folder = t.testdir({ 'plain.json': JSON.stringify({ tools: [soundTool('a')] }), 'comments.json': '{} // x', 'c.yaml': 'name: x' })
  t.strictSame(packagesLoadedFor(folder, 'plain.json'), ['fastest-levenshtein'])
  t.strictSame(packagesLoadedFor(folder, 'comments.json'), ['fastest-levenshtein', 'jsonc-parser'])
  t.strictSame(packagesLoadedFor(folder, 'c.yaml'), ['fastest-levenshtein', 'yaml'])
})
