import { join } from 'node:path'
import t from 'tap'
import { gantry } from '../../helpers/command-line.ts'

const sound = {
  name: 'shop',
  version: '2.1.0',
  tools: [
    { name: 'price', handler: { type: 'file', path: 'price.mjs' } },
    { name: 'stock', handler: { type: 'file', path: 'price.mjs' } },
    { name: 'now', handler: { type: 'registry', name: 'gantry.time' } }
  ],
  prompts: [{ name: 'sell', template: 'Sell it.' }],
  resources: [
    { uri: 'shop://hours', name: 'hours', content: '9 to 5' },
    { uriTemplate: 'shop://items/{id}', name: 'item', content: '{{id}}' }
  ]
}
const faulty = `name: shop
tools:
  - name: price
    handlr:
      type: file
      path: price.mjs
  - name: stock
    handler:
      type: file
      path: nowhere.mjs
cluster:
  workers: 2
`
const handler = 'export default () => 1\n'

t.test('a sound file is reported with what it holds, and exit code 0', async (t) => {
  const cwd = t.testdir({ 'gantry.json': JSON.stringify(sound), 'price.mjs': handler })
  t.same(await gantry(t, ['validate'], { cwd }), {
    code: 0,
    stdout: 'gantry.json is sound.\n  tools      3 (2 file, 1 registry)\n  prompts    1\n  resources  1 and 1 template\n',
    stderr: ''
  })
})

t.test('--json reports a sound file as one document', async (t) => {
  const cwd = t.testdir({ 'gantry.json': JSON.stringify(sound), 'price.mjs': handler })
  const { code, stdout, stderr } = await gantry(t, ['validate', 'gantry.json', '--json'], { cwd })
  t.equal(code, 0)
  t.equal(stderr, '')
  t.strictSame(JSON.parse(stdout), {
    file: join(cwd, 'gantry.json'),
    valid: true,
    faults: [],
    notices: [],
    summary: { name: 'shop', version: '2.1.0', tools: { total: 3, byHandler: { file: 2, registry: 1 } }, prompts: 1, resources: 1, resourceTemplates: 1 }
  })
})

t.test('every fault is named with its place, those that only loading a handler shows too, and exit code 78', async (t) => {
  const cwd = t.testdir({ 'shop.yaml': faulty, 'price.mjs': handler })
  const { code, stdout, stderr } = await gantry(t, ['validate', 'shop.yaml'], { cwd })
  t.equal(code, 78)
  t.equal(stderr, '')
  t.match(stdout, /^shop\.yaml:4:5 {2}\$\.tools\[0\]\.handlr\n {2}.*\n {2}Did you mean "handler"\?$/m)
  t.match(stdout, /^shop\.yaml:\d+:\d+ {2}\$\.tools\[1\]\.handler\.path\n {2}There is no file "nowhere\.mjs"/m)
  t.match(stdout, /^shop\.yaml:11:1 {2}\$\.cluster\n {2}"cluster" is not available in this version/m)
  t.match(stdout, /\n\n\d faults in shop\.yaml\. It would not be served\.\n$/)
})

t.test('--json reports the faults of a file as one document', async (t) => {
  const cwd = t.testdir({ 'shop.yaml': faulty, 'price.mjs': handler })
  const { code, stdout, stderr } = await gantry(t, ['validate', '--json', 'shop.yaml'], { cwd })
  const report = JSON.parse(stdout) as { faults: object[] }
  t.equal(code, 78)
  t.equal(stderr, '')
  t.match(report, { file: join(cwd, 'shop.yaml'), valid: false, summary: null })
  t.ok(report.faults.length >= 3)
  t.match(report.faults.find((fault) => 'path' in fault && fault.path === '$.tools[0].handlr'), { keys: ['tools', 0, 'handlr'], line: 4, column: 5, message: String })
})

t.test('what is worth knowing is noted beside the verdict', async (t) => {
  const cwd = t.testdir({ 'gantry.yaml': 'name: shop\n' })
  const env = { NODE_ENV: 'prod' }
  t.match(await gantry(t, ['validate'], { cwd, env }), { code: 0, stdout: /^gantry\.yaml is sound\.\n[^]*note: NODE_ENV is "prod", .* Did you mean "production"\?\n$/ })
  const { stdout } = await gantry(t, ['validate', '--json'], { cwd, env })
  t.match(JSON.parse(stdout), { notices: [/NODE_ENV is "prod"/] })
})

t.test('a file that is not there, or none at all, is a fault that says what to do', async (t) => {
  const cwd = t.testdir()
  t.match(await gantry(t, ['validate', 'gone.json'], { cwd }), { code: 78, stdout: /^gone\.json\n {2}There is no such file\./ })
  t.match(await gantry(t, ['validate'], { cwd }), { code: 78, stdout: /^configuration\n {2}No configuration file: .*\n {2}.*"gantry init"/ })
  const { stdout } = await gantry(t, ['validate', '--json'], { cwd })
  t.match(JSON.parse(stdout), { valid: false, faults: [{ path: '$' }] })
})

t.test('the report stays clean of what a handler prints, and does not wait for what it leaves running', async (t) => {
  const noisy = 'console.log("loaded"); setInterval(() => {}, 1000); export default () => 1\n'
  const cwd = t.testdir({ 'gantry.json': JSON.stringify(sound), 'price.mjs': noisy })
  const { code, stdout, stderr } = await gantry(t, ['validate', '--json'], { cwd })
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { valid: true })
  t.equal(stderr, 'loaded\n')
})
