import { join } from 'node:path'
import t from 'tap'
import { pathText } from '../src/config/fault.ts'
import { validateConfig } from '../src/validate.ts'

interface Faulty {
  title: string
  text: string
  /** Each fault as `line:column path: what is said`, in the order of the file; what is said may be its beginning. */
  faults: readonly string[]
}

const files = { 'sound.mjs': 'export default () => 1\n', 'silent.mjs': '\n', 'notes.md': '# notes\n' }

const rows: readonly Faulty[] = [
  {
    title: 'a tool whose name is taken, whose handler is not there and whose schemas do not compile',
    text: `
tools:
  - name: twin
    handler: { type: registry, name: gantry.echo }
  - name: twin
    description: "\\u202E"
    inputSchema: { type: object, properties: { a: { $ref: '#/$defs/none' } } }
    outputSchema: { $schema: 'http://json-schema.org/draft-04/schema' }
    handler: { type: file, path: nowhere.mjs }
`,
    faults: [
      '5:11 $.tools[1].name: Two tools have the name "twin"',
      '6:18 $.tools[1].description: ',
      '7:18 $.tools[1].inputSchema: The reference #/$defs/none leads nowhere',
      '8:19 $.tools[1].outputSchema: The dialect "http://json-schema.org/draft-04/schema" is not supported',
      '9:34 $.tools[1].handler.path: There is no file "nowhere.mjs"'
    ]
  },
  {
    title: 'a tool without a name, with a key too many and a time that is none: its handler and its header parameters are looked at all the same',
    text: `
tools:
  - timeout: 5s
    colour: red
    inputSchema: { type: object, properties: { a: { type: number, x-mcp-header: a } } }
    handler: { type: file, path: silent.mjs, export: run }
`,
    faults: [
      '3:5 $.tools[0].name: The key "name" is missing',
      '3:14 $.tools[0].timeout: Expected',
      '4:5 $.tools[0].colour: Unknown key "colour"',
      '5:81 $.tools[0].inputSchema.properties.a["x-mcp-header"]: x-mcp-header needs a property of type',
      '6:54 $.tools[0].handler.export: "silent.mjs" does not export a function as "run"'
    ]
  },
  {
    title: 'a tool whose schema has another type at its root than it may, and another fault further down',
    text: `
tools:
  - name: a
    inputSchema: { type: text, properties: { a: { $ref: '#/none' } } }
    handler: { type: registry, name: nobody }
`,
    faults: [
      '4:18 $.tools[0].inputSchema: The reference #/none leads nowhere',
      '4:26 $.tools[0].inputSchema.type: Expected "object"',
      '5:38 $.tools[0].handler.name: '
    ]
  },
  {
    title: 'a tool whose other keys contradict each other, with code that does not load',
    text: `
tools:
  - name: a
    taskStart: handler
    outputSchema: { type: nothing }
    handler: { type: inline, code: '() => {' }
`,
    faults: [
      '4:5 $.tools[0].taskStart: "taskStart" says nothing without "task"',
      '5:19 $.tools[0].outputSchema: ',
      '6:36 $.tools[0].handler.code: The code does not load'
    ]
  },
  {
    title: 'all parts of an http handler',
    text: `
tools:
  - name: a
    handler:
      type: http
      url: 'http://user@example.com/'
      method: POST
      headers: { connection: x, host: '\${args.h}' }
      requestTransform: '('
      responseTransform: ')'
      retries: 1
  - name: b
    handler: { type: http, url: 'http://example.com/', method: POST, query: { '\${args.b}': x }, body: '{}' }
`,
    faults: [
      '6:12 $.tools[0].handler.url: The URL holds credentials',
      '8:30 $.tools[0].handler.headers.connection: The header "connection" belongs to the connection',
      '8:39 $.tools[0].handler.headers.host: The header "host" cannot hold an argument',
      '9:25 $.tools[0].handler.requestTransform: requestTransform cannot be used',
      '10:26 $.tools[0].handler.responseTransform: responseTransform cannot be used',
      '11:16 $.tools[0].handler.retries: A POST request that is repeated',
      '13:92 $.tools[1].handler.query["${args.b}"]: The query name "${args.b}" holds a placeholder',
      '13:103 $.tools[1].handler.body: The body is a text that holds JSON'
    ]
  },
  {
    title: 'a prompt whose name is taken, whose argument has none, and whose handler is not there',
    text: `
prompts:
  - { name: twin, template: x }
  - name: twin
    arguments: [{ title: A }, { name: b, required: 'maybe' }]
    handler: { type: file, path: nowhere.mjs }
`,
    faults: [
      '4:11 $.prompts[1].name: Two prompts have the name "twin"',
      '5:17 $.prompts[1].arguments[0].name: The key "name" is missing',
      '5:52 $.prompts[1].arguments[1].required: Expected',
      '6:34 $.prompts[1].handler.path: There is no file "nowhere.mjs"'
    ]
  },
  {
    title: 'a prompt that has a text and a handler: which of them is meant has to be settled first, what else is wrong need not',
    text: `
prompts:
  - name: a
    title: 5
    template: x
    handler: { type: file, path: nowhere.mjs }
`,
    faults: [
      '4:12 $.prompts[0].title: Expected',
      '6:5 $.prompts[0].handler: The keys "template" and "handler" cannot stand together'
    ]
  },
  {
    title: 'resources: an address that is taken, a file that is not there, a template that cannot be read backwards, variables that are none',
    text: `
resources:
  - { uri: 'a:b', name: b, content: x }
  - { uri: 'a:b', name: b, file: nowhere.md, size: -1 }
  - { uriTemplate: 'a:{b*}', name: c, mimeType: text, file: nowhere.md, complete: { d: [x] } }
  - { uriTemplate: 'a:{b}', name: d, size: 1, handler: { type: file, path: nowhere.mjs }, complete: { c: [x], d: [x] } }
  - { uri: 'a:c', uriTemplate: 'a:{c}', file: nowhere.md }
`,
    faults: [
      '4:12 $.resources[1].uri: Two resources have the uri "a:b"',
      '4:34 $.resources[1].file: There is no file "nowhere.md"',
      '4:52 $.resources[1].size: Expected',
      '5:20 $.resources[2].uriTemplate: ',
      '5:49 $.resources[2].mimeType: Expected a media type',
      '5:61 $.resources[2].file: There is no file "nowhere.md"',
      '6:38 $.resources[3].size: A template has no size',
      '6:76 $.resources[3].handler.path: There is no file "nowhere.mjs"',
      '6:106 $.resources[3].complete.c: The template has no variable "c". It has: b.',
      '6:114 $.resources[3].complete.d: The template has no variable "d". It has: b.',
      '7:5 $.resources[4].name: The key "name" is missing',
      '7:19 $.resources[4].uriTemplate: The keys "uri" and "uriTemplate" cannot stand together',
      '7:47 $.resources[4].file: There is no file "nowhere.md"'
    ]
  },
  {
    title: 'a handler that has a fault in itself waits until that is mended',
    text: `
tools:
  - { name: a, handler: { type: file, path: nowhere.mjs, exprt: b } }
  - { name: b, handler: { type: file } }
  - { name: c, handler: nowhere.mjs }
  - name: d
  - 5
`,
    faults: [
      '3:58 $.tools[0].handler.exprt: Unknown key "exprt"',
      '4:25 $.tools[1].handler.path: The key "path" is missing',
      '5:25 $.tools[2].handler: Expected',
      '6:5 $.tools[3].handler: The key "handler" is missing',
      '7:5 $.tools[4]: Expected an object'
    ]
  },
  {
    title: 'other faults of the server do not change where files may be',
    text: `
server: { pageSize: 0, handlerRoots: [elsewhere] }
tools: [{ name: a, handler: { type: file, path: sound.mjs } }]
`,
    faults: [
      '2:21 $.server.pageSize: Expected',
      '3:49 $.tools[0].handler.path: "sound.mjs" lies outside of the allowed directories'
    ]
  },
  {
    title: 'a time for headers that Node would refuse when the server is made',
    text: `
server: { headersTimeout: 300001 }
`,
    faults: ['2:27 $.server.headersTimeout: Expected a whole number of milliseconds from 1 to 300000']
  },
  {
    title: 'as long as it is not known where files may be, none is looked for; all else is',
    text: `
server: { handlerRoots: 5 }
tools: [{ name: a, outputSchema: { type: nothing }, handler: { type: file, path: nowhere.mjs } }]
prompts: [{ name: a, handler: { type: registry, name: nobody } }]
resources: [{ uri: 'a:b', name: a, file: nowhere.md }]
`,
    faults: [
      '2:25 $.server.handlerRoots: Expected',
      '3:34 $.tools[0].outputSchema: ',
      '4:55 $.prompts[0].handler.name: '
    ]
  }
]

for (const { title, text, faults } of rows) {
  t.test(`found at once: ${title}`, async (t) => {
    const cwd = t.testdir({ ...files, 'gantry.yaml': text })
    const loaded = await validateConfig({ file: join(cwd, 'gantry.yaml'), env: {}, cwd })
    t.equal(loaded.config, undefined)
    const found = loaded.faults.toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0) || pathText(one.path).localeCompare(pathText(other.path)))
      .map(({ path, message, line, column }) => `${line}:${column} ${pathText(path)}: ${message}`)
    t.strictSame(found.map((fault, index) => fault.slice(0, faults[index]?.length)), faults, found.join('\n'))
  })
}

t.test('a file without a fault has none, whatever it holds', async (t) => {
  const text = `
tools:
  - { name: a, inputSchema: { type: object }, outputSchema: { type: array }, handler: { type: file, path: sound.mjs } }
  - { name: b, handler: { type: inline, code: '() => 1' } }
prompts:
  - { name: a, handler: { type: file, path: sound.mjs } }
  - { name: b, arguments: [{ name: c }], messages: [{ role: user, content: '{{c}}' }] }
resources:
  - { uri: 'a:b', name: b, file: notes.md }
  - { uri: 'a:c', name: c, blob: '' }
  - { uriTemplate: 'a:files/{d}', name: d, file: '{{d}}.md', complete: { d: [notes] } }
  - { uriTemplate: 'a:others/{e}', name: e, handler: { type: file, path: sound.mjs } }
`
  const cwd = t.testdir({ ...files, 'gantry.yaml': text })
  const loaded = await validateConfig({ file: join(cwd, 'gantry.yaml'), env: {}, cwd })
  t.strictSame(loaded.faults, [])
  t.match(loaded.config, { tools: [{ name: 'a' }, { name: 'b' }] })
})
