import { join } from 'node:path'
import t from 'tap'
import { Type } from '@sinclair/typebox'
import { defineTool } from '../src/tools/define-tool.ts'
import { validateConfig } from '../src/validate.ts'
import { build, modern, rest, textOf } from './helpers/build.ts'

t.test('a schema that could hold up the server is a fault of the file, with its line and column', async (t) => {
  const dir = t.testdir({
    'gantry.yaml': `
tools:
  - name: search
    inputSchema:
      type: object
      properties:
        text: { type: string, pattern: '^(\\w+\\s?)*$' }
    outputSchema:
      patternProperties:
        '^(a|a)*$': {}
    handler: { type: registry, name: gantry.echo }
  - name: branches
    inputSchema: { type: object, anyOf: [${Array.from({ length: 1001 }, () => '{}').join(', ')}] }
    handler: { type: registry, name: gantry.echo }
  - name: sound
    inputSchema: { type: object, properties: { id: { type: string, pattern: '^[a-z]+(-[a-z]+)*$' } } }
    handler: { type: registry, name: gantry.echo }
`
  })
  const { faults, config } = await validateConfig({ file: join(dir, 'gantry.yaml') })
  t.equal(config, undefined)
  t.match(faults, [
    { line: 7, column: 40, path: ['tools', 0, 'inputSchema', 'properties', 'text', 'pattern'], message: /could hold up the server: its time can double/ },
    { line: 10, path: ['tools', 0, 'outputSchema', 'patternProperties', '^(a|a)*$'], message: /double/ },
    { line: 13, path: ['tools', 1, 'inputSchema', 'anyOf'], message: /more than 1000 branches/ }
  ])
  t.equal(faults.length, 3)
})

t.test('so is that of a tool of a program', async (t) => {
  const tool = defineTool({ name: 'search', input: Type.Object({ text: Type.String({ pattern: '(a*)*$' }) }), handler: () => 1 })
  await t.rejects(build(t, {}, { definedTools: [tool] }), { message: /could hold up the server/ })
})

t.test('a hostile argument is refused in time at every door', async (t) => {
  const node = { type: 'object', anyOf: [{ properties: { x: { $ref: '#/$defs/node' } } }, { properties: { x: { $ref: '#/$defs/node' } } }] }
  const app = await build(t, { tools: [{ name: 'walk', inputSchema: { type: 'object', properties: { tree: { $ref: '#/$defs/node' } }, $defs: { node } } }] }, { tools: { walk: () => 'reached' } })
  let tree: object = { x: 5 }
  for (let level = 0; level < 40; level++) tree = { x: tree }
  const start = performance.now()
  t.match(await rest(app, 'walk', { tree }), { status: 400, body: { code: 'MCP_ARGUMENTS_INVALID', detail: /takes too long to be held against its schema/ } })
  t.match(textOf(await modern(app, 'tools/call', { name: 'walk', arguments: { tree } })), /takes too long/)
  t.ok(performance.now() - start < 5_000)
  t.equal(textOf(await modern(app, 'tools/call', { name: 'walk', arguments: { tree: { x: { x: {} } } } })), 'reached')
})
