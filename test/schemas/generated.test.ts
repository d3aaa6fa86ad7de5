import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { byteSizePattern } from '../../schemas/primitives.ts'
import { Config } from '../../schemas/config/index.ts'
import { byteSizeText } from '../../src/config/scalar-text.ts'
import { unavailableSections } from '../../src/config/unavailable.ts'
import { environmentTable } from '../../src/config/environment-table.ts'
import { fullConfig } from '../helpers/full-config.ts'
import { plainEnvironment } from '../helpers/plain-environment.ts'

const root = join(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')

t.test('the generated files are those that the schemas make', async (t) => {
  const run = spawnSync(process.execPath, ['--import=tsx', 'scripts/generate.ts', '--check'], { cwd: root, env: plainEnvironment(), encoding: 'utf8' })
  t.strictSame({ code: run.status, output: run.stdout + run.stderr }, { code: 0, output: '' })
})

t.test('the published schema is plain JSON Schema that accepts a full configuration and an empty one', async (t) => {
  const schema = JSON.parse(read('schemas/config.schema.json')) as Record<string, unknown>
  t.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema')
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true })
  ajv.addVocabulary(['unit', 'reloadable'])
  const accepts = ajv.compile(schema)
  t.ok(accepts(fullConfig()), JSON.stringify(accepts.errors))
  t.ok(accepts({}))
  t.notOk(accepts({ tolls: [] }))
})

interface Node { $id?: string, type?: unknown, description?: string, default?: unknown, properties?: Record<string, Node>, items?: Node, patternProperties?: Record<string, Node>, oneOf?: Node[], unit?: string, minimum?: number, enum?: unknown, const?: unknown }

/** Every key that the configuration itself has; what MCP brings (icons, annotations, content) is described there. */
function keysOf (node: Node, path: string): { path: string, node: Node }[] {
  if (/(\.(icons|annotations|_meta|messages)|Schema)$/.test(path)) return []
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [{ path: `${path}.${key}`, node: child }, ...keysOf(child, `${path}.${key}`)])
  const inner = [node.items, ...Object.values(node.patternProperties ?? {}), ...(node.oneOf ?? [])].flatMap((child) => child === undefined ? [] : keysOf(child, `${path}[]`))
  return [...own, ...inner]
}

t.test('every key has a description, and every number a range', async (t) => {
  const keys = keysOf(Config as unknown as Node, '$').filter(({ node }) => node.const === undefined)
  t.ok(keys.length > 150, `${keys.length} keys`)
  t.strictSame(keys.filter(({ node }) => (node.description ?? '').length < 5).map(({ path }) => path), [])
  t.strictSame(keys.filter(({ node }) => (node.type === 'integer' || node.type === 'number') && node.minimum === undefined).map(({ path }) => path), [])
  t.strictSame(keys.filter(({ path, node }) => /(Timeout|timeout|window|Delay)$/.test(path) && node.type === 'integer' && node.unit !== 'ms').map(({ path }) => path), [])
})

t.test('the reference page names every key, variable and refused section', async (t) => {
  const page = read('docs/configuration.md')
  for (const { path } of keysOf(Config as unknown as Node, '$')) t.ok(page.includes(`\`${path.split('.').at(-1)?.replace('[]', '')}\``), path)
  for (const { variable } of environmentTable) t.ok(page.includes(`| \`${variable}\` |`), variable)
  for (const { path } of unavailableSections.filter(({ path }) => path.at(-1) !== 'handler')) t.ok(page.includes(`\`${path.filter((step) => step !== '*').join('.')}\``), path.join('.'))
  t.match(page, /exit code 78/)
})

t.test('byte sizes are read as they are described', async (t) => {
  for (const text of ['10mb', '1.5 GB', '0b', '10 megs', 'mb', '1', '1  kb', '-1kb', '1kB']) t.equal(byteSizeText.test(text), new RegExp(byteSizePattern, 'u').test(text), text)
})
