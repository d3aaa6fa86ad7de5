import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { commandLine, freePort, listens, root, run, serverProgram, start, writeConfig } from '../../helpers/server.ts'
import { gantry } from '../../helpers/command-line.ts'

const example = join(root, 'config/example.json')

t.test('start serves a file until it is told to stop, and ends with exit code 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = await start(t, { config: { name: 'small' }, start: [commandLine, 'start'] })
    t.equal((await fetch(`${server.origin}/health`)).status, 200)
    server.signal(signal)
    t.strictSame(await server.exited, { code: 0, signal: null }, signal)
    t.notOk(await listens(server.port))
  }
})

t.test('without a name, start takes the usual file of the working directory, or the one in CONFIG_PATH', async (t) => {
  const cwd = t.testdir({ 'gantry.yaml': 'name: usual\n', 'other.json': '{ "name": "other" }' })
  for (const [env, name] of [[{}, 'usual'], [{ CONFIG_PATH: 'other.json' }, 'other']] as const) {
    const program = run(t, [commandLine, 'start'], { cwd, env: { PORT: '0', ...env } })
    t.match(await program.line(/serves MCP at/), `"msg":"${name} serves MCP at http://127.0.0.1:`)
  }
})

t.test('the log is one JSON object a line on standard output, and standard error stays empty', async (t) => {
  const server = await start(t, { file: example, start: [commandLine, 'start'] })
  await server.stop()
  t.ok(server.stdout.length > 0)
  for (const line of server.stdout) t.match(JSON.parse(line), { level: Number, time: Number, msg: String })
  t.strictSame(server.stderr, [])
})

t.test('a port in use ends the start with exit code 1 and says what to do', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { taken.close() })
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const { code, stderr } = await gantry(t, ['start', writeConfig(t, {})], { env: { PORT: String(port) } })
  t.equal(code, 1)
  t.equal(stderr, `Port ${port} on 127.0.0.1 is in use: stop the program that uses it, or choose another port ("port" in the configuration, or PORT).\n`)
})

t.test('a file with a fault is not served: exit code 78, the faults on standard error, and no port is opened', async (t) => {
  const cwd = t.testdir({
    'misspelt.json': '{ "nme": "x" }',
    'torn.json': '{ "name": ',
    'no-handler.yaml': 'tools:\n  - name: a\n    handler: { type: file, path: gone.mjs }\n',
    'throws.yaml': 'tools:\n  - name: a\n    handler: { type: file, path: throws.mjs }\n',
    'throws.mjs': 'throw new Error("not today")'
  })
  const cases: [file: string, text: RegExp][] = [
    ['misspelt.json', /misspelt\.json:1:3 {2}\$\.nme\n[^]*Did you mean "name"\?/],
    ['torn.json', /torn\.json:1:\d+/],
    ['no-handler.yaml', /no-handler\.yaml:3:\d+ {2}\$\.tools\[0\]\.handler\.path\n {2}There is no file "gone\.mjs"/],
    ['throws.yaml', /"throws\.mjs" could not be loaded: not today/],
    ['gone.json', /There is no such file/]
  ]
  for (const [file, text] of cases) {
    const port = await freePort()
    const program = run(t, [commandLine, 'start', file], { cwd, env: { PORT: String(port) } })
    t.strictSame(await program.exited, { code: 78, signal: null }, file)
    t.match(program.stderr.join('\n'), text)
    t.strictSame(program.stdout, [], 'nothing was logged as if a server were starting')
    t.notOk(await listens(port))
  }
})

t.test('the example is served from any working directory, by either program', async (t) => {
  for (const program of [[commandLine, 'start'], [serverProgram]]) {
    const { origin, stdout } = await start(t, { file: example, cwd: t.testdir(), start: program })
    const { tools } = await (await fetch(`${origin}/tools`)).json() as { tools: { name: string }[] }
    t.strictSame(tools.map(({ name }) => name), ['add', 'count-words', 'count-down', 'convert-temperature', 'server-status', 'time', 'echo'])
    t.notMatch(stdout.join('\n'), /working directory/, 'its paths are relative to the file')
  }
})
