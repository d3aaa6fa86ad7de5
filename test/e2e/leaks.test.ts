import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { secretKeys } from '../../scripts/secret-keys.ts'
import { startAwsSecrets } from '../helpers/aws-secrets-server.ts'
import { initialize, modernHeaders, modernMessage } from '../helpers/build.ts'
import { startRedis } from '../helpers/redis.ts'
import { commandLine, root, run, start, type Program } from '../helpers/server.ts'
import { startVault } from '../helpers/vault-server.ts'

/** One text for each place where secrets are kept, such as stands nowhere else: with characters that JSON and URLs write otherwise. */
const secret = (name: string): string => `zq${name}"\\/é${'x'.repeat(8)}`
const plain = (name: string): string => `zq${name}${'x'.repeat(12)}`
/** Any of them, whole or but its beginning. */
const anySecret = /zq[a-z]/i

t.test('every secret key of the format is in these tests', async (t) => {
  t.strictSame(secretKeys().sort(), [
    'databases.*.password', 'databases.*.url', 'handler.headers.*', 'redis.password', 'redis.sentinelPassword', 'redis.url', 'security.authentication.apiKeys.*.key', 'security.authentication.apiKeys.*.keyHash'
  ])
})

/** Has a fault at or beside each secret. */
function faultyConfig (from: (name: string) => string): object {
  return {
    host: from('host'),
    port: from('port'),
    logging: { level: from('level') },
    security: {
      authentication: {
        apiKeys: [
          { name: from('name'), key: secret('key') },
          { name: 'two', key: secret('key'), nope: secret('unknown') },
          { name: 'three', key: secret('both'), keyHash: secret('hash') },
          { name: 'four', key: [secret('list')] }
        ]
      }
    },
    redis: { url: `http://user:${plain('url')}@127.0.0.1`, password: secret('password'), sentinelPassword: secret('sentinel'), db: from('db') },
    databases: { main: { url: secret('database'), password: secret('databasepassword'), port: from('dbport') } },
    tools: [
      { name: 'h', handler: { type: 'http', url: `http://user:${plain('userinfo')}@example.com/`, headers: { authorization: `Bearer ${secret('header')}`, 'bad name': secret('badheader'), 'x-list': [secret('headerlist')] } } },
      { name: 'f', handler: { type: 'file', path: './throws.mjs' } },
      { name: 'r', handler: { type: 'registry', name: from('registry') } }
    ]
  }
}

t.test('no command that refuses a file shows a secret of it, or of where it refers to', async (t) => {
  const names = ['host', 'port', 'level', 'name', 'db', 'dbport', 'registry']
  const folder = folderOf(t, { 'throws.mjs': 'throw new Error(`cannot load with ${process.env.LEAKS}`)' })
  const vault = await startVault(t, { token: plain('vaulttoken'), secrets: { 'secret/a': Object.fromEntries(names.map((name) => [name, secret(`vault${name}`)])) } })
  const aws = await startAwsSecrets(t, { secrets: { a: JSON.stringify(Object.fromEntries(names.map((name) => [name, secret(`aws${name}`)]))) } })
  for (const name of names) writeFileSync(join(folder, name), secret(`file${name}`))
  const env = {
    ...aws.env,
    VAULT_ADDR: vault.address,
    VAULT_TOKEN: plain('vaulttoken'),
    SESSION_SECRET: plain('session'),
    API_KEY_SALT: plain('salt'),
    // What the handler tells has come from Vault, too.
    LEAKS: secret('vaulthost'),
    ...Object.fromEntries(names.map((name) => [`V_${name}`, secret(`env${name}`)]))
  }
  for (const [source, from] of Object.entries({
    vault: (name: string) => `\${vault:secret/a#${name}}`,
    aws: (name: string) => `\${aws:a#${name}}`,
    file: (name: string) => `\${file:./${name}}`,
    env: (name: string) => `\${V_${name}}`
  })) {
    const file = join(folder, `${source}.json`)
    writeFileSync(file, JSON.stringify(faultyConfig(from)))
    // Only where the secret came from is known to be one.
    const leaks = source === 'vault' ? env : { ...env, LEAKS: 'nothing' }
    for (const args of source === 'vault' ? [['validate', file], ['validate', '--json', file], ['start', file], ['stdio', file]] : [['validate', '--json', file], ['start', file]]) {
      const { code, output } = await finished(run(t, [commandLine, ...args], { env: leaks }))
      t.equal(code, 78, output)
      t.notMatch(output, anySecret, `${source}: ${args.slice(0, -1).join(' ')}`)
      if (source === 'vault') t.match(output, 'cannot load with [redacted]', 'the handler did tell it')
      for (const place of ['host', 'redis', 'apiKeys[1].key', 'apiKeys[3].key', 'tools[0]', 'tools[1]']) t.match(output, place)
    }
  }
})

t.test('a server that runs shows no secret: in no answer, in no line of its log, whatever fails', async (t) => {
  const upstream = await startEcho(t)
  const redis = await startRedis(t, { password: 'another' })
  const secrets = { key: plain('apikey'), redis: secret('redis'), header: plain('header'), session: plain('session'), salt: plain('salt'), vault: secret('vault'), file: secret('file') }
  const vault = await startVault(t, { token: plain('vaulttoken'), secrets: { 'secret/a': { x: secrets.vault } } })
  const folder = folderOf(t, { secret: `${secrets.file}\n` })
  cpSync(join(root, 'test/e2e/fixtures/handlers/leaky.mjs'), join(folder, 'leaky.mjs'))
  const fail = { type: 'file', path: './leaky.mjs', export: 'fail' }
  const any = { type: 'object' }
  writeFileSync(join(folder, 'gantry.json'), JSON.stringify({
    logging: { level: 'trace' },
    redis: { port: redis.port, password: '${REDIS_SECRET}' },
    security: { authentication: { apiKeys: [{ name: 'ci', key: secrets.key, permissions: ['*'] }] } },
    instructions: '${vault:secret/a#x} ${file:./secret}',
    tools: [
      { name: 'fail', inputSchema: any, handler: fail },
      { name: 'fail-later', inputSchema: any, handler: { ...fail, export: 'failLater' } },
      { name: 'echo', inputSchema: any, handler: { type: 'http', url: upstream, headers: { authorization: `Bearer ${secrets.header}` } } }
    ],
    prompts: [{ name: 'fail', arguments: [{ name: 'way' }, { name: 'index' }], handler: fail }],
    resources: [{ uriTemplate: 'leak://{way}/{index}', name: 'fail', handler: fail }]
  }))
  const told = Object.values(secrets)
  const env = { VAULT_ADDR: vault.address, VAULT_TOKEN: plain('vaulttoken'), REDIS_SECRET: secrets.redis, SESSION_SECRET: secrets.session, API_KEY_SALT: secrets.salt, LEAKS: JSON.stringify(told) }
  const server = await start(t, { file: join(folder, 'gantry.json'), start: [commandLine, 'start'], env })
  const answers: string[] = []
  const ask = async (path: string, body?: object, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(`${server.origin}${path}`, {
      headers: { 'x-api-key': secrets.key, accept: 'application/json, text/event-stream', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) })
    })
    const answer = `${JSON.stringify([...response.headers])} ${await response.text()}`
    answers.push(answer)
    return answer
  }

  for (const way of ['message', 'json', 'url', 'cause', 'many', 'facts', 'text']) {
    for (const index of told.keys()) {
      const args = { way, index }
      const failed = await ask('/tools/fail', args)
      if (!['cause', 'facts'].includes(way)) t.match(failed, '[redacted]', `${way} ${index}: it was told`)
      await ask('/tools/fail-later', args)
      for (const [method, params] of [
        ['tools/call', { name: 'fail', arguments: args }],
        ['prompts/get', { name: 'fail', arguments: { way, index: String(index) } }],
        ['resources/read', { uri: `leak://${way}/${index}` }]
      ] as const) await ask('/mcp', modernMessage(method, params), modernHeaders(method, params))
    }
  }
  t.match(await ask('/tools/echo', {}), '[redacted]', 'the upstream did echo the header')
  // Redis refuses the password: sessions are away, and the log says why.
  t.match(await ask('/mcp', initialize('2025-11-25')), 'cannot reach the store')
  await ask('/health')
  await ask('/tools')
  await ask(`/${secrets.key}`, {}, { 'x-api-key': `${secrets.key}-not` })
  t.equal((await server.stop()).code, 0)

  const log = [...server.stdout, ...server.stderr].join('\n')
  t.match(log, /"reason":"WRONGPASS/)
  t.match(log, 'about to fail with [redacted]')
  for (const line of server.stdout) t.doesNotThrow(() => { JSON.parse(line) }, line.slice(0, 80))
  t.notMatch(log, anySecret)
  // An API that echoes the path it was asked for tells its caller nothing new.
  for (const answer of answers.slice(0, -1)) t.notMatch(answer, anySecret)
})

t.test('over stdio neither the protocol nor the log shows a secret', async (t) => {
  const folder = folderOf(t, { secret: secret('file') })
  cpSync(join(root, 'test/e2e/fixtures/handlers/leaky.mjs'), join(folder, 'leaky.mjs'))
  writeFileSync(join(folder, 'gantry.json'), JSON.stringify({ logging: { level: 'trace' }, instructions: '${file:./secret}', tools: [{ name: 'fail', inputSchema: { type: 'object' }, handler: { type: 'file', path: './leaky.mjs', export: 'failLater' } }] }))
  const program = run(t, [commandLine, 'stdio', join(folder, 'gantry.json')], { env: { LEAKS: JSON.stringify([secret('file')]) } })
  program.write(`${JSON.stringify(modernMessage('tools/call', { name: 'fail', arguments: { way: 'message', index: 0 } }))}\n`)
  t.match(await program.line(/"id":1/), 'cannot connect with [redacted]')
  program.endInput()
  const { code, output } = await finished(program)
  t.equal(code, 0)
  t.match(output, 'about to fail with [redacted]')
  t.notMatch(output, anySecret)
})

t.test('a server that ends for an error that nobody caught shows no secret, neither in its log nor on standard error', async (t) => {
  for (const name of ['crash', 'crashLater']) {
    const folder = folderOf(t, { secret: secret('file') })
    cpSync(join(root, 'test/e2e/fixtures/handlers/leaky.mjs'), join(folder, 'leaky.mjs'))
    writeFileSync(join(folder, 'gantry.json'), JSON.stringify({ instructions: '${file:./secret}' }))
    // Not by a handler: that would not end the server.
    writeFileSync(join(folder, 'crash.mjs'), `import { ${name} as crash } from './leaky.mjs'\nprocess.once('SIGUSR2', () => { crash({ index: 0 }) })\n`)
    const server = await start(t, { file: join(folder, 'gantry.json'), start: [`--import=${join(folder, 'crash.mjs')}`, commandLine, 'start'], env: { LEAKS: JSON.stringify([secret('file')]) } })
    server.signal('SIGUSR2')
    t.strictSame(await server.exited, { code: 1, signal: null })
    t.match(server.stdout.at(-1), /"level":60.*\[redacted\].*"msg":"The server ends: /)
    t.match(server.stderr.join('\n'), /^The server ends: Error: (?:denied|cannot connect with \[redacted\])/)
    t.notMatch([...server.stdout, ...server.stderr].join('\n'), anySecret)
  }
})

t.test('a server that cannot be built tells why without its secrets', async (t) => {
  const folder = folderOf(t, { 'throws.mjs': 'export default () => {}; throw new Error(`no entry with ${process.env.SESSION_SECRET}`)' })
  writeFileSync(join(folder, 'gantry.json'), JSON.stringify({ tools: [{ name: 'f', handler: { type: 'file', path: './throws.mjs' } }] }))
  const { code, output } = await finished(run(t, [commandLine, 'start', join(folder, 'gantry.json')], { env: { SESSION_SECRET: plain('session') } }))
  t.equal(code, 78)
  t.match(output, 'no entry with [redacted]')
  t.notMatch(output, anySecret)
})

async function finished (program: Program): Promise<{ code: number | null, output: string }> {
  const { code } = await program.exited
  return { code, output: [...program.stdout, ...program.stderr].join('\n') }
}

function folderOf (t: Test, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-leaks-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** An API that refuses everything and says with what it was asked. */
async function startEcho (t: Test): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ message: `refused: ${String(request.headers.authorization)}` }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
