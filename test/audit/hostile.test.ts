import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { JsonObject } from '../../src/core/ports.ts'
import { auditEventNames } from '../../schemas/audit.ts'
import { build, initialize, modern, openSession, post, rest } from '../helpers/build.ts'
import { check, linesIn, textsIn } from './support.ts'

/** What tries to look like a line, or like the end of one. */
const texts: readonly string[] = [
  '\n{"seq":99,"event":"server.stop","forged":true}\n',
  '\r\n{"forged":true}',
  '","forged":true,"a":"',
  '\\","forged":true,"a":"\\',
  `","previous":"${'0'.repeat(64)}","hash":"${'0'.repeat(64)}"}\n`,
  '\u2028{"forged":true}\u2029{"forged":true}\u0085{"forged":true}',
  '\u0000\u001b[2K\u001b[1A{"forged":true}',
  '\u202e}eurt:"degrof"{',
  '\\u000a{"forged":true}',
  '\ud800',
  '__proto__',
  'x'.repeat(20_000)
]

t.test('whatever a client sends, wherever: one line an event, and none of it forged', async (t) => {
  const baseDir = t.testdir({})
  const file = join(baseDir, 'audit.log')
  const app = await build(t, { security: { audit: { includeArguments: true } }, resources: [{ uriTemplate: 'a://{id}', name: 'n', content: '{{id}}' }] }, { baseDir, tools: { echo: () => 'x' } })
  const meta = (name: string): JsonObject => ({ 'io.modelcontextprotocol/clientInfo': { name, version: name } })
  const sent: readonly [what: string, send: (text: string) => Promise<unknown>][] = [
    ['the name of a tool', (name) => modern(app, 'tools/call', { name })],
    ['the name of a tool in a path', (name) => rest(app, encodeURIComponent(Buffer.from(name).toString()).slice(0, 90))],
    ['an argument', (value) => modern(app, 'tools/call', { name: 'echo', arguments: { value } })],
    ['the name of an argument', (name) => modern(app, 'tools/call', { name: 'echo', arguments: JSON.parse(`{${JSON.stringify(name === '__proto__' ? 'x' : name)}:1}`) as JsonObject })],
    ['an argument over plain HTTP', (value) => rest(app, 'echo', { value })],
    ['the name of a prompt', (name) => modern(app, 'prompts/get', { name })],
    ['the URI of a resource', (uri) => modern(app, 'resources/read', { uri: `a://${uri}` })],
    ['the URI of a subscription', async (uri) => await (await openSession(app)).call('resources/subscribe', { uri })],
    ['what is completed', (name) => modern(app, 'completion/complete', { ref: { type: 'ref/prompt', name }, argument: { name, value: name } })],
    ['the id of a task', (taskId) => modern(app, 'tasks/get', { taskId })],
    ['a method', (method) => post(app, { jsonrpc: '2.0', id: 1, method }, { 'mcp-session-id': 'x' })],
    ['a method of the 2026 era', (method) => modern(app, method.slice(0, 200))],
    ['the id of a request', (id) => modern(app, 'ping', {}, { id })],
    ['the name of a client', (name) => modern(app, 'tools/list', {}, { meta: meta(name) })],
    ['the name of a client of the 2025 era', (name) => post(app, { ...initialize('2025-11-25'), params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: name } } })],
    ['a version', (version) => post(app, { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: { 'io.modelcontextprotocol/protocolVersion': version } } })],
    ['a log level', (level) => modern(app, 'tools/list', {}, { meta: { 'io.modelcontextprotocol/logLevel': level } })],
    ['the whole body', (body) => post(app, body)],
    ['a body that is no object', (body) => post(app, JSON.stringify(body))]
  ]
  for (const [what, send] of sent) {
    for (const value of texts) {
      const before = textsIn(file).length
      await send(value)
      const added = textsIn(file).length - before
      if (added < 1 || added > 2) t.fail(`${what}, text ${texts.indexOf(value)}: ${added} lines`)
    }
  }
  const content = readFileSync(file, 'latin1')
  t.match(content, /^[\n -~]*$/, 'ASCII')
  for (const line of linesIn(file)) {
    if (Object.hasOwn(line, 'forged') || !(auditEventNames as string[]).includes(line.event) || JSON.stringify(line).length > 32_000) t.fail(JSON.stringify(line))
  }
  t.match(check(file), { fault: undefined })
})

t.test('what only a socket can send is no less harmless', async (t) => {
  const baseDir = t.testdir({})
  const file = join(baseDir, 'audit.log')
  const app = await build(t, { security: { audit: {} } }, { baseDir })
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const lines = [
    'GET /\x7f\x80\xff{"forged":true} HTTP/1.1', 'GET /a"b\\c?x=y HTTP/1.1', `GET /${'x'.repeat(5_000)} HTTP/1.1`, 'GET /%0a%0d%00{"forged":true} HTTP/1.1', 'GET http://127.0.0.1/absolute HTTP/1.1',
    'GET /nowhere HTTP/1.1\r\nMcp-Session-Id: "}\\n{"forged":true}\r\nUser-Agent: \xff\x80', 'GET //double//slash HTTP/1.1', 'OPTIONS * HTTP/1.1', 'PROPFIND /nowhere HTTP/1.1'
  ]
  for (const line of lines) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.end(`${line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`, 'latin1')
    await text(socket)
  }
  const recorded = linesIn(file)
  t.ok(recorded.length > 5)
  for (const line of recorded) t.notOk(Object.hasOwn(line, 'forged'))
  t.match(readFileSync(file, 'latin1'), /^[\n -~]*$/)
  t.match(check(file), { fault: undefined })
})

t.test('credentials and ids that could be used are not in the file', async (t) => {
  const baseDir = t.testdir({})
  const file = join(baseDir, 'audit.log')
  const key = 'a-key-for-tests-0123456789'
  const secret = 'hunter22-in-the-configuration'
  const redactor = { text: (value: string) => value.replaceAll(secret, '[redacted]'), line: (value: string) => value }
  const app = await build(t, { security: { audit: { includeArguments: true }, authentication: { apiKeys: [{ name: 'ci', key, permissions: ['*'] }] } } }, { baseDir, tools: { echo: () => 'x' }, redactor })
  const guess = 'a-guess-for-tests-987654321'
  for (const credential of [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }, { authorization: `Bearer ${guess}` }, { 'x-api-key': guess }, { authorization: `Basic ${Buffer.from(`a:${guess}`).toString('base64')}`, cookie: guess }]) {
    const opened = await post(app, initialize('2025-11-25'), credential)
    const session = opened.headers['mcp-session-id']
    await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { password: guess, note: `the key is ${secret}` } } }, { ...credential, 'mcp-session-id': String(session) })
    await app.inject({ method: 'POST', url: `/tools/echo?api_key=${guess}&token=${guess}`, headers: { ...credential, 'mcp-session-id': guess } })
    if (session !== undefined) t.notMatch(readFileSync(file, 'utf8'), String(session))
  }
  const content = readFileSync(file, 'utf8')
  for (const hidden of [key, guess, secret]) t.notMatch(content, hidden)
  t.match(content, '"principal":"ci"')
  t.match(content, 'the key is [redacted]')
})
