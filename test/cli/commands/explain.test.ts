import t from 'tap'
import { gantry } from '../../helpers/command-line.ts'

const key = 'a-key-that-must-never-be-shown'
const file = JSON.stringify({
  tools: [{ name: 'echo', handler: { type: 'registry', name: 'gantry.echo' } }],
  security: { authentication: { apiKeys: [{ name: 'ci', key, permissions: ['tools:*'] }] } }
})

t.test('a configuration is explained for people and for programs, without its secrets', async (t) => {
  const cwd = t.testdir({ 'gantry.json': file })
  const people = await gantry(t, ['explain'], { cwd })
  t.equal(people.code, 0)
  t.match(people.stdout, /\$\.security\.authentication\.apiKeys = ci\n {6}the keys that are accepted\n {6}enforced by src\/auth\/api-keys\.ts, on mcp, rest, sse\n/)
  t.match(people.stdout, /The key "ci", active, on mcp, rest, sse:\n {2}permissions: tools:\*\n {2}limits: none\n {2}tools:\n {4}echo: list and call\n/)
  const programs = await gantry(t, ['explain', '--json', '--key=ci', '--tool', 'echo'], { cwd })
  t.match(JSON.parse(programs.stdout), { callers: [{ name: 'ci', tools: [{ name: 'echo', mayUse: true }] }] })
  t.notMatch(people.stdout + programs.stdout, key)
})

t.test('what cannot be explained is said with its exit code', async (t) => {
  const cwd = t.testdir({ 'gantry.json': file, 'bad.json': '{ "nam": "x" }' })
  t.match(await gantry(t, ['explain', 'bad.json'], { cwd }), { code: 78, stderr: /Unknown key "nam"/ })
  t.match(await gantry(t, ['explain', '--key', 'cj'], { cwd }), { code: 2, stderr: /There is no key "cj" in .*Did you mean "ci"\?/ })
  t.match(await gantry(t, ['explain', '--tool', 'nothing-like-it'], { cwd }), { code: 2, stderr: /There is no tool "nothing-like-it" in .*There is: echo\./ })
  t.match(await gantry(t, ['explain', '--key'], { cwd }), { code: 2, stderr: /--key needs a value: --key NAME/ })
  t.match(await gantry(t, ['explain', '--key', '--json'], { cwd }), { code: 2, stderr: /--key needs a value: --key NAME/ })
  t.match(await gantry(t, ['explain', '--key=ci', '--key=ci'], { cwd }), { code: 2, stderr: /--key is given twice/ })
})
