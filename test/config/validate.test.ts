import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { Config } from '../../schemas/config/index.ts'
import { publishedSchema } from '../../scripts/schema-forms.ts'
import { pathText, type Fault } from '../../src/config/fault.ts'
import { validate } from '../../src/config/validate.ts'
import { fullConfig } from '../helpers/full-config.ts'

const tool = { name: 'a', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'f' } }

t.test('a configuration that uses everything fits', async (t) => {
  t.strictSame(validate(fullConfig()), [])
})

t.test('every default is filled in, and a default is never shared', async (t) => {
  const [one, two]: Record<string, unknown>[] = [{}, {}]
  validate(one as Record<string, unknown>)
  validate(two as Record<string, unknown>)
  t.strictSame(one, {
    name: 'gantry',
    version: '1.0.0',
    host: '127.0.0.1',
    port: 3001,
    tools: [],
    prompts: [],
    resources: [],
    security: {},
    logging: { level: 'info', maxFileSize: 10_485_760, maxFiles: 10, maxErrorFiles: 5, access: { enabled: true, sample: 1 } },
    health: { enabled: true, path: '/health', interval: 2000, timeout: 2000, required: ['handlers'] },
    server: {
      path: '/mcp',
      protocol: { sessions: 'stateful', strictness: 'lenient', httpSse: { enabled: false, path: '/sse', messagesPath: '/messages' }, cacheHints: { lists: { ttlMs: 300_000, cacheScope: 'public' }, content: { ttlMs: 300_000, cacheScope: 'public' }, resources: { ttlMs: 0, cacheScope: 'private' } } },
      sessionIdleTimeout: 1_800_000,
      maxSessions: 10_000,
      maxSessionsPerPrincipal: 1000,
      maxStreams: 10_000,
      maxStreamsPerPrincipal: 1000,
      maxAnonymousStreams: 9000,
      trustProxy: false,
      pageSize: 1000,
      maxRequestSize: 10_485_760,
      maxResultBytes: 10_485_760,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      headersTimeout: 66_000,
      receiveTimeout: 120_000,
      maxConnections: 20_000,
      drainTimeout: 10_000,
      handlerRoots: ['.'],
      compression: { enabled: true, threshold: 1024 },
      securityHeaders: true,
      maskHandlerErrors: false,
      tasks: { maxTasks: 10_000, maxTasksPerPrincipal: 1000, ttl: 7_200_000, pollInterval: 1000, maxDuration: 3_600_000, maxResultSize: 1_048_576, maxTotalSize: 268_435_456 },
      upstreams: { allowPrivate: [], connectTimeout: 5000, maxConcurrent: 128, maxQueue: 512, circuitBreaker: { enabled: true, failures: 5, cooldown: 10_000 } },
      pressure: { enabled: true, maxEventLoopDelay: 1000, maxHeapUsedBytes: 0, maxRssBytes: 0 }
    }
  })
  t.not(one?.['server'], two?.['server'])
})

t.test('defaults are filled in inside of handlers, and sizes become bytes', async (t) => {
  const config = {
    tools: [
      { ...tool, handler: { type: 'inline', code: 'x', memoryLimit: '1.5 MB' } },
      { ...tool, handler: { type: 'http', url: 'http://a' } },
      { name: 'b', handler: { type: 'file', path: 'x' } }
    ]
  }
  t.strictSame(validate(config), [])
  t.match(config.tools, [
    { handler: { timeout: 5000, memoryLimit: 1_572_864 } },
    { handler: { method: 'GET', timeout: 5000, retries: 0, maxResponseBytes: 10_485_760 } },
    { handler: { export: 'default' }, inputSchema: { type: 'object', additionalProperties: false } }
  ])
})

const cases: readonly { name: string, config: Record<string, unknown>, faults: readonly Partial<Omit<Fault, 'path'> & { path: string }>[] }[] = [
  { name: 'a misspelt key at the top', config: { tolls: [] }, faults: [{ path: '$.tolls', message: 'Unknown key "tolls".', suggestion: 'Did you mean "tools"?', atKey: true }] },
  { name: 'two letters changed places', config: { nmae: 'x' }, faults: [{ path: '$.nmae', suggestion: 'Did you mean "name"?' }] },
  { name: 'a key in another spelling', config: { server: { max_request_size: 1 } }, faults: [{ path: '$.server.max_request_size', suggestion: 'Did you mean "maxRequestSize"?' }] },
  { name: 'a key that is like nothing', config: { zebra: 1 }, faults: [{ path: '$.zebra', suggestion: 'Remove it: nothing reads it.' }] },
  { name: 'a key that is there already is not suggested', config: { name: 'x', nam: 'y' }, faults: [{ path: '$.nam', suggestion: 'Remove it: nothing reads it.' }] },
  { name: 'a number as text', config: { port: '3001' }, faults: [{ path: '$.port', message: 'Expected a whole number from 0 to 65535, found the text "3001".', found: 'the text "3001"', expected: 'a whole number from 0 to 65535', suggestion: 'Write the number without quotes.' }] },
  { name: 'a port out of range', config: { port: 65536 }, faults: [{ path: '$.port', message: 'Expected a whole number from 0 to 65535, found 65536.' }] },
  { name: 'a port that is no whole number', config: { port: 1.5 }, faults: [{ path: '$.port', found: '1.5' }] },
  { name: 'a boolean as text', config: { server: { securityHeaders: 'yes' } }, faults: [{ path: '$.server.securityHeaders', expected: 'true or false', suggestion: 'Write true or false, without quotes.' }] },
  { name: 'a version as number', config: { version: 1 }, faults: [{ path: '$.version', found: '1', suggestion: 'Write it in quotes.' }] },
  { name: 'null', config: { name: null }, faults: [{ path: '$.name', found: 'null' }] },
  { name: 'a list for an object', config: { server: [] }, faults: [{ path: '$.server', message: 'Expected an object, found a list.' }] },
  { name: 'an object for a list', config: { tools: {} }, faults: [{ path: '$.tools', message: 'Expected a list, found an object.' }] },
  { name: 'a misspelt word', config: { logging: { level: 'wran' } }, faults: [{ path: '$.logging.level', message: 'Expected one of "trace", "debug", "info", "warn", "error", "fatal", "silent", found the text "wran".', suggestion: 'Did you mean "warn"?' }] },
  { name: 'a word in other letters', config: { tools: [{ ...tool, handler: { type: 'http', url: 'http://a', method: 'get' } }] }, faults: [{ path: '$.tools[0].handler.method', suggestion: 'Did you mean "GET"?' }] },
  { name: 'a tool name with a space', config: { tools: [{ ...tool, name: 'a b' }] }, faults: [{ path: '$.tools[0].name', expected: '1 to 64 letters, digits, "_", "." or "-"' }] },
  { name: 'a tool name that is too long', config: { tools: [{ ...tool, name: 'a'.repeat(65) }] }, faults: [{ path: '$.tools[0].name', found: `the text "${'a'.repeat(60)}…"` }] },
  { name: 'a tool without a handler', config: { tools: [{ name: 'a' }] }, faults: [{ path: '$.tools[0].handler', message: 'The key "handler" is missing: expected an object.', found: 'nothing' }] },
  { name: 'a missing key that was misspelt is told once', config: { tools: [{ nam: 'a', handler: tool.handler }] }, faults: [{ path: '$.tools[0].nam', suggestion: 'Did you mean "name"?' }] },
  { name: 'an input schema that is no object schema', config: { tools: [{ ...tool, inputSchema: { type: 'string' } }] }, faults: [{ path: '$.tools[0].inputSchema.type', expected: '"object"' }] },
  { name: 'an input schema that says no type', config: { tools: [{ ...tool, inputSchema: { properties: {} } }] }, faults: [{ path: '$.tools[0].inputSchema.type', message: 'The key "type" is missing: expected "object".' }] },
  { name: 'a misspelt handler type', config: { tools: [{ ...tool, handler: { type: 'htpp', url: 'x', nonsense: 1 } }] }, faults: [{ path: '$.tools[0].handler.type', suggestion: 'Did you mean "http"?', expected: 'one of "file", "inline", "http", "registry", "sql"' }] },
  { name: 'a handler without a type that looks like one', config: { tools: [{ ...tool, handler: { code: '() => 1' } }] }, faults: [{ path: '$.tools[0].handler.type', suggestion: 'Did you mean "type": "inline"?' }] },
  { name: 'a handler type that is no text', config: { tools: [{ ...tool, handler: { type: 3 } }] }, faults: [{ path: '$.tools[0].handler.type', found: '3' }] },
  { name: 'a handler that is a text', config: { tools: [{ ...tool, handler: './a.js' }] }, faults: [{ path: '$.tools[0].handler', suggestion: 'Write { "type": "file", … }.' }] },
  { name: 'a key of another handler type', config: { tools: [{ ...tool, handler: { type: 'file', path: 'x', url: 'http://a' } }] }, faults: [{ path: '$.tools[0].handler.url', message: 'Unknown key "url".' }] },
  { name: 'a handler of a known type is told only about that type', config: { tools: [{ ...tool, handler: { type: 'inline', timeout: 0 } }] }, faults: [{ path: '$.tools[0].handler.timeout', expected: 'a whole number of milliseconds from 1 to 2147483647' }, { path: '$.tools[0].handler.code' }] },
  { name: 'a size that is none', config: { server: { maxRequestSize: '10 megs' } }, faults: [{ path: '$.server.maxRequestSize', expected: 'a size such as "10mb", or a whole number of bytes from 1 to 1073741824' }] },
  { name: 'a size that is too small', config: { tools: [{ ...tool, handler: { type: 'inline', code: 'x', memoryLimit: 128 } }] }, faults: [{ path: '$.tools[0].handler.memoryLimit', found: '128' }] },
  { name: 'a size that is no number at all', config: { server: { maxRequestSize: true } }, faults: [{ path: '$.server.maxRequestSize', found: 'true' }] },
  { name: 'a prompt with two texts', config: { prompts: [{ name: 'p', template: 'x', messages: [{ role: 'user', content: 'x' }] }] }, faults: [{ path: '$.prompts[0].messages', message: 'The keys "template" and "messages" cannot stand together: exactly one of "template", "messages", "handler" is possible.', suggestion: 'Keep one of them.', atKey: true }] },
  { name: 'a prompt with no text', config: { prompts: [{ name: 'p' }] }, faults: [{ path: '$.prompts[0]', message: 'One of the keys "template", "messages", "handler" is needed here, and none is there.' }] },
  { name: 'a prompt whose text is misspelt', config: { prompts: [{ name: 'p', tempalte: 'x' }] }, faults: [{ path: '$.prompts[0].tempalte', suggestion: 'Did you mean "template"?' }] },
  { name: 'a prompt with an empty list of messages', config: { prompts: [{ name: 'p', messages: [] }] }, faults: [{ path: '$.prompts[0].messages', message: 'Expected a list with at least one entry, found an empty one.' }] },
  { name: 'a message of a role that is none', config: { prompts: [{ name: 'p', messages: [{ role: 'system', content: 'x' }] }] }, faults: [{ path: '$.prompts[0].messages[0].role', expected: 'one of "user", "assistant"' }] },
  { name: 'a content block of an unknown type', config: { prompts: [{ name: 'p', messages: [{ role: 'user', content: { type: 'txet', text: 'x' } }] }] }, faults: [{ path: '$.prompts[0].messages[0].content.type', suggestion: 'Did you mean "text"?' }] },
  { name: 'a content block without its text', config: { prompts: [{ name: 'p', messages: [{ role: 'user', content: { type: 'text' } }] }] }, faults: [{ path: '$.prompts[0].messages[0].content.text' }] },
  { name: 'content that is neither text nor block', config: { prompts: [{ name: 'p', messages: [{ role: 'user', content: 3 }] }] }, faults: [{ path: '$.prompts[0].messages[0].content', message: 'Expected a text or an object, found 3.' }] },
  { name: 'an embedded resource with a bad blob', config: { prompts: [{ name: 'p', messages: [{ role: 'user', content: { type: 'resource', resource: { uri: 'a:b', blob: 3 } } }] }] }, faults: [{ path: '$.prompts[0].messages[0].content.resource.blob', expected: 'a text' }] },
  { name: 'values that are there twice', config: { prompts: [{ name: 'p', template: 'x', arguments: [{ name: 'n', enum: ['a', 'a'] }] }] }, faults: [{ path: '$.prompts[0].arguments[0].enum[1]', message: 'the text "a" is in this list twice.' }] },
  { name: 'a resource with two addresses', config: { resources: [{ name: 'r', uri: 'a:b', uriTemplate: 'a:{b}', content: 1 }] }, faults: [{ path: '$.resources[0].uriTemplate' }] },
  { name: 'a resource with two contents', config: { resources: [{ name: 'r', uri: 'a:b', content: 'x', file: 'y' }] }, faults: [{ path: '$.resources[0].file' }] },
  { name: 'a URI without a scheme', config: { resources: [{ name: 'r', uri: 'readme', content: 'x' }] }, faults: [{ path: '$.resources[0].uri', expected: 'a URI with its scheme, such as "docs://readme"' }] },
  { name: 'a header that is no header', config: { tools: [{ ...tool, handler: { type: 'http', url: 'http://a', headers: { 'a b': 'x' } } }] }, faults: [{ path: '$.tools[0].handler.headers["a b"]', message: 'The key "a b" does not fit: expected a header name: letters, digits and "-".', atKey: true }] },
  { name: 'a key without its key', config: { security: { authentication: { apiKeys: [{ name: 'x' }] } } }, faults: [{ path: '$.security.authentication.apiKeys[0]', expected: 'exactly one of "key", "keyHash"' }] },
  { name: 'a permission that is none', config: { security: { permissions: { anonymous: ['everything!'] } } }, faults: [{ path: '$.security.permissions.anonymous[0]' }] },
  { name: 'a database of a bad name', config: { databases: { 'a b': {} } }, faults: [{ path: '$.databases["a b"]', atKey: true }] }
]

for (const { name, config, faults } of cases) {
  t.test(`${name} is reported where it is, and nothing else`, async (t) => {
    const found = validate(structuredClone(config)).map((fault) => ({ ...fault, path: pathText(fault.path) }))
    t.equal(found.length, faults.length, JSON.stringify(found))
    t.match(found, faults)
  })
}

t.test('all faults come at once', async (t) => {
  const found = validate({ port: 'x', nmae: 'y', logging: { level: 3 }, tools: [{ name: '' }, tool, { ...tool, handler: {} }] })
  t.strictSame(found.map(({ path }) => pathText(path)).sort(), ['$.logging.level', '$.nmae', '$.port', '$.tools[0].handler', '$.tools[0].name', '$.tools[2].handler.type'])
})

t.test('values of secret keys are never shown, whatever they are', async (t) => {
  const config = {
    tools: [{ ...tool, handler: { type: 'http', url: 'http://a', headers: { authorization: 918273 } } }],
    security: { authentication: { apiKeys: [{ name: 'a', key: 918273 }, { name: 'b', keyHash: 918273 }] } },
    redis: { url: 918273, password: 918273 },
    databases: { d: { url: 918273, password: 918273 } }
  }
  const found = validate(config)
  t.equal(found.length, 7)
  t.notMatch(JSON.stringify(found), /918273/)
})

t.test('credentials in a URL are not shown', async (t) => {
  const found = validate({ tools: [{ ...tool, handler: { type: 'http', url: 'htps://user:hunter2@example.com/' } }] })
  t.match(found, [{ found: 'the text "htps://…@example.com/"' }])
})

t.test('names of Object.prototype are ordinary unknown keys', async (t) => {
  const config = JSON.parse('{ "constructor": { "prototype": { "polluted": true } }, "toString": 1, "server": { "hasOwnProperty": 1 } }') as Record<string, unknown>
  t.strictSame(validate(config).map(({ path }) => pathText(path)).sort(), ['$.constructor', '$.server.hasOwnProperty', '$.toString'])
  t.equal((Object.prototype as { polluted?: boolean }).polluted, undefined)
})

t.test('the loader and the published schema agree about every small change of a full configuration', async (t) => {
  const ajv = new Ajv2020({ strict: false, logger: false })
  const accepts = ajv.compile(publishedSchema(Config))
  t.ok(accepts(fullConfig()), JSON.stringify(accepts.errors))

  const disagreements: string[] = []
  let changes = 0
  for (const path of pathsIn(fullConfig())) {
    for (const change of changesAt(path)) {
      const config = fullConfig()
      change.apply(config)
      changes++
      const byAjv = accepts(structuredClone(config))
      const byLoader = validate(config)
      if (byAjv !== (byLoader.length === 0)) disagreements.push(`${pathText(path)} ${change.name}: schema ${byAjv}, loader ${JSON.stringify(byLoader)}`)
    }
  }
  t.strictSame(disagreements, [])
  t.ok(changes > 2000, `${changes} changes`)
})

type Step = string | number

function pathsIn (value: unknown, path: Step[] = []): Step[][] {
  if (typeof value !== 'object' || value === null) return [path]
  const children = Array.isArray(value) ? value.map((child, index) => [index, child] as const) : Object.entries(value)
  return [path, ...children.flatMap(([key, child]) => pathsIn(child, [...path, key]))]
}

const replacements: readonly unknown[] = [null, '', 'x', '3', '1mb', 0, -1, 1.5, 1e12, true, [], {}, ['x'], { x: 1 }]

function changesAt (path: Step[]): { name: string, apply (config: object): void }[] {
  if (path.length === 0) return []
  const parentPath = path.slice(0, -1)
  const last = path.at(-1) ?? ''
  const parentOf = (config: object) => parentPath.reduce<unknown>((value, step) => (value as Record<Step, unknown>)[step], config) as Record<Step, unknown>
  return [
    ...replacements.map((value) => ({ name: `= ${JSON.stringify(value)}`, apply: (config: object) => { parentOf(config)[last] = structuredClone(value) } })),
    { name: 'removed', apply: (config) => { const parent = parentOf(config); if (Array.isArray(parent)) parent.splice(Number(last), 1); else Reflect.deleteProperty(parent, last) } },
    { name: 'with a neighbour', apply: (config) => { const parent = parentOf(config); if (!Array.isArray(parent)) parent['zzz'] = 1 } }
  ]
}
