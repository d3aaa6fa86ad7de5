import t from 'tap'
import { build, legacyRevisions, modern, openSession, rest, type Answer, type JsonObject } from '../../helpers/build.ts'

const icons = [{ src: 'https://example.com/a.png' }]
const facts = { title: 'A', icons, _meta: { 'example.com/a': 1 } }
const config = {
  description: 'What it is for.',
  tools: [{ name: 'a', ...facts, annotations: { readOnlyHint: true }, outputSchema: { type: 'object' }, handler: { type: 'registry', name: 'gantry.echo' } }],
  prompts: [{ name: 'a', ...facts, arguments: [{ name: 'b', title: 'B' }], template: '{{b}}' }],
  resources: [
    { name: 'a', ...facts, uri: 'a://b', size: 1, annotations: { priority: 1, lastModified: '2025-01-01T00:00:00Z' }, content: 'x' },
    { name: 'a', ...facts, uriTemplate: 'a://{b}', annotations: { priority: 1, lastModified: '2025-01-01T00:00:00Z' }, content: 'x' }
  ]
}
const lists = { tools: 'tools/list', prompts: 'prompts/list', resources: 'resources/list', resourceTemplates: 'resources/templates/list' } as const

/** The keys of the first entry of each list. */
async function listed (ask: (method: string) => Promise<Answer>): Promise<Record<string, string>> {
  const shown = await Promise.all(Object.entries(lists).map(async ([key, method]) => {
    const [entry = {}] = (await ask(method)).message.result?.[key] as JsonObject[]
    return [key, Object.keys(entry).sort().join(' ')] as const
  }))
  return Object.fromEntries(shown)
}

t.test('lists and introductions carry what the revision of the client knows, also when others asked before', async (t) => {
  const app = await build(t, config)
  const oldest = { prompts: 'arguments name', resources: 'annotations name size uri', resourceTemplates: 'annotations name uriTemplate' }
  const titled = { prompts: '_meta arguments name title', resources: '_meta annotations name size title uri', resourceTemplates: '_meta annotations name title uriTemplate' }
  const newest = {
    tools: '_meta annotations icons inputSchema name outputSchema title',
    prompts: '_meta arguments icons name title',
    resources: '_meta annotations icons name size title uri',
    resourceTemplates: '_meta annotations icons name title uriTemplate'
  }
  const expected = {
    '2024-11-05': { tools: 'inputSchema name', ...oldest },
    '2025-03-26': { tools: 'annotations inputSchema name', ...oldest },
    '2025-06-18': { tools: '_meta annotations inputSchema name outputSchema title', ...titled },
    '2025-11-25': newest
  }
  t.strictSame(await listed((method) => modern(app, method)), newest)
  for (const revision of legacyRevisions) {
    const { initialized, call } = await openSession(app, revision)
    t.strictSame(initialized.result?.['serverInfo'], { name: 'gantry', version: '1.0.0', ...(revision === '2025-11-25' && { description: 'What it is for.' }) }, revision)
    t.strictSame(await listed((method) => call(method)), expected[revision], revision)
  }
  t.strictSame(await listed((method) => modern(app, method)), newest)
  t.match((await modern(app, 'server/discover')).message.result, { _meta: { 'io.modelcontextprotocol/serverInfo': { description: 'What it is for.' } } })
})

t.test('what an old client is not told of a tool holds for its calls all the same', async (t) => {
  const app = await build(t, { tools: [{ ...config.tools[0], outputSchema: { type: 'object', required: ['b'] } }] })
  const { call } = await openSession(app, '2024-11-05')
  t.match((await call('tools/call', { name: 'a', arguments: {} })).message.result, { isError: true })
  t.equal((await rest(app, 'a', {})).status, 500)
})
