import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startAwsSecrets } from '../helpers/aws-secrets-server.ts'
import { commandLine, root, run, start, writeConfig, type ProgramOptions } from '../helpers/server.ts'
import { startVault } from '../helpers/vault-server.ts'

const tool = (name: string, more: object) => ({ name, handler: { type: 'registry', name: 'gantry.echo' }, ...more })

async function finish (t: Test, args: readonly string[], options: ProgramOptions): Promise<{ code: number | null, stdout: string, stderr: string }> {
  const program = run(t, args, options)
  const { code } = await program.exited
  return { code, stdout: program.stdout.join('\n'), stderr: program.stderr.join('\n') }
}

t.test('a server takes its secrets from Vault and from AWS at its start, and serves with them', async (t) => {
  const vault = await startVault(t, { secrets: { 'secret/mcp/settings': { size: 2048, about: 'from Vault' } } })
  const aws = await startAwsSecrets(t, { secrets: { 'mcp/settings': '{"title":"from AWS"}' } })
  const config = { server: { maxRequestSize: '${vault:secret/mcp/settings#size}' }, tools: [tool('x', { title: '${aws:mcp/settings#title}', description: '${vault:secret/mcp/settings#about}' })] }
  const { origin, stop } = await start(t, { config, start: [commandLine, 'start'], env: { ...aws.env, VAULT_ADDR: vault.address, VAULT_TOKEN: 'test-token' } })
  t.match(await (await fetch(`${origin}/tools`)).json(), { tools: [{ name: 'x', title: 'from AWS', description: 'from Vault' }] })
  t.equal((await fetch(`${origin}/mcp`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: ' '.repeat(3000) })).status, 413)
  await stop()
  t.equal(vault.reads().length, 1)
  t.equal(aws.asked.length, 1)
})

t.test('a reference that fails stops the start with 78, and "gantry validate" names it for people and programs', async (t) => {
  const vault = await startVault(t, {})
  const file = writeConfig(t, { tools: [tool('x', { description: '${vault:secret/none#x}' })] })
  const env = { VAULT_ADDR: vault.address, VAULT_TOKEN: 'test-token' }
  const started = await finish(t, [commandLine, 'start', file], { env })
  t.equal(started.code, 78)
  t.match(started.stderr, /gantry\.json:\d+:\d+ {2}\$\.tools\[0\]\.description\n {2}"\$\{vault:secret\/none#x\}" cannot be resolved: Vault at http:\/\/127\.0\.0\.1:\d+ has no such secret\.\n {2}Check the path/)
  const validated = await finish(t, [commandLine, 'validate', '--json', file], { env })
  t.equal(validated.code, 78)
  t.match(JSON.parse(validated.stdout), { valid: false, faults: [{ path: '$.tools[0].description', line: Number, column: Number, message: /has no such secret/, suggestion: /vault kv get/ }] })
  t.notMatch(JSON.stringify([started, validated]), /test-token/)
})

t.test('where a package is missing, only files that need it are refused: with the place, the package and what to run', async (t) => {
  const program = copyWithout(t, ['node-vault', '@aws-sdk/client-secrets-manager'])
  const plain = await finish(t, [program, 'validate', writeConfig(t, { tools: [tool('x', {})] })], {})
  t.match(plain, { code: 0, stdout: /is sound/ })

  const file = writeConfig(t, { name: '${NOT_SET}', tools: [tool('v', { description: '${vault:secret/a#x}' }), tool('a', { description: '${aws:b}' })] })
  const { code, stdout } = await finish(t, [program, 'validate', '--json', file], {})
  t.equal(code, 78)
  const { faults } = JSON.parse(stdout) as { faults: object[] }
  t.match(faults, [
    { path: '$.name', message: /NOT_SET is not set/ },
    { path: '$.tools[0].description', line: 10, column: 22, message: '"${vault:secret/a#x}" cannot be resolved: it needs the package node-vault, which is not installed.', suggestion: 'Run "npm install node-vault".' },
    { path: '$.tools[1].description', line: 18, column: 22, message: '"${aws:b}" cannot be resolved: it needs the package @aws-sdk/client-secrets-manager, which is not installed.', suggestion: 'Run "npm install @aws-sdk/client-secrets-manager".' }
  ])
  t.equal(faults.length, 3)
})

/** The built command in a place of its own, with the packages that are installed here but for some. */
function copyWithout (t: Test, absent: readonly string[]): string {
  // Outside of this project, so that none of its packages is found from there.
  const folder = mkdtempSync(join(tmpdir(), 'gantry-secrets-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  const link = (name: string): void => { if (!absent.includes(name)) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name)) }
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('@')) link(name)
    else {
      mkdirSync(join(folder, 'node_modules', name))
      for (const inner of readdirSync(join(root, 'node_modules', name))) link(`${name}/${inner}`)
    }
  }
  return join(folder, 'dist/src/cli/index.js')
}
