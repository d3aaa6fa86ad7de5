import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { commandLine, freePort, listens, root, run, serverProgram, start, untilListening, writeConfig } from '../helpers/server.ts'

interface BadStart {
  title: string
  /** What the program is started with. */
  file: string
  files: Record<string, string>
  /** All of standard error. */
  says: readonly string[]
  /** The programs that say so; the server, if not said otherwise. */
  programs?: readonly (readonly string[])[]
}

const badStarts: readonly BadStart[] = [
  { title: 'a file that is not there', file: 'gone.json', files: {}, says: ['gone.json', '  There is no such file.'] },
  {
    title: 'JSON that breaks off',
    file: 'torn.json',
    files: { 'torn.json': '{\n  "name": "torn",\n  "tools": [\n' },
    says: ['torn.json:4:1', '  This is not valid JSON: a closing bracket is expected here.']
  },
  {
    title: 'YAML that is torn',
    file: 'torn.yaml',
    files: { 'torn.yaml': 'name: torn\ntools:\n  - name: a\n   handler: {}\n' },
    says: ['torn.yaml:4:1', '  This is not valid YAML: a character is missing here: a colon, comma, quote, brace or bracket.']
  },
  {
    title: 'several faults, all told at once, each with its place',
    file: 'several.yaml',
    files: {
      'several.yaml': `name: several
vesion: 1
server: { pageSize: 0 }
tools:
  - name: a b
    handler: { type: registry, name: gantry.echo }
  - name: twin
    handler: { type: registry, name: gantry.echo }
  - name: twin
    handler: { type: file, path: gone.mjs }
cluster: { workers: 2 }
`
    },
    says: [
      'several.yaml:2:1  $.vesion', '  Unknown key "vesion".', '  Did you mean "version"?',
      'several.yaml:3:21  $.server.pageSize', '  Expected a whole number from 1 to 100000, found 0.',
      'several.yaml:5:11  $.tools[0].name', '  Expected 1 to 64 letters, digits, "_", "." or "-", found the text "a b".',
      'several.yaml:9:11  $.tools[2].name', '  Two tools have the name "twin": the other is $.tools[1].name on line 7.', '  Rename or remove one of them.',
      'several.yaml:10:34  $.tools[2].handler.path', '  There is no file "gone.mjs": neither relative to the configuration file nor to the working directory.',
      'several.yaml:11:1  $.cluster', '  "cluster" is not available in this version of Gantry: remove it; nothing would enforce it.'
    ]
  },
  {
    title: 'handlers that cannot be loaded, all told at once, together with a fault of the file',
    file: 'handlers.json',
    files: {
      'handlers.json': `{
  "tools": [
    { "name": "gone", "handler": { "type": "file", "path": "gone.mjs" } },
    { "name": "throws", "handler": { "type": "file", "path": "throws.mjs" } },
    { "name": "empty", "handler": { "type": "file", "path": "empty.mjs" } },
    { "name": "outside", "handler": { "type": "file", "path": "../outside.mjs" } },
    { "name": "inline", "handler": { "type": "inline", "code": "(a) => {\\n  return a +\\n}" } },
    { "name": "nobody", "handler": { "type": "registry", "name": "nobody" } }
  ],
  "resources": [{ "uri": "a://b", "name": "b", "file": "gone.txt" }],
  "nmae": "handlers"
}
`,
      'throws.mjs': 'throw new Error("not today")',
      'empty.mjs': 'export const answer = 42'
    },
    says: [
      'handlers.json:3:60  $.tools[0].handler.path', '  There is no file "gone.mjs": neither relative to the configuration file nor to the working directory.',
      'handlers.json:4:62  $.tools[1].handler.path', '  "throws.mjs" could not be loaded: not today',
      'handlers.json:5:35  $.tools[2].handler.export', '  "empty.mjs" does not export a function as "default". It exports no function at all.',
      'handlers.json:6:63  $.tools[3].handler.path', '  "../outside.mjs" lies outside of the allowed directories: move it, or add its directory to server.handlerRoots.',
      'handlers.json:7:64  $.tools[4].handler.code', "  The code does not load: unexpected token in expression: '}' (line 3, column 1).",
      'handlers.json:8:66  $.tools[5].handler.name', '  No handler is registered as "nobody". Registered are: gantry.echo, gantry.time. Functions of your own need a program that embeds Gantry; with the gantry command, use a file handler.',
      'handlers.json:10:56  $.resources[0].file', '  There is no file "gone.txt": neither relative to the configuration file nor to the working directory.',
      'handlers.json:11:3  $.nmae', '  Unknown key "nmae".', '  Did you mean "name"?'
    ],
    programs: [[serverProgram], [commandLine, 'stdio']]
  }
]

for (const { title, file, files, says, programs = [[serverProgram]] } of badStarts) {
  t.test(`nothing is served, and the exit code is 78: ${title}`, async (t) => {
    const folder = join(t.testdir({ 'outside.mjs': 'export default () => 1', inside: files }), 'inside')
    for (const program of programs) {
      const port = await freePort()
      const { exited, stdout, stderr } = run(t, [...program, file], { cwd: folder, env: { PORT: String(port) } })
      t.strictSame(await exited, { code: 78, signal: null })
      t.strictSame(stderr.map((line) => line.replaceAll(`${folder}/`, '')), says)
      t.strictSame(stdout, [])
      t.notOk(await listens(port))
    }
  })
}

t.test('a port in use: exit code 1, what to do, and whoever has the port keeps it', async (t) => {
  const owner = createServer((socket) => { socket.on('error', () => {}).end() }).listen(0, '127.0.0.1')
  t.teardown(() => { owner.close() })
  await once(owner, 'listening')
  const { port } = owner.address() as AddressInfo
  const { exited, stdout, stderr } = run(t, [serverProgram, writeConfig(t, {})], { env: { PORT: String(port) } })
  t.strictSame(await exited, { code: 1, signal: null })
  t.strictSame(stderr, [`Port ${port} on 127.0.0.1 is in use: stop the program that uses it, or choose another port ("port" in the configuration, or PORT).`])
  t.strictSame(stdout, [])
  t.ok(await listens(port))
})

t.test('a release folder behind a symbolic link starts like any other', async (t) => {
  const folder = t.testdir({ 'gantry.yaml': 'name: linked' })
  symlinkSync(root, join(folder, 'current'))
  const server = await start(t, { file: 'gantry.yaml', cwd: folder, start: [join(folder, 'current/dist/src/server.js')] })
  t.equal((await fetch(`${server.origin}/health`)).status, 200)
  t.strictSame(await server.stop(), { code: 0, signal: null })
})

t.test('without a file name, CONFIG_PATH and the environment decide', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'name: from-the-environment\nport: 1\n' })
  const program = run(t, [serverProgram], { cwd: folder, env: { CONFIG_PATH: 'a.yaml', PORT: '0', HOST: 'localhost' } })
  t.match(await program.line(/serves MCP at/), /from-the-environment serves MCP at http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost):\d+\/mcp/)
})

t.test('where it serves is said at every level of the log, in one line, and not to those who want silence', async (t) => {
  for (const level of ['warn', 'error', 'fatal']) {
    const server = await start(t, { config: { name: 'quiet', logging: { level } } })
    t.equal((await fetch(`${server.origin}/health`)).status, 200)
    t.strictSame(await server.stop(), { code: 0, signal: null })
    t.match(server.stdout.map((line) => JSON.parse(line) as unknown), [{ level: 30, msg: /^quiet serves MCP at http:/ }], level)
    t.equal(server.stdout.length, 1, level)
  }
  const port = await freePort()
  const silent = run(t, [serverProgram, writeConfig(t, { logging: { level: 'silent' } })], { env: { PORT: String(port) } })
  await untilListening(port)
  silent.signal('SIGTERM')
  t.strictSame(await silent.exited, { code: 0, signal: null })
  t.strictSame([...silent.stdout, ...silent.stderr], [])
})
