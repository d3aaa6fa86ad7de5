import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { unavailableSections } from '../src/config/unavailable.ts'
import { revisions } from '../src/core/versions.ts'
import { commandLine, freePort, root, run, start } from './helpers/server.ts'
import { ExampleShell, fencedBlocks, shellExamples } from './helpers/shell-example.ts'

const page = readFileSync(join(root, 'README.md'), 'utf8')
const consoles = fencedBlocks(page, 'console')
const [tenLines = ''] = fencedBlocks(page, 'yaml')
const [program = ''] = fencedBlocks(page, 'js')

t.test('every command under "Try it" prints what the page says', async (t) => {
  const { origin } = await start(t, { file: 'config/example.json', env: { PORT: String(await freePort()) } })
  const blocks = consoles.slice(0, -1)
  t.equal(blocks.length, 3)
  for (const block of blocks) await runExamples(t, block, origin)
})

t.test('the server of ten lines has no more than ten, and answers as the page says', async (t) => {
  t.ok(tenLines.trimEnd().split('\n').length <= 10)
  const cwd = t.testdir({ 'gantry.yaml': tenLines })
  const { origin } = await start(t, { file: 'gantry.yaml', cwd, start: [commandLine, 'start'] })
  await runExamples(t, consoles.at(-1) ?? '', origin)
})

t.test('the program on the page runs as it stands, and answers in the same way', async (t) => {
  const port = await freePort()
  const cwd = t.testdir({ 'server.mjs': `${program.replaceAll('3001', String(port))}console.log('listening')\n` })
  await run(t, ['server.mjs'], { cwd }).line(/^listening$/)
  await runExamples(t, consoles.at(-1) ?? '', `http://127.0.0.1:${port}`)
})

t.test('the settings for hosts start a server', async (t) => {
  const [settings = ''] = fencedBlocks(page, 'json')
  const { mcpServers: { example } } = JSON.parse(settings) as { mcpServers: { example: { command: string, args: string[] } } }
  const server = run(t, example.args, { command: example.command })
  server.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
  t.equal(await server.line(/"id":1/), '{"jsonrpc":"2.0","id":1,"result":{}}')
})

t.test('the commands at the top are scripts of the package', async (t) => {
  const { scripts, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string>, engines: { node: string } }
  t.match(fencedBlocks(page, 'sh'), ['npm ci && npm start\n', 'npm cit\n'])
  t.match(scripts, { start: /config\/example\.json$/, test: String })
  t.match(page, `Node ${engines.node.replace('>=', '').replace(/\.0$/, '')} or later`)
})

t.test('the page names every protocol revision, and every part of the format that is refused', async (t) => {
  for (const revision of revisions) t.match(page, revision)
  const notYet = /^### Not yet\n(?<text>[^]*?)^## /m.exec(page)?.groups?.['text'] ?? ''
  const listed = [...notYet.matchAll(/^- .*$/gm)].flatMap(([line]) => [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
  const refused = unavailableSections.map(({ path }) => path.at(-1) === 'handler' ? 'sql' : path.includes('*') ? path.at(-1) ?? '' : path.join('.'))
  t.strictSame([...new Set(listed)].sort(), [...new Set(refused)].sort())
})

t.test('every file that the page links to is there', async (t) => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = '']) => target)
  t.ok(links.length > 5)
  for (const link of links) t.ok(existsSync(join(root, link)), link)
})

async function runExamples (t: Test, block: string, origin: string): Promise<void> {
  const shell = new ExampleShell()
  for (const { command, output } of shellExamples(block)) {
    t.equal((await shell.run(command.replaceAll('http://127.0.0.1:3001', origin))).trimEnd(), output ?? '', command)
  }
}
