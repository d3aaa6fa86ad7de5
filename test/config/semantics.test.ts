import t from 'tap'
import { loadText, loadValue, pathsOf, soundTool } from '../helpers/load-text.ts'

const prompt = (name: string, more: object = { template: 'x' }) => ({ name, ...more })
const resource = (more: object) => ({ name: 'r', content: 'x', ...more })

t.test('two entries of one name are a fault that names both lines', async (t) => {
  const { faults } = await loadText(t, '{ "tools": [\n{ "name": "a", "handler": { "type": "registry", "name": "f" } },\n{ "name": "b", "handler": { "type": "registry", "name": "f" } },\n{ "name": "a", "handler": { "type": "registry", "name": "f" } }\n] }')
  t.match(faults, [{ path: ['tools', 2, 'name'], line: 4, column: 11, message: 'Two tools have the name "a": the other is $.tools[0].name on line 2.' }])
  t.equal(faults.length, 1)
})

t.test('in YAML just so, and for prompts, resources and templates', async (t) => {
  const text = 'prompts:\n  - { name: p, template: x }\n  - { name: p, template: x }\nresources:\n  - { uri: "a:b", name: n, content: x }\n  - { uri: "a:b", name: n, content: x }\n  - { uriTemplate: "a:{b}", name: n, content: x }\n  - { uriTemplate: "a:{b}", name: n, content: x }\n'
  const { faults } = await loadText(t, text, { name: 'c.yml' })
  t.match(faults.map(({ line, message }) => [line, message]), [
    [3, /Two prompts have the name "p": the other is \$\.prompts\[0\]\.name on line 2/],
    [6, /Two resources have the uri "a:b": .* on line 5/],
    [8, /Two resources have the uriTemplate "a:\{b\}": .* on line 7/]
  ])
})

t.test('a prompt and a tool may share a name', async (t) => {
  t.strictSame((await loadValue(t, { tools: [soundTool('a')], prompts: [prompt('a')] })).faults, [])
})

t.test('a prompt text that uses what is not declared is a fault', async (t) => {
  const { faults } = await loadValue(t, {
    prompts: [
      prompt('one', { arguments: [{ name: 'name' }], template: 'Hi {{nmae}} and {{ name }}' }),
      prompt('two', { messages: [{ role: 'user', content: 'x {{a}}' }, { role: 'user', content: { type: 'text', text: '{{b}}' } }, { role: 'user', content: { type: 'resource', resource: { uri: 'a:b', text: '{{c}}' } } }] })
    ]
  })
  t.match(faults, [
    { path: ['prompts', 0, 'template'], message: 'The text uses {{nmae}}, and this prompt has no argument "nmae".', suggestion: 'Did you mean "name"?', expected: 'one of "name"' },
    { path: ['prompts', 1, 'messages', 0, 'content'], suggestion: 'Add { "name": "a" } to "arguments".' },
    { path: ['prompts', 1, 'messages', 1, 'content', 'text'] },
    { path: ['prompts', 1, 'messages', 2, 'content', 'resource', 'text'] }
  ])
  t.equal(faults.length, 4)
})

t.test('an argument that no text uses is fine, and so are braces that hold no name', async (t) => {
  const { faults } = await loadValue(t, { prompts: [prompt('p', { arguments: [{ name: 'unused', required: true }], template: '{{#if x}} {{}} {x} {{ }} {{a b}}' })] })
  t.strictSame(faults, [])
})

t.test('arguments of one name, and completions that the enum does not allow, are faults', async (t) => {
  const { faults } = await loadValue(t, { prompts: [prompt('p', { template: 'x', arguments: [{ name: 'a' }, { name: 'a' }, { name: 'b', enum: ['x', 'y'], complete: ['x', 'z'] }] })] })
  t.strictSame(pathsOf(faults), ['$.prompts[0].arguments[1].name', '$.prompts[0].arguments[2].complete[1]'])
})

t.test('a text message becomes a text block', async (t) => {
  const { config } = await loadValue(t, { prompts: [prompt('p', { messages: [{ role: 'user', content: 'hi' }] })] })
  t.strictSame(config?.prompts[0]?.messages, [{ role: 'user', content: { type: 'text', text: 'hi' } }])
})

t.test('the size of a template, completion of a plain resource and broken base64 are faults', async (t) => {
  const { faults } = await loadValue(t, {
    resources: [
      resource({ uriTemplate: 'a:{b}', size: 3 }),
      resource({ uri: 'a:b', complete: { b: ['x'] } }),
      { name: 'r', uri: 'a:c', blob: 'abc' }, { name: 'r', uri: 'a:d', blob: 'ab=c' }, { name: 'r', uri: 'a:e', blob: 'ab-_' }, { name: 'r', uri: 'a:f', blob: 'ab==' }, { name: 'r', uri: 'a:g', blob: '' }
    ]
  })
  t.strictSame(pathsOf(faults), ['$.resources[0].size', '$.resources[1].complete', '$.resources[2].blob', '$.resources[3].blob', '$.resources[4].blob'])
})

t.test('limits, cache rules and databases that name nothing are faults with a suggestion', async (t) => {
  const { faults } = await loadValue(t, {
    tools: [soundTool('report'), { name: 'q', handler: { type: 'sql', database: 'mian', query: 'x' } }],
    security: { rateLimit: { enabled: false, perTool: { reprot: { window: 1, maxRequests: 1 }, report: { window: 1, maxRequests: 1 } } } },
    caching: { enabled: false, tools: { reports: { ttl: 1 } } },
    databases: { main: {} }
  })
  const found = faults.filter(({ message }) => message.startsWith('There is no'))
  t.match(found, [
    { path: ['security', 'rateLimit', 'perTool', 'reprot'], message: 'There is no tool "reprot".', suggestion: 'Did you mean "report"?' },
    { path: ['caching', 'tools', 'reports'], suggestion: 'Did you mean "report"?' },
    { path: ['tools', 1, 'handler', 'database'], message: 'There is no database "mian" under "databases".', suggestion: 'Did you mean "main"?' }
  ])
  t.equal(found.length, 3)
})

t.test('the older flat form of the rate limit stands whole and alone', async (t) => {
  const load = async (rateLimit: object) => (await loadValue(t, { security: { rateLimit: { enabled: false, ...rateLimit } } }))
  t.match(await load({ window: 1000, maxRequests: 5 }), { faults: [], config: { security: { rateLimit: { enabled: false, global: { window: 1000, maxRequests: 5 } } } } })
  const { config } = await load({ window: 1000, maxRequests: 5 })
  t.strictSame(Object.keys(config?.security.rateLimit ?? {}).filter((key) => ['window', 'maxRequests'].includes(key)), [])
  t.match((await load({ window: 1000 })).faults, [{ message: '"window" and "maxRequests" are needed together.' }])
  t.match((await load({ maxRequests: 1000, global: { window: 1, maxRequests: 1 } })).faults, [{ path: ['security', 'rateLimit', 'maxRequests'], message: /is there too/ }])
})

t.test('characters that nobody sees are reported with their code points, wherever models read', async (t) => {
  const { faults } = await loadValue(t, {
    instructions: 'a\u2066b',
    tools: [soundTool('a', { title: 'x\u200By', description: 'safe\u202Egnp', inputSchema: { type: 'object', properties: { p: { description: 'tag \u{E0041}\u{E0042}' }, 'k\u2060ey': {} } }, annotations: { title: '\uFEFFx' } })],
    prompts: [prompt('p\u0007')],
    resources: [resource({ uri: 'a:b', title: '\u2800' })]
  })
  t.strictSame(faults.map(({ path, found }) => [path.join('.'), found]), [
    ['instructions', 'U+2066'],
    ['tools.0.title', 'U+200B'],
    ['tools.0.description', 'U+202E'],
    ['tools.0.inputSchema.properties.p.description', 'U+E0041, U+E0042'],
    ['tools.0.inputSchema.properties.k\u2060ey', 'U+2060'],
    ['tools.0.annotations.title', 'U+FEFF'],
    ['prompts.0.name', 'U+0007'],
    ['resources.0.title', 'U+2800']
  ])
  t.match(faults[1]?.message, /position 2/)
})

t.test('line breaks, emoji, Arabic and Hindi are ordinary text', async (t) => {
  const texts = ['one\n\ttwo\r\nthree', 'family \u{1F468}\u200D\u{1F469}\u200D\u{1F467} heart \u2764\uFE0F key 1\uFE0F\u20E3', 'می\u200Cخواهم', 'क्\u200Dष', 'naïve “quotes” — ok']
  const { faults } = await loadValue(t, { tools: texts.map((description, index) => soundTool(`t-${index}-x`, { description })) })
  t.strictSame(faults, [])
})

t.test('patterns of schemas may hold control characters: nobody reads them', async (t) => {
  const { faults } = await loadValue(t, { tools: [soundTool('a', { inputSchema: { type: 'object', properties: { p: { type: 'string', pattern: '^[^\u0000-\u001F]*$' } } } })] })
  t.strictSame(faults, [])
})

t.test('tools that look alike are noticed', async (t) => {
  const { config, notices } = await loadValue(t, { tools: ['pay_bill', 'pay-bill', 'Pay.Bi11', 'other'].map((name) => soundTool(name)) })
  t.ok(config)
  t.match(notices.map(({ message }) => message), [/"pay_bill" and "pay-bill" look alike/, /"pay_bill" and "Pay\.Bi11" look alike/])
})

t.test('MCP cannot be served where the tools are', async (t) => {
  for (const path of ['/tools', '/tools/', '/tools/mcp']) t.match((await loadValue(t, { server: { path } })).faults, [{ path: ['server', 'path'] }], path)
  for (const path of ['/', '/toolshed', '/api/mcp']) t.strictSame((await loadValue(t, { server: { path } })).faults, [], path)
})
