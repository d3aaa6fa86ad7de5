import t from 'tap'
import { describePrompt, describeResource, describeServer, describeTool, wrapsOutput } from '../../src/core/descriptions.ts'
import { compileCheck } from '../../src/core/validation.ts'
import { revisions, type Revision } from '../../src/core/versions.ts'
import { createWire } from '../../src/core/wire.ts'
import type { JsonObject, PromptDescription, ResourceDescription, ResourceTemplateDescription, ToolDescription } from '../../schemas/mcp.ts'

const wire = createWire({ name: 'test', version: '1' })
const common = { name: 'n', title: 't', description: 'd', icons: [{ src: 'data:,' }], _meta: { a: 1 } }
const described: ToolDescription = { ...common, inputSchema: { type: 'object' }, outputSchema: { type: 'object', properties: { a: {} } }, annotations: { readOnlyHint: true } }
const prompt: PromptDescription = { ...common, arguments: [{ name: 'a', title: 'A', description: 'd', required: true }] }
const facts = { ...common, mimeType: 'text/plain', annotations: { audience: ['user' as const], priority: 1, lastModified: '2025-01-01T00:00:00Z' } }
const resource: ResourceDescription = { ...facts, uri: 'a:b', size: 1 }
const template: ResourceTemplateDescription = { ...facts, uriTemplate: 'a:{b}' }

/** All members of a value, those of members too, as paths: lists show their first element. */
function members (value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return members(value[0], path)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => key === 'inputSchema' || key === '_meta' ? [path + key] : [path + key, ...members(inner, `${path}${key}.`)]).sort()
}

/** What each revision leaves out, as the schema of that revision has it. */
const unknown: readonly [what: string, describe: (revision: Revision) => object, whole: object, leftOut: Record<Revision, readonly string[]>][] = [
  ['a tool', (revision) => describeTool(described, revision), described, {
    '2024-11-05': ['_meta', 'annotations', 'annotations.readOnlyHint', 'icons', 'icons.src', 'outputSchema', 'outputSchema.properties', 'outputSchema.properties.a', 'outputSchema.type', 'title'],
    '2025-03-26': ['_meta', 'icons', 'icons.src', 'outputSchema', 'outputSchema.properties', 'outputSchema.properties.a', 'outputSchema.type', 'title'],
    '2025-06-18': ['icons', 'icons.src'],
    '2025-11-25': [],
    '2026-07-28': []
  }],
  ['a prompt', (revision) => describePrompt(prompt, revision), prompt, {
    '2024-11-05': ['_meta', 'arguments.title', 'icons', 'icons.src', 'title'],
    '2025-03-26': ['_meta', 'arguments.title', 'icons', 'icons.src', 'title'],
    '2025-06-18': ['icons', 'icons.src'],
    '2025-11-25': [],
    '2026-07-28': []
  }],
  ...([['a resource', resource], ['a template', template]] as const).map(([what, whole]): typeof unknown[number] => [what, (revision) => describeResource(whole, revision), whole, {
    '2024-11-05': ['_meta', 'annotations.lastModified', 'icons', 'icons.src', 'title'],
    '2025-03-26': ['_meta', 'annotations.lastModified', 'icons', 'icons.src', 'title'],
    '2025-06-18': ['icons', 'icons.src'],
    '2025-11-25': [],
    '2026-07-28': []
  }]),
  ['the server', (revision) => describeServer({ name: 'n', version: '1', title: 't', description: 'd' }, revision), { name: 'n', version: '1', title: 't', description: 'd' }, {
    '2024-11-05': ['description', 'title'],
    '2025-03-26': ['description', 'title'],
    '2025-06-18': ['description'],
    '2025-11-25': [],
    '2026-07-28': []
  }]
]

for (const [what, describe, whole, leftOut] of unknown) {
  t.test(`${what} is described with what each revision knows`, async (t) => {
    const before = structuredClone(whole)
    for (const revision of revisions) {
      const known = members(describe(revision))
      t.strictSame(members(whole).filter((path) => !known.includes(path)), leftOut[revision], revision)
      t.strictSame(known.filter((path) => !members(whole).includes(path)), [], `${revision} adds nothing`)
    }
    t.strictSame(describe('2026-07-28'), whole)
    t.strictSame(whole, before, 'and what went in is not changed')
  })
}

t.test('what has nothing new is described in full to everybody', async (t) => {
  const plain = { name: 'n', description: 'd', inputSchema: { type: 'object' } }
  for (const revision of revisions) {
    t.strictSame(describeTool(plain, revision), plain)
    t.strictSame(describePrompt({ name: 'n' }, revision), { name: 'n' })
    t.strictSame(describeResource({ name: 'n', uri: 'a:b', annotations: { priority: 0.5 } }, revision), { name: 'n', uri: 'a:b', annotations: { priority: 0.5 } })
    t.strictSame(describeServer({ name: 'n', version: '1' }, revision), { name: 'n', version: '1' })
  }
})

const outputSchemas: Record<string, [schema: JsonObject, good: unknown, bad: unknown]> = {
  list: [{ type: 'array', items: { type: 'number' } }, [1], ['x']],
  text: [{ type: 'string' }, 'x', 5],
  union: [{ anyOf: [{ type: 'object' }, { type: 'null' }] }, null, 5],
  types: [{ type: ['object', 'null'] }, null, 5],
  anything: [{ minLength: 2 }, 'xx', 'x'],
  'with definitions': [{ type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'number' } } }, [1], ['x']],
  'with old definitions': [{ $schema: 'http://json-schema.org/draft-07/schema#', type: 'array', items: { $ref: '#/definitions/n' }, definitions: { n: { type: 'number' } } }, [1], ['x']],
  'a tree': [{ type: 'array', items: { $ref: '#' } }, [[], [[]]], [5]],
  'a tree in definitions': [{ $ref: '#/$defs/n', $defs: { n: { type: 'array', items: { $ref: '#' } } } }, [[], [[]]], [5]],
  'with a path': [{ type: 'array', prefixItems: [{ type: 'number' }], items: { $ref: '#/prefixItems/0' } }, [1, 2], [1, 'x']],
  'with an anchor': [{ type: 'array', items: { $ref: '#n' }, $defs: { n: { $anchor: 'n', type: 'number' } } }, [1], ['x']],
  'with an $id': [{ $id: 'https://example.com/list', type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'number' } } }, [1], ['x']],
  'that holds "$ref" as a value': [{ enum: [{ $ref: '#' }, 1] }, { $ref: '#' }, { $ref: '#/properties/result' }],
  'with a property called "default"': [{ type: ['object', 'null'], properties: { default: { $ref: '#' }, enum: { $ref: '#' } } }, { default: { enum: null } }, { default: 5 }],
  'with a property "$ref"': [{ type: ['object', 'null'], properties: { $ref: { const: '#' } } }, { $ref: '#' }, { $ref: 5 }]
}

t.test('an output schema of no object is wrapped for 2025, and means what it meant', async (t) => {
  for (const [what, [outputSchema, good, bad]] of Object.entries(outputSchemas)) {
    const description = { ...described, outputSchema }
    t.ok(wrapsOutput(description), what)
    for (const revision of ['2025-06-18', '2025-11-25'] as const) {
      const shown = describeTool(description, revision).outputSchema ?? {}
      t.equal(shown['type'], 'object', what)
      const check = compileCheck(shown, { defaults: false })
      const written = JSON.parse(wire.toolResult({ content: [], structuredContent: good }, revision, true, { owner: what, maxBytes: Infinity })) as JsonObject
      t.equal(check(written['structuredContent']), undefined, `${what}: good`)
      t.ok(check({ result: bad }), `${what}: bad`)
      t.ok(check({}), `${what}: absent`)
    }
    t.strictSame(describeTool(description, '2026-07-28').outputSchema, outputSchema)
  }
  t.notOk(wrapsOutput(described))
  t.notOk(wrapsOutput({ name: 'n', inputSchema: { type: 'object' } }))
})
