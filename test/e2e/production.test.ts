import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort, root, run, untilClosed } from '../helpers/server.ts'

/** What is copied to a machine that only serves: the built tree, and how to install what it needs. */
const shipped = ['dist', 'src', 'schemas', 'scripts', 'config', 'handlers', 'docs', 'package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tsconfig.build.json']
const env = { NODE_ENV: 'production' }

t.test('a built tree serves with nothing but its runtime packages, with its sources and without', async (t) => {
  // Outside of this project, so that none of its packages is found from there.
  const folder = mkdtempSync(join(tmpdir(), 'gantry-production-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  for (const name of shipped) cpSync(join(root, name), join(folder, name), { recursive: true })

  const install = run(t, ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder, env, command: 'npm' })
  t.strictSame(await install.exited, { code: 0, signal: null }, [...install.stdout, ...install.stderr].join('\n'))
  for (const name of ['typescript', 'tap', '@modelcontextprotocol/sdk', 'node-vault', '@aws-sdk/client-secrets-manager']) t.notOk(existsSync(join(folder, 'node_modules', name)), `${name} is not installed`)

  for (const withSources of [true, false]) {
    if (!withSources) removeSources(folder)
    const port = await freePort()
    const npm = run(t, ['start'], { cwd: folder, env: { ...env, PORT: String(port) }, command: 'npm' })
    await npm.line(/serves MCP at/)
    t.match(await (await fetch(`http://127.0.0.1:${port}/health`)).json(), { status: 'healthy' })
    // A TypeScript file and the sandbox: both work without the development packages.
    t.match(await call(port, 'count-words', { text: 'One two.' }), { structuredContent: { words: 2 } })
    t.match(await call(port, 'convert-temperature', { value: 0, from: 'celsius', to: 'kelvin' }), { structuredContent: { value: 273.15 } })
    t.match(await call(port, 'server-status', {}), { structuredContent: { status: 'healthy' } })
    npm.signal('SIGTERM')
    t.strictSame(await npm.exited, { code: 0, signal: null })
    await untilClosed(port)
  }
})

/** What is left is what the npm package holds. */
function removeSources (folder: string): void {
  for (const name of ['src', 'tsconfig.json', 'tsconfig.build.json']) rmSync(join(folder, name), { recursive: true })
  for (const name of readdirSync(join(folder, 'schemas'), { recursive: true, encoding: 'utf8' })) if (name.endsWith('.ts')) rmSync(join(folder, 'schemas', name))
}

async function call (port: number, tool: string, args: object): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/tools/${tool}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) })
  return await response.json()
}
