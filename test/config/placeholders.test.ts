import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatFaults, faultsToJson } from '../../src/config/format-faults.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadText, loadValue, pathsOf, soundTool } from '../helpers/load-text.ts'

const described = (description: string) => ({ description })

t.test('a placeholder becomes the variable, anywhere in a text and more than once', async (t) => {
  const { config, faults } = await loadValue(t, described('a ${A}-${B_2}-${A} z'), { env: { A: 'one', B_2: 'two' } })
  t.strictSame(faults, [])
  t.equal(config?.description, 'a one-two-one z')
})

t.test('a default counts when the variable is not set or empty', async (t) => {
  const { config } = await loadValue(t, described('${A:-x} ${B:-y} ${C:-} ${D:-a:-b}.'), { env: { A: 'set', B: '' } })
  t.equal(config?.description, 'set y  a:-b.')
})

t.test('an empty variable is a value', async (t) => {
  const { config } = await loadValue(t, described('[${A}]'), { env: { A: '' } })
  t.equal(config?.description, '[]')
})

t.test('two dollars before a brace write a literal', async (t) => {
  const { config } = await loadValue(t, described('$${A} $$${A} cost: $5 {x} $'), { env: { A: 'v' } })
  t.equal(config?.description, '${A} $v cost: $5 {x} $')
})

t.test('what a variable or file brings in is not scanned again', async (t) => {
  const { config, faults } = await loadValue(t, { description: '${A}', instructions: '${file:f}' }, { env: { A: '${B} $${x} ${args.y}', B: 'no' }, files: { f: '${A}' } })
  t.strictSame(faults, [])
  t.match(config, { description: '${B} $${x} ${args.y}', instructions: '${A}' })
})

t.test('a missing variable is a fault that names the variable, the place and what to do', async (t) => {
  const { config, faults } = await loadText(t, '{\n  "description": "x ${NOT_THERE}"\n}')
  t.equal(config, undefined)
  t.strictSame(faults, [{
    path: ['description'],
    message: 'The environment variable NOT_THERE is not set, and "${NOT_THERE}" needs it.',
    suggestion: 'Set NOT_THERE, or give a default: "${NOT_THERE:-default}".',
    line: 2,
    column: 18
  }])
})

t.test('every missing variable of a file is told at once', async (t) => {
  const { faults } = await loadValue(t, { name: '${A}', description: '${B} ${C}', tools: [soundTool('x', { description: '${D}' })] })
  t.strictSame(faults.map(({ message }) => /variable (\w)/.exec(message)?.[1]), ['A', 'B', 'C', 'D'])
})

t.test('names of Object.prototype are not variables', async (t) => {
  const { faults } = await loadValue(t, described('${toString} ${constructor} ${__proto__}'))
  t.equal(faults.length, 3)
})

const unreadable: readonly [string, RegExp][] = [
  ['${A', /never closed/],
  ['${}', /cannot be read/],
  ['${A B}', /cannot be read/],
  ['${1A}', /cannot be read/],
  ['${A-b}', /cannot be read/],
  ['${A:-${B}}', /cannot be read/],
  ['${file:}', /names no file/],
  ['${args.x}', /has no meaning here/],
  ['${args}', /has no meaning here/]
]
for (const [text, message] of unreadable) {
  t.test(`${text} in a description is a fault`, async (t) => {
    const { faults, config } = await loadValue(t, described(text), { env: { A: 'a', B: 'b' } })
    t.match(faults, [{ path: ['description'], message }])
    t.equal(config, undefined)
  })
}

t.test('keys are not touched', async (t) => {
  const { faults, config } = await loadValue(t, { tools: [soundTool('x', { inputSchema: { type: 'object', properties: { '${A}': {} } } })] })
  t.strictSame(faults, [])
  t.match(config?.tools[0]?.inputSchema, { properties: { '${A}': {} } })
})

t.test('a text that is one placeholder becomes what the key wants, by number, boolean and size', async (t) => {
  const { config, faults } = await loadValue(t, {
    port: '${P}',
    server: { securityHeaders: '${NO}', maxRequestSize: '${SIZE}', drainTimeout: '${D:-7}', pressure: { maxHeapUsedBytes: '${BYTES}' } },
    tools: [{ name: '${NUMERIC}', handler: { type: 'http', url: 'http://a', retries: '${R}', query: { n: '${P}' }, body: { n: '${P}' } } }]
  }, { env: { P: '8080', NO: 'false', SIZE: '2mb', BYTES: '100', R: '3', NUMERIC: '42' } })
  t.strictSame(faults, [])
  t.match(config, {
    port: 8080,
    server: { securityHeaders: false, maxRequestSize: 2_097_152, drainTimeout: 7, pressure: { maxHeapUsedBytes: 100 } },
    tools: [{ name: '42', handler: { retries: 3, query: { n: '8080' }, body: { n: '8080' } } }]
  })
})

for (const [key, value] of [['port', '80a'], ['port', '0x50'], ['port', ' 80'], ['port', ''], ['port', '80.5'], ['port', '99999'], ['port', 'Infinity']] as const) {
  t.test(`a port of ${JSON.stringify(value)} from a variable does not fit, and is not shown`, async (t) => {
    const { faults } = await loadValue(t, { [key]: '${SECRET_PORT}' }, { env: { SECRET_PORT: value } })
    t.match(faults, [{ path: [key], expected: 'a whole number from 0 to 65535' }])
    t.match(JSON.stringify(faults), /SECRET_PORT/)
    if (value.trim() !== '') t.notMatch(JSON.stringify(faults), value)
  })
}

t.test('TRUE, yes and 1 are not booleans', async (t) => {
  for (const value of ['TRUE', 'yes', '1', '']) {
    const { faults } = await loadValue(t, { server: { securityHeaders: '${B}' } }, { env: { B: value } })
    t.match(faults, [{ path: ['server', 'securityHeaders'], expected: 'true or false' }], value)
  }
})

t.test('arguments of a call are left to http handlers, in url, headers, query and body', async (t) => {
  const handler = { type: 'http', url: '${BASE}/u/${args.id}', headers: { 'x-a': '${args.a.b} ${A}' }, query: { q: '${args.q}' }, body: { list: ['${args.l}', { deep: '${args.d}-${A}' }] } }
  for (const [section, entry] of [['tools', { name: 'x', handler }], ['prompts', { name: 'x', handler }], ['resources', { name: 'x', uri: 'a:b', handler }]] as const) {
    const { config, faults } = await loadValue(t, { [section]: [entry] }, { env: { BASE: 'https://example.com', A: 'v' } })
    t.strictSame(faults, [], section)
    t.match(config?.[section][0], { handler: { url: 'https://example.com/u/${args.id}', headers: { 'x-a': '${args.a.b} v' }, query: { q: '${args.q}' }, body: { list: ['${args.l}', { deep: '${args.d}-v' }] } } })
  }
})

t.test('what is literal in an http handler stays escaped for the binding of arguments', async (t) => {
  const body = { escaped: '$${args.x}', value: '${A}', dollar: '$$${args.x}', joined: '${D}{args.x}', beforeArgument: '${D}${args.x}' }
  const { config } = await loadValue(t, { tools: [{ name: 'x', handler: { type: 'http', url: 'http://a', body } }] }, { env: { A: '${args.y}', D: '$' } })
  t.match(config?.tools[0]?.handler, { body: { escaped: '$${args.x}', value: '$${args.y}', dollar: '$$${args.x}', joined: '$${args.x}', beforeArgument: '$$${args.x}' } })
})

const elsewhere: readonly [string, object, string][] = [
  ['an http method', { tools: [{ name: 'x', handler: { type: 'http', url: 'http://a', method: '${args.m}' } }] }, '$.tools[0].handler.method'],
  ['a file handler', { tools: [{ name: 'x', handler: { type: 'file', path: '${args.p}' } }] }, '$.tools[0].handler.path'],
  ['a registry handler', { tools: [{ name: 'x', handler: { type: 'registry', name: '${args.p}' } }] }, '$.tools[0].handler.name'],
  ['a prompt', { prompts: [{ name: 'p', template: 'Hi ${args.name}' }] }, '$.prompts[0].template'],
  ['a resource', { resources: [{ name: 'r', uri: 'a:b', content: { x: '${args.name}' } }] }, '$.resources[0].content.x']
]
for (const [name, config, path] of elsewhere) {
  t.test(`an argument of a call means nothing in ${name}`, async (t) => {
    const { faults } = await loadValue(t, config)
    t.strictSame(pathsOf(faults), [path])
    t.match(faults, [{ message: /has no meaning here/ }])
  })
}

t.test('JavaScript is not touched', async (t) => {
  const code = '(args) => `${args.a} ${NOT_SET} $${x} ${'
  const { config, faults } = await loadValue(t, {
    tools: [
      { name: 'a', handler: { type: 'inline', code } },
      { name: 'b', handler: { type: 'http', url: 'http://a', requestTransform: code, responseTransform: code } }
    ]
  })
  t.strictSame(faults, [])
  t.match(config?.tools, [{ handler: { code } }, { handler: { requestTransform: code, responseTransform: code } }])
})

t.test('a handler whose type is misspelt gets one fault, not one for each placeholder', async (t) => {
  const { faults } = await loadValue(t, { tools: [{ name: 'a', handler: { type: 'inlin', code: '`${x}`' } }, { name: 'b', handler: { type: 'htp', url: 'http://a/${args.x}' } }] })
  t.strictSame(pathsOf(faults), ['$.tools[0].handler.type', '$.tools[1].handler.type'])
})

t.test('a secret file is read without the line break at its end, relative to the configuration file', async (t) => {
  const folder = t.testdir({ conf: { 'c.json': '{ "description": "${file:s/one}|${file:s/two}|${file:s/three}" }', s: { one: 'x\n', two: 'y\r\n', three: '\nz\n\n' } } })
  const { config, faults, notices } = await loadConfig({ file: join(folder, 'conf/c.json'), env: {}, cwd: folder })
  t.strictSame(faults, [])
  t.equal(config?.description, 'x|y|\nz\n')
  t.strictSame(notices, [])
})

t.test('a secret file of the working directory serves when there is none beside the configuration, and that is said', async (t) => {
  const folder = t.testdir({ secret: 'x', conf: { 'c.json': '{ "description": "${file:secret}" }' } })
  const { config, notices } = await loadConfig({ file: join(folder, 'conf/c.json'), env: {}, cwd: folder })
  t.equal(config?.description, 'x')
  t.match(notices, [{ message: /"secret" was found from the working directory/ }])
})

t.test('a secret file by its absolute path, and through a link as orchestrators mount them', async (t) => {
  const folder = t.testdir({ data: 'tok', 'c.json': '' })
  symlinkSync(join(folder, 'data'), join(folder, 'link'))
  writeFileSync(join(folder, 'c.json'), JSON.stringify(described(`\${file:${join(folder, 'link')}}`)))
  const { config } = await loadConfig({ file: join(folder, 'c.json'), env: {}, cwd: folder })
  t.equal(config?.description, 'tok')
})

t.test('a secret file that is missing, a folder, too large or no text is a fault, not a crash', async (t) => {
  const folder = t.testdir({})
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'large'), 'x'.repeat(1024 * 1024 + 1))
  writeFileSync(join(folder, 'binary'), Buffer.from([0xff, 0xfe, 0x00]))
  writeFileSync(join(folder, 'c.json'), JSON.stringify({ name: '${file:none}', version: '${file:folder}', description: '${file:large}', instructions: '${file:binary} ${file:a\u0000b}' }))
  const { faults } = await loadConfig({ file: join(folder, 'c.json'), env: {}, cwd: folder })
  t.strictSame(faults.map(({ message }) => message), [
    'The file "none", which a placeholder names, cannot be found.',
    'The file "folder", which a placeholder names, is not a regular file.',
    'The file "large", which a placeholder names, is larger than 1048576 bytes.',
    'The file "binary", which a placeholder names, is not UTF-8 text.',
    'The file "a\\u0000b", which a placeholder names, cannot be found.'
  ])
  chmodSync(folder, 0o755)
})

t.test('no fault of any kind shows what came from a variable or a file', async (t) => {
  const secret = 'h\u202Eunter2-${x}'
  const { faults, notices } = await loadValue(t, {
    name: '${S}',
    host: '${S}',
    port: '${S}',
    logging: { level: '${S}' },
    server: { path: '${file:s}', maxRequestSize: '${S}', securityHeaders: '${S}' },
    tools: [
      { name: '${S}', description: '${S}', timeout: '${S}', handler: { type: '${S}' } },
      { name: '${S}', handler: { type: 'sql', database: '${S}', query: 'x' } },
      { name: 'h', handler: { type: 'http', url: '${S}', method: '${S}' } },
      { name: '${N}', handler: { type: 'registry', name: 'x' } },
      { name: '${M}', handler: { type: 'registry', name: 'x' } }
    ],
    prompts: [{ name: '${S}', arguments: [{ name: '${S}', enum: ['${S}', '${S}'] }, { name: '${S}', complete: ['${S}'], enum: ['x'] }], template: '{{x}}' }, { name: '${S}', template: '${T}' }, { name: 'q', messages: [{ role: 'user', content: '${T}' }] }],
    resources: [{ uri: '${S}', name: '${S}', blob: '${S}' }, { uri: '${S}', name: 'r', content: 'x', mimeType: '${S}' }],
    security: { rateLimit: { perTool: { hunter_1: { window: 1, maxRequests: 1 } } }, ipWhitelist: ['${S}'], authentication: { apiKeys: [{ name: '${S}', key: '${S}', permissions: ['${S}'], expiresAt: '${S}' }] } }
  }, { env: { S: secret, T: '{{hunter2}}', N: 'hunter2', M: 'hunter-2' }, files: { s: secret } })
  t.ok(faults.length > 20, `${faults.length} faults`)
  const shown = [formatFaults(faults, 'c.json'), JSON.stringify(faultsToJson(faults)), JSON.stringify(faults), JSON.stringify(notices)].join('\n')
  t.notMatch(shown, /unter2/)
  t.match(shown, /the value of \\"\$\{S\}\\"/)
})

t.test('a default in a placeholder is not shown either', async (t) => {
  const { faults } = await loadValue(t, { port: '${P:-hunter2}', logging: { level: '${L:-hunter2}' }, description: '${bad-name:-hunter2}' })
  t.equal(faults.length, 3)
  t.notMatch(JSON.stringify(faults), /hunter2/)
})

t.test('the loaded configuration knows which places hold secrets', async (t) => {
  const { isSecret } = await loadValue(t, { name: '${A}', description: 'plain', tools: [soundTool('x', { description: 'a ${A}' })] }, { env: { A: 'v' } })
  t.ok(isSecret(['name']))
  t.ok(isSecret(['tools', 0, 'description']))
  t.notOk(isSecret(['description']))
})

t.test('a place whose placeholder failed is not judged by the placeholder text', async (t) => {
  const { faults } = await loadValue(t, { port: '${NOPE}', host: '${NOPE}', logging: { level: '${NOPE}' } })
  t.strictSame(pathsOf(faults).sort(), ['$.host', '$.logging.level', '$.port'])
})

t.test('nesting without end is a fault', async (t) => {
  for (const depth of [101, 5_000, 100_000]) {
    const { faults, config } = await loadText(t, `{ "tools": ${'['.repeat(depth)}${']'.repeat(depth)} }`)
    t.equal(config, undefined)
    t.match(faults[0], { message: 'This is nested deeper than 100 levels.' }, String(depth))
  }
})

t.test('placeholders work in YAML as in JSON', async (t) => {
  const { config, faults } = await loadText(t, 'port: ${P}\nname: "${N}"\ndescription: |\n  Hello ${N}\n', { name: 'c.yaml', env: { P: '81', N: 'n' } })
  t.strictSame(faults, [])
  t.match(config, { port: 81, name: 'n', description: 'Hello n\n' })
})
