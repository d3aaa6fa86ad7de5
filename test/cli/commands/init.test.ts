import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { gantry } from '../../helpers/command-line.ts'
import { commandLine, start } from '../../helpers/server.ts'

const schemaPath = /^# yaml-language-server: \$schema=(.*)\n/

t.test('what init writes can be checked, started and called, as it says', async (t) => {
  const cwd = t.testdir()
  const init = await gantry(t, ['init', 'my-server'], { cwd, env: { npm_command: 'run-script' } })
  t.match(init, { code: 0, stderr: '' })
  t.match(init.stdout, /^Wrote my-server\/gantry\.yaml\nWrote my-server\/handlers\/hello\.mjs\n\nNext:\n {2}cd my-server\n {2}gantry start\n/)

  const directory = join(cwd, 'my-server')
  t.strictSame(await gantry(t, ['validate'], { cwd: directory }), {
    code: 0, stdout: 'gantry.yaml is sound.\n  tools      2 (1 file, 1 inline)\n  prompts    1\n  resources  1\n', stderr: ''
  })

  const { origin, stop } = await start(t, { file: 'gantry.yaml', cwd: directory, start: [commandLine, 'start'] })
  t.strictSame(await call(`${origin}/tools/hello`, { name: 'world' }), { content: [{ type: 'text', text: 'Hello, world!' }] })
  const { structuredContent } = await call(`${origin}/tools/roll-dice`, { dice: 3 }) as { structuredContent: { rolls: number[], sum: number } }
  t.equal(structuredContent.rolls.length, 3)
  t.equal(structuredContent.sum, structuredContent.rolls.reduce((sum, roll) => sum + roll, 0))
  t.strictSame(await stop(), { code: 0, signal: null })
})

t.test('the parts that are commented out are sound too, once their first "#" is gone', async (t) => {
  const cwd = t.testdir()
  await gantry(t, ['init'], { cwd })
  const file = join(cwd, 'gantry.yaml')
  // Prose has one space after its "#"; what can be switched on has none or more.
  const whole = readFileSync(file, 'utf8').replace(/^#(?=\S|\s\s)/gm, '')
  t.match(whole, /^ {2}- name: weather$/m)
  t.match(whole, /^server:$/m)
  writeFileSync(file, whole)
  t.match(await gantry(t, ['validate'], { cwd }), { code: 0, stdout: /3 \(1 file, 1 inline, 1 http\)[^]*1 and 1 template/ })
})

t.test('editors find the schema of this installation through the first line', async (t) => {
  const cwd = t.testdir()
  await gantry(t, ['init', 'a/b'], { cwd })
  const way = schemaPath.exec(readFileSync(join(cwd, 'a/b/gantry.yaml'), 'utf8'))?.[1] ?? ''
  t.match(way, /^\.{1,2}\//)
  t.match(JSON.parse(readFileSync(resolve(cwd, 'a/b', way), 'utf8')), { title: 'Gantry configuration' })
})

t.test('files that are there are left alone, and then nothing is written at all', async (t) => {
  const cwd = t.testdir({ handlers: { 'hello.mjs': 'mine' } })
  const { code, stdout, stderr } = await gantry(t, ['init'], { cwd })
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /^Nothing was written: handlers\/hello\.mjs is there already\. .*--force/)
  t.equal(readFileSync(join(cwd, 'handlers/hello.mjs'), 'utf8'), 'mine')
  t.notOk(existsSync(join(cwd, 'gantry.yaml')))
})

t.test('--force writes over what is there', async (t) => {
  const cwd = t.testdir({ 'gantry.yaml': 'mine', handlers: { 'hello.mjs': 'mine', 'other.mjs': 'mine' } })
  t.match(await gantry(t, ['init', '--force'], { cwd }), { code: 0, stderr: '' })
  t.match(readFileSync(join(cwd, 'gantry.yaml'), 'utf8'), 'name: my-server')
  t.match(readFileSync(join(cwd, 'handlers/hello.mjs'), 'utf8'), 'export default function hello')
  t.strictSame(readdirSync(join(cwd, 'handlers')), ['hello.mjs', 'other.mjs'])
})

t.test('a directory that cannot be made is told, with what had been written by then', async (t) => {
  const cwd = t.testdir({ taken: 'a file', 'half-taken': { handlers: 'a file' } })
  t.match(await gantry(t, ['init', 'taken'], { cwd }), { code: 1, stdout: '', stderr: /^The starter could not be written: .*taken/ })
  t.match(await gantry(t, ['init', 'half-taken'], { cwd }), { code: 1, stdout: '', stderr: /Written before that: half-taken\/gantry\.yaml\./ })
})

t.test('the next steps are words for a shell, and name npx where that was used', async (t) => {
  const cwd = t.testdir()
  const { stdout } = await gantry(t, ['init', "it's here"], { cwd, env: { npm_command: 'exec' } })
  t.match(stdout, "\n  cd 'it'\\''s here'\n  npx mcp-gantry start\n")
})

async function call (url: string, args: object): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) })
  return await response.json()
}
