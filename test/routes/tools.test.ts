import { Type } from '@sinclair/typebox'
import t from 'tap'
import { buildToolEntry } from '../../src/tools/tool-entry.ts'
import { defineTool } from '../../src/tools/define-tool.ts'
import { build, modern, rest, textOf } from '../helpers/build.ts'
import { turn } from '../helpers/waiting.ts'

const problem = 'application/problem+json; charset=utf-8'
const json = { 'content-type': 'application/json' }

t.test('a tool is a route: the body is its arguments, the answer its result', async (t) => {
  const app = await build(t, {}, { tools: { echo: (args) => args, text: () => 'hello', later: async () => { await turn(); return [1] } } })
  const { status, headers, body } = await rest(app, 'echo', { a: 1 })
  t.strictSame([status, headers['content-type'], body], [200, 'application/json; charset=utf-8', { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } }])
  t.strictSame((await rest(app, 'text', {})).body, { content: [{ type: 'text', text: 'hello' }] })
  t.strictSame((await rest(app, 'later')).body, { content: [{ type: 'text', text: '[1]' }] })
  t.strictSame((await rest(app, 'echo')).body['structuredContent'], {}, 'no body is no arguments')
  t.equal((await rest(app, 'echo?a=1', { b: 2 })).body['structuredContent'] !== undefined, true, 'the query says nothing')
})

t.test('each failure is a problem document with its permanent code', async (t) => {
  const inputSchema = { type: 'object', properties: { a: { type: 'integer' }, deep: { type: 'object', properties: { b: { enum: ['x'] } } } }, required: ['a'], additionalProperties: false }
  const app = await build(t, { tools: [{ name: 'strict', inputSchema }, { name: 'slow', inputSchema: { type: 'object' }, timeout: 10 }, { name: 'misfit', inputSchema: { type: 'object' }, outputSchema: { type: 'object', required: ['a'] } }] }, {
    tools: { strict: () => 1, slow: () => new Promise(() => {}), misfit: () => ({}), fail: () => { throw new Error('out of paper') }, reported: () => ({ content: [{ type: 'text', text: 'sold' }, { type: 'text', text: 'out' }], isError: true }), wordless: () => ({ content: [], isError: true }) }
  })
  const rows: [name: string, args: unknown, status: number, code: string, detail: RegExp][] = [
    ['missing', {}, 404, 'MCP_TOOL_UNKNOWN', /^Unknown tool: missing$/],
    ['strict', {}, 400, 'MCP_ARGUMENTS_INVALID', /\/a: is required/],
    ['strict', [], 400, 'MCP_INVALID_REQUEST', /must be a JSON object/],
    ['strict', null, 400, 'MCP_INVALID_REQUEST|MCP_ARGUMENTS_INVALID', /./],
    ['strict', 5, 400, 'MCP_INVALID_REQUEST', /must be a JSON object/],
    ['strict', 'a=1', 400, 'MCP_INVALID_REQUEST', /must be a JSON object/],
    ['slow', {}, 504, 'MCP_TOOL_TIMEOUT', /slow did not finish within 10 ms/],
    ['misfit', {}, 500, 'MCP_TOOL_OUTPUT_INVALID', /\/a: is required/],
    ['fail', {}, 500, 'MCP_TOOL_FAILED', /^out of paper$/],
    ['reported', {}, 422, 'MCP_TOOL_REPORTED', /^sold\nout$/],
    ['wordless', {}, 422, 'MCP_TOOL_REPORTED', /wordless reported a failure/]
  ]
  for (const [name, args, status, code, detail] of rows) {
    const answer = await rest(app, name, args)
    t.equal(answer.status, status, `${name} ${JSON.stringify(args)}`)
    t.equal(answer.headers['content-type'], problem)
    t.match(answer.body, { status, code: new RegExp(`^(${code})$`), detail, title: String })
    t.notMatch(answer.text, /\.ts|stack/)
  }
  t.strictSame((await rest(app, 'strict', { a: 'x', deep: { b: 'y' }, c: 1 })).body['errors'], [
    { path: '/c', message: 'is not a known property' }, { path: '/a', message: 'must be integer, but is a string' }, { path: '/deep/b', message: 'must be one of "x"' }
  ])
})

t.test('names that Object.prototype has, and odd but lawful ones, are names like any other', async (t) => {
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', '...', '-', '_', 'a.b-c_d', '0', 'x'.repeat(64)]
  const app = await build(t, { tools: names.map((name) => ({ name, inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'own' } })) }, { handlers: { own: (_args, { metadata }) => metadata.toolName } })
  for (const name of names) {
    t.match(await rest(app, name), { status: 200, body: { content: [{ text: name }] } }, name)
    t.equal(textOf(await modern(app, 'tools/call', { name })), name)
  }
  const without = await build(t, {}, { tools: { echo: () => 1 } })
  for (const name of names) t.match(await rest(without, encodeURIComponent(name)), { status: 404, headers: { 'content-type': problem } }, name)
})

t.test('the list names every tool with its schemas', async (t) => {
  const tool = { name: 'add', description: 'Adds.', inputSchema: { type: 'object', properties: { a: { type: 'number' } } }, outputSchema: { type: 'number' } }
  const app = await build(t, { tools: [tool] }, { tools: { add: () => 1 } })
  const { statusCode, headers, body } = await app.inject({ url: '/tools' })
  t.strictSame([statusCode, headers['content-type']], [200, 'application/json; charset=utf-8'])
  t.strictSame(JSON.parse(body), { tools: [tool] })
})

t.test('a tool that comes later is served, and listed, at once; one that goes is gone', async (t) => {
  const app = await build(t, {}, { tools: { first: () => 'first' } })
  const list = async (): Promise<unknown> => (JSON.parse((await app.inject({ url: '/tools' })).body) as { tools: { name: string }[] }).tools.map(({ name }) => name)
  t.strictSame(await list(), ['first'])
  const { pipeline, tools } = app.core
  tools.add('later', buildToolEntry({ description: { name: 'later', inputSchema: { type: 'object' } }, handler: () => 'later', timeoutMs: 1_000 }, pipeline))
  t.strictSame(await list(), ['first', 'later'])
  t.match(await rest(app, 'later'), { status: 200, body: { content: [{ text: 'later' }] } })
  tools.replaceAll([...tools.list].filter(({ description }) => description.name === 'later').map((entry) => [entry.description.name, entry]))
  t.match(await rest(app, 'first'), { status: 404, body: { code: 'MCP_TOOL_UNKNOWN' } })
  t.strictSame(await list(), ['later'])
})

t.test('a tool defined in code is a tool like any other, and its types are held', async (t) => {
  const add = defineTool({
    name: 'add', description: 'Adds.', input: Type.Object({ a: Type.Number(), b: Type.Number({ default: 2 }) }, { additionalProperties: false }), output: Type.Object({ sum: Type.Number() }), handler: ({ a, b }) => ({ sum: a + b })
  })
  const app = await build(t, {}, { definedTools: [add] })
  t.strictSame((await rest(app, 'add', { a: 1 })).body, { content: [{ type: 'text', text: '{"sum":3}' }], structuredContent: { sum: 3 } })
  t.match(await rest(app, 'add', { a: '1' }), { status: 400, body: { code: 'MCP_ARGUMENTS_INVALID' } })
  t.strictSame((await modern(app, 'tools/list')).message.result?.['tools'], [{
    name: 'add',
    description: 'Adds.',
    inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number', default: 2 } }, required: ['a', 'b'], additionalProperties: false },
    outputSchema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] }
  }])
})

t.test('a tool in code may not take the name of another, nor a name that no tool may have', async (t) => {
  const named = (name: string) => defineTool({ name, input: Type.Object({}), handler: () => name })
  await t.rejects(build(t, { tools: [{ name: 'add' }] }, { tools: { add: () => 1 }, definedTools: [named('add')] }), { message: /Two tools are called "add"/ })
  await t.rejects(build(t, {}, { definedTools: [named('add'), named('add')] }), { message: /add/ })
  for (const name of ['', 'a b', 'a/b', ':name', '*', 'x'.repeat(65), 'grüße', '../x', 'a\n']) t.throws(() => named(name), { name: 'TypeError', message: /name of a tool/ }, name)
  t.throws(() => defineTool({ name: 'text', input: Type.String(), handler: () => 1 }), { message: /input must be an object/ })
})

t.test('arguments and answers do not mix between a hundred callers', async (t) => {
  const app = await build(t, {}, { tools: { echo: async ({ n }) => { await turn(); return { n } } } })
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => rest(app, 'echo', { n })))
  t.strictSame(answers.map(({ body }) => body['structuredContent']), answers.map((_, n) => ({ n })))
})

t.test('nobody is told of progress or logs, and the signal is there', async (t) => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const app = await build(t, {}, { tools: { work: (_args, context) => { context.progress(1); context.log('emergency', 'x'); return [context.signal.aborted, context.sessionId ?? null, context.principal.name, context.traceparent ?? null] } } })
  t.strictSame((await rest(app, 'work', {}, { headers: { ...json, traceparent } })).body, { content: [{ type: 'text', text: `[false,null,"anonymous","${traceparent}"]` }] })
})

t.test('health is told to anyone, and never kept', async (t) => {
  const app = await build(t)
  const { statusCode, headers, body } = await app.inject({ url: '/health' })
  t.strictSame([statusCode, headers['cache-control']], [200, 'no-store'])
  t.match(JSON.parse(body), { status: 'healthy', timestamp: /^\d{4}-\d\d-\d\dT/, uptime: Number })
})
