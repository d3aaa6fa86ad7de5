import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { faultsToJson, formatFaults } from '../../../src/config/format-faults.ts'
import { loadConfig, type LoadedConfig } from '../../../src/config/load.ts'
import { readVaultSettings } from '../../../src/config/secrets/vault-settings.ts'
import { loadText, loadValue } from '../../helpers/load-text.ts'
import { makeCertificate } from '../../helpers/certificate.ts'
import { freePort } from '../../helpers/server.ts'
import { until } from '../../helpers/waiting.ts'
import { startVault, type VaultServer } from '../../helpers/vault-server.ts'

const token = 'hvs.the-test-token'

/** A home without a token, so that a developer's own is not read. */
function envOf (t: Test, vault: VaultServer, more: Record<string, string> = {}): Record<string, string> {
  return { VAULT_ADDR: vault.address, VAULT_TOKEN: token, HOME: t.testdirName, ...more }
}

async function load (t: Test, description: string, env: Record<string, string>): Promise<LoadedConfig> {
  return await loadValue(t, { description }, { env })
}

t.test('a field of a secret stands in the place of its reference, and the place is secret', async (t) => {
  const vault = await startVault(t, { token, secrets: { 'secret/mcp/api-keys': { ci: 's3cret-of-ci', other: 'x' } } })
  const { config, faults, notices, isSecret, redactor } = await load(t, 'key: ${vault:secret/mcp/api-keys#ci}.', envOf(t, vault))
  t.strictSame([faults, notices], [[], []])
  t.equal(config?.description, 'key: s3cret-of-ci.')
  t.ok(isSecret(['description']))
  t.equal(redactor.text('it was s3cret-of-ci'), 'it was [redacted]')
  t.strictSame(vault.requests, [
    { method: 'GET', path: '/v1/sys/internal/ui/mounts/secret/mcp/api-keys', token, namespace: undefined },
    { method: 'GET', path: '/v1/secret/data/mcp/api-keys', token, namespace: undefined }
  ])
})

t.test('a secret is fetched once, however many places and fields name it', async (t) => {
  const vault = await startVault(t, { token, secrets: { 'secret/a': { x: 'one', y: 'two' }, 'secret/b': { x: 'three' } } })
  const { config, faults } = await loadValue(t, { name: '${vault:secret/a#x}', version: '${vault:secret/a#y}', description: '${vault:secret/a#x} ${vault:secret/b#x}' }, { env: envOf(t, vault) })
  t.strictSame(faults, [])
  t.match(config, { name: 'one', version: 'two', description: 'one three' })
  t.strictSame(vault.reads().map(({ path }) => path).sort(), ['/v1/secret/data/a', '/v1/secret/data/b'])
})

t.test('what a secret holds is not scanned again', async (t) => {
  const vault = await startVault(t, { token, secrets: { 'secret/a': { x: '${HOME} ${vault:secret/b#x} $${y}' } } })
  const { config } = await load(t, '${vault:secret/a#x}', envOf(t, vault))
  t.equal(config?.description, '${HOME} ${vault:secret/b#x} $${y}')
  t.equal(vault.reads().length, 1)
})

t.test('numbers and booleans become what the key wants; other values are no texts', async (t) => {
  const vault = await startVault(t, { token, secrets: { 'secret/a': { port: 8080, text: '81', on: true, list: ['hidden-value'], none: null, large: 2 ** 60 } } })
  const { config, faults } = await loadValue(t, { port: '${vault:secret/a#port}', name: '${vault:secret/a#port}', redis: { port: '${vault:secret/a#text}', tls: '${vault:secret/a#on}' } }, { env: envOf(t, vault) })
  t.strictSame(faults, [])
  t.match(config, { port: 8080, name: '8080', redis: { port: 81, tls: true } })
  for (const [field, suggestion] of [['list', /Keep it as a text/], ['none', /Keep it as a text/], ['large', /more digits/]] as const) {
    const refused = await load(t, `\${vault:secret/a#${field}}`, envOf(t, vault))
    t.match(refused.faults, [{ message: `"\${vault:secret/a#${field}}" cannot be resolved: the field "${field}" of the secret is not a text.`, suggestion }])
  }
})

t.test('mounts may have several parts: Vault says which', async (t) => {
  const vault = await startVault(t, { token, mounts: { 'team/kv': '2' }, secrets: { 'team/kv/app/db': { p: 'found' } } })
  const { config, faults } = await load(t, '${vault:team/kv/app/db#p}', envOf(t, vault))
  t.strictSame(faults, [])
  t.equal(config?.description, 'found')
})

t.test('where Vault does not say which, the mount is the first part', async (t) => {
  const vault = await startVault(t, { token, tellsMounts: false, secrets: { 'secret/app/db': { p: 'found' } } })
  t.equal((await load(t, '${vault:secret/app/db#p}', envOf(t, vault))).config?.description, 'found')
})

t.test('characters that mean something in a URL stay in the path', async (t) => {
  const vault = await startVault(t, { token, secrets: { 'secret/a b/c?d=1&e%2F/ü': { 'x#y': 'found' } } })
  const { config, faults } = await load(t, '${vault:secret/a b/c?d=1&e%2F/ü#x#y}', envOf(t, vault))
  t.strictSame(faults, [])
  t.equal(config?.description, 'found')
})

t.test('VAULT_NAMESPACE goes with every request', async (t) => {
  const vault = await startVault(t, { token, namespace: 'admin/team', secrets: { 'secret/a': { x: 'found' } } })
  t.equal((await load(t, '${vault:secret/a#x}', envOf(t, vault, { VAULT_NAMESPACE: 'admin/team' }))).config?.description, 'found')
  t.match((await load(t, '${vault:secret/a#x}', envOf(t, vault))).faults, [{ message: /has nothing mounted there\.$/, suggestion: /VAULT_NAMESPACE/ }])
})

t.test('the token comes from VAULT_TOKEN, VAULT_TOKEN_FILE, an AppRole or ~/.vault-token, in this order', async (t) => {
  const role = { roleId: 'role-1', secretId: 'the-secret-id' }
  const vault = await startVault(t, { token, role, secrets: { 'secret/a': { x: 'found' } } })
  const home = t.testdir({ '.vault-token': `${token}\n`, file: `${token}\r\n` })
  const { VAULT_TOKEN: _, ...env } = envOf(t, vault, { HOME: home })
  const wrong = { VAULT_TOKEN: 'wrong', VAULT_TOKEN_FILE: join(home, '.vault-token'), VAULT_ROLE_ID: 'wrong', VAULT_SECRET_ID: 'wrong' }
  const ways: readonly [string, Record<string, string>][] = [
    ['VAULT_TOKEN', { ...wrong, VAULT_TOKEN: token }],
    ['VAULT_TOKEN_FILE', { ...wrong, VAULT_TOKEN: '', VAULT_TOKEN_FILE: join(home, 'file') }],
    ['AppRole', { VAULT_ROLE_ID: role.roleId, VAULT_SECRET_ID: role.secretId }],
    ['~/.vault-token', {}]
  ]
  writeFileSync(join(home, 'gantry.json'), '{ "description": "${vault:secret/a#x}" }')
  for (const [name, way] of ways) {
    const loaded = await loadConfig({ file: join(home, 'gantry.json'), cwd: home, env: { ...env, ...way } })
    t.strictSame(loaded.faults, [], name)
    t.equal(loaded.config?.description, 'found', name)
  }
  t.equal(vault.requests.filter(({ path }) => path === '/v1/auth/approle/login').length, 1, 'an AppRole logs in once')
})

t.test('https with the authority that VAULT_CACERT names, and not without it', async (t) => {
  const tls = makeCertificate(t)
  const vault = await startVault(t, { token, tls, secrets: { 'secret/a': { x: 'found' } } })
  const trusted = await load(t, '${vault:secret/a#x}', envOf(t, vault, { VAULT_CACERT: tls.certFile }))
  t.strictSame(trusted.faults, [])
  t.equal(trusted.config?.description, 'found')
  const before = vault.requests.length
  // The client by itself would take any value of VAULT_SKIP_VERIFY for yes.
  const strange = await load(t, '${vault:secret/a#x}', envOf(t, vault, { VAULT_SKIP_VERIFY: 'true' }))
  t.match(strange.faults, [{ message: /cannot be reached: its TLS certificate or connection was not accepted \(\w+\)\.$/, suggestion: /VAULT_CACERT/ }])
  t.equal(vault.requests.length, before, 'nothing was sent')
})

t.test('a redirect to another node is followed, but never away from TLS', async (t) => {
  const tls = makeCertificate(t)
  const secrets = { 'secret/a': { x: 'found' } }
  const [active, plain, standby] = [await startVault(t, { token, tls, secrets }), await startVault(t, { token, secrets }), await startVault(t, { token, tls, secrets })]
  const env = envOf(t, standby, { VAULT_CACERT: tls.certFile })
  standby.next.push({ status: 307, headers: { location: `${active.address}/v1/sys/internal/ui/mounts/secret/a` } }, { status: 307, headers: { location: `${active.address}/v1/secret/data/a` } })
  t.equal((await load(t, '${vault:secret/a#x}', env)).config?.description, 'found')
  standby.next.push({ status: 307, headers: { location: `${plain.address}/v1/sys/internal/ui/mounts/secret/a` } })
  t.match((await load(t, '${vault:secret/a#x}', env)).faults, [{ message: /cannot be reached/ }])
  t.strictSame(plain.requests, [], 'the token was not sent in the open')
})

t.test('what fails for the moment is tried again, three times at most', async (t) => {
  const vault = await startVault(t, { token, secrets: { 'secret/a': { x: 'found' } } })
  vault.next.push({ status: 500, body: { errors: ['internal error'] } }, { status: 429, body: { errors: [] } })
  t.equal((await load(t, '${vault:secret/a#x}', envOf(t, vault))).config?.description, 'found')
  const before = vault.requests.length
  vault.next.push(...Array.from({ length: 9 }, () => ({ status: 502, body: '<html>Bad gateway</html>' })))
  t.match((await load(t, '${vault:secret/a#x}', envOf(t, vault))).faults, [{ message: /answered 502\.$/ }])
  t.equal(vault.requests.length, before + 3)
})

const refused: readonly [string, string, RegExp, RegExp][] = [
  ['a secret that is not there', 'secret/none#x', /^"\$\{vault:secret\/none#x\}" cannot be resolved: Vault at http:\/\/127\.0\.0\.1:\d+ has no such secret\.$/, /vault kv get/],
  ['the path of the API instead of that of the secret', 'secret/data/a#x', /has no such secret/, /Leave out "data\/"/],
  ['a field that is not there', 'secret/a#nope', /the secret has no field "nope"\.$/, /Correct the name/],
  ['a field that every object has', 'secret/a#constructor', /has no field "constructor"/, /Correct the name/],
  ['a secret that the token may not read', 'secret/forbidden#x', /denies the permission\.$/, /"read" on "secret\/data\/forbidden"/],
  ['a version that was deleted', 'secret/deleted#x', /was deleted\.$/, /undelete/],
  ['a version that was destroyed', 'secret/destroyed#x', /was destroyed\.$/, /vault kv put/],
  ['a mount of version 1', 'old/a#x', /the mount "old" of Vault is not a KV store of version 2\.$/, /enable-versioning old/],
  ['a mount that is not there', 'nowhere/a#x', /has nothing mounted there\.$/, /vault secrets list/],
  ['a mount alone', 'team/kv#x', /"team\/kv" is a mount of Vault/, /Add the path/]
]
t.test('each reference that fails is a fault of its own, with its place and what to do, beside all others', async (t) => {
  const secrets = { 'secret/a': { x: 'the-value-of-a' }, 'secret/forbidden': { x: 'hidden-value' }, 'secret/deleted': 'deleted', 'secret/destroyed': 'destroyed' } as const
  const vault = await startVault(t, { token, mounts: { 'team/kv': '2', secret: '2', old: '1' }, secrets, forbidden: ['secret/forbidden'] })
  const text = `{\n  "prot": 1,\n  "name": "\${NOT_SET}",\n  "tools": [\n${refused.map(([, id], index) => `    { "name": "t${index}", "description": "a \${vault:${id}}", "handler": { "type": "registry", "name": "f" } }`).join(',\n')}\n  ]\n}`
  const { faults, config } = await loadText(t, text, { env: envOf(t, vault) })
  t.equal(config, undefined)
  t.equal(faults.length, refused.length + 2, 'the misspelt key and the missing variable are told at the same time')
  for (const [index, [name, , message, suggestion]] of refused.entries()) {
    t.match(faults.find(({ path }) => path[1] === index), { path: ['tools', index, 'description'], line: index + 5, column: 36, message, suggestion }, name)
  }
  const shown = [formatFaults(faults, 'c.json'), JSON.stringify(faultsToJson(faults))].join('\n')
  for (const secret of [token, 'hidden-value', 'the-value-of-a']) t.notMatch(shown, secret)
})

t.test('a sealed Vault is told at once', async (t) => {
  const vault = await startVault(t, { token })
  vault.sealed = true
  t.match((await load(t, '${vault:secret/a#x}', envOf(t, vault))).faults, [{ message: /Vault at http:\/\/127\.0\.0\.1:\d+ is sealed\.$/, suggestion: /vault operator unseal/ }])
  t.equal(vault.requests.length, 1, 'it is not asked again')
})

t.test('a Vault that cannot be reached, or does not answer in time, or is none', async (t) => {
  const nobody = { VAULT_ADDR: `http://127.0.0.1:${await freePort()}`, VAULT_TOKEN: token }
  t.match((await load(t, '${vault:secret/a#x}', nobody)).faults, [{ message: /cannot be reached: the connection was refused \(ECONNREFUSED\)\.$/, suggestion: /VAULT_ADDR/ }])

  const vault = await startVault(t, { token })
  vault.silent = true
  const { faults } = await loadValue(t, { name: '${vault:secret/a#x}', description: '${vault:secret/b#x}' }, { env: envOf(t, vault, { SECRETS_TIMEOUT: '150' }) })
  t.equal(faults.length, 2)
  for (const fault of faults) t.match(fault, { message: /there was no answer within 150 ms\.$/, line: Number, suggestion: /SECRETS_TIMEOUT/ })
  const since = Date.now()
  await until('no connection is left', () => vault.connections() === 0)
  t.ok(Date.now() - since < 1_500, 'long before the requests would have ended by themselves')

  const other = await startVault(t)
  other.next.push({ status: 200, body: '<html>Welcome</html>' })
  t.match((await load(t, '${vault:secret/a#x}', envOf(t, other))).faults, [{ message: /does not speak as Vault does\.$/, suggestion: 'Check VAULT_ADDR.' }])
})

t.test('what a server says of an error is told without the token that it echoes', async (t) => {
  const vault = await startVault(t)
  vault.next.push({ status: 400, body: { errors: [`bad token ${token}`] } })
  const { faults } = await load(t, '${vault:secret/a#x}', envOf(t, vault))
  t.match(faults, [{ message: /answered 400: "bad token \[redacted\]"\.$/ }])
})

const settings: readonly [string, Record<string, string>, RegExp, RegExp | undefined][] = [
  ['no address', { VAULT_ADDR: '' }, /VAULT_ADDR is not set\.$/, /https:\/\/vault\.example\.com:8200/],
  ['an address that is none', { VAULT_ADDR: 'vault:8200' }, /VAULT_ADDR is not an http: or https: URL\.$/, undefined],
  ['no token', { VAULT_TOKEN: '' }, /there is no token for Vault\.$/, /VAULT_TOKEN_FILE.*vault login/],
  ['a token with a line break', { VAULT_TOKEN: 'secret-with\nbreak' }, /VAULT_TOKEN holds no token\.$/, undefined],
  ['a token file that is not there', { VAULT_TOKEN: '', VAULT_TOKEN_FILE: '/nowhere/token' }, /the file "\/nowhere\/token", which VAULT_TOKEN_FILE names, cannot be read \(ENOENT\)\.$/, undefined],
  ['half an AppRole', { VAULT_TOKEN: '', VAULT_ROLE_ID: 'r' }, /only one is set\.$/, /Set both/],
  ['an AppRole that is refused', { VAULT_TOKEN: '', VAULT_ROLE_ID: 'r', VAULT_SECRET_ID: 'secret-with-no-door' }, /refuses to log in this AppRole\.$/, /VAULT_ROLE_ID/],
  ['an authority that is not there', { VAULT_CACERT: '/nowhere/ca.pem' }, /which VAULT_CACERT names, cannot be read/, undefined],
  ['a namespace with a line break', { VAULT_NAMESPACE: 'a\nb' }, /VAULT_NAMESPACE holds/, undefined]
]
for (const [name, env, message, suggestion] of settings) {
  t.test(`${name} is a fault of each reference`, async (t) => {
    const vault = await startVault(t, { token })
    const { faults } = await loadValue(t, { name: '${vault:secret/a#x}', description: '${vault:secret/b#y}' }, { env: envOf(t, vault, env) })
    t.equal(faults.length, 2)
    for (const fault of faults) t.match(fault, { message, line: Number, column: Number, ...(suggestion !== undefined && { suggestion }) })
    t.notMatch(JSON.stringify(faults), /secret-with/)
  })
}

t.test('a SECRETS_TIMEOUT that is none is a fault, and does not hide others', async (t) => {
  const vault = await startVault(t, { token })
  for (const text of ['soon', '0', '-1', '1.5', '600001', '1e3']) {
    const { faults } = await load(t, '${vault:secret/a#x}', envOf(t, vault, { SECRETS_TIMEOUT: text }))
    t.match(faults, [{ path: [], message: /^The environment variable SECRETS_TIMEOUT does not fit: expected a whole number of milliseconds from 1 to 600000/ }, { message: /has no such secret/ }], text)
    t.notOk(Object.hasOwn(faults[0] ?? {}, 'suggestion'))
  }
})

t.test('sending the token over the network without TLS is worth a notice', async (t) => {
  const noticesOf = async (address: string) => {
    const settings = await readVaultSettings({ VAULT_ADDR: address, VAULT_TOKEN: token })
    return 'value' in settings ? settings.value.notices : []
  }
  t.match(await noticesOf('http://vault.example.com:8200'), [{ message: /travel unencrypted to http:\/\/vault\.example\.com:8200/ }])
  for (const address of ['https://vault.example.com', 'http://127.0.0.1:8200', 'http://localhost:8200', 'http://[::1]:8200']) t.strictSame(await noticesOf(address), [], address)
})
