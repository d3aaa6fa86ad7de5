import { request } from 'node:http'
import t from 'tap'
import { build, modern, modernHeaders, modernMessage, openSession, rest, type GantryApp, type JsonObject, type Test } from '../../helpers/build.ts'
import { listen } from '../../helpers/live.ts'

const inputSchema = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region', default: 'us' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' },
    where: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } },
    free: { type: 'string' }
  }
}

async function serve (t: Test): Promise<{ app: GantryApp, entered: () => number }> {
  let entered = 0
  const app = await build(t, { tools: [{ name: 'query', inputSchema }] }, { tools: { query: (args) => { entered++; return args } } })
  return { app, entered: () => entered }
}
const base64 = (value: string): string => `=?base64?${Buffer.from(value).toString('base64')}?=`

t.test('a call whose headers repeat its arguments is served, whatever case their names have', async (t) => {
  const { app } = await serve(t)
  const rows: [args: JsonObject, headers: Record<string, string>][] = [
    [{}, {}], [{ region: 'eu' }, { 'Mcp-Param-Region': 'eu' }], [{ region: 'eu' }, { 'MCP-PARAM-REGION': base64('eu') }], [{ region: 'Zürich' }, { 'mcp-param-region': base64('Zürich') }], [{ region: '' }, { 'mcp-param-region': '' }],
    [{ count: 42 }, { 'mcp-param-count': '42.0' }], [{ dry: false, where: { city: 'Oslo' } }, { 'mcp-param-dry-run': 'false', 'mcp-param-city': 'Oslo' }],
    [{ free: 'x' }, { 'mcp-param-free': 'y', 'mcp-param-unknown': '=?base64?!!!?=', 'mcp-param-': 'z' }]
  ]
  for (const [args, headers] of rows) {
    const { status, message } = await modern(app, 'tools/call', { name: 'query', arguments: args }, { headers })
    t.match([status, message.result?.structuredContent], [200, args], `${JSON.stringify(args)} ${JSON.stringify(headers)}`)
  }
})

t.test('any disagreement is 400 with -32020 under the id of the call, and the handler is not entered', async (t) => {
  const { app, entered } = await serve(t)
  const rows: [args: JsonObject, headers: Record<string, string>][] = [
    [{ region: 'eu' }, {}], [{ region: 'eu' }, { 'mcp-param-region': 'us' }], [{ region: 'eu' }, { 'mcp-param-region': 'EU' }], [{ region: 'eu' }, { 'mcp-param-region': '=?base64?ZXU?=' }], [{ region: 'eu' }, { 'mcp-param-region': '=?base64?Z!U=?=' }],
    [{ count: 42 }, { 'mcp-param-count': '41' }], [{ count: 42 }, { 'mcp-param-count': 'forty-two' }], [{ dry: true }, { 'mcp-param-dry-run': 'TRUE' }], [{ where: { city: 'Oslo' } }, {}],
    [{}, { 'mcp-param-region': 'eu' }], [{ region: null }, { 'mcp-param-region': 'null' }]
  ]
  for (const [args, headers] of rows) {
    const { status, message } = await modern(app, 'tools/call', { name: 'query', arguments: args }, { id: 'x', headers })
    t.match([status, message], [400, { id: 'x', error: { code: -32020 } }], `${JSON.stringify(args)} ${JSON.stringify(headers)}`)
  }
  t.equal(entered(), 0)
})

t.test('a header that is sent twice is no single value', async (t) => {
  const { app, entered } = await serve(t)
  const { port } = new URL(await listen(app))
  const params = { name: 'query', arguments: { region: 'eu' } }
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers: { ...modernHeaders('tools/call', params), 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-param-region': ['eu', 'us'] } }, (response) => { response.resume(); resolve(response.statusCode) })
    sent.once('error', reject)
    sent.end(JSON.stringify(modernMessage('tools/call', params)))
  })
  t.equal(status, 400)
  t.equal(entered(), 0)
})

t.test('the headers are checked before anything is asked or run, and also in later rounds', async (t) => {
  const app = await build(t, { tools: [{ name: 'query', inputSchema }] }, { tools: { query: async (_args, context) => await context.roots() } })
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { roots: {} } }
  const params = { name: 'query', arguments: { region: 'eu' } }
  const first = await modern(app, 'tools/call', params, { meta, headers: { 'mcp-param-region': 'eu' } })
  t.match(first.message.result, { resultType: 'input_required' })
  const round = { ...params, requestState: first.message.result?.['requestState'], inputResponses: { 'question-1': { roots: [] } } }
  t.match(await modern(app, 'tools/call', round, { meta, headers: { 'mcp-param-region': 'us' } }), { status: 400, message: { error: { code: -32020 } } })
  t.match(await modern(app, 'tools/call', round, { meta, headers: { 'mcp-param-region': 'eu' } }), { status: 200, message: { result: { resultType: 'complete' } } })
})

t.test('sessions and REST know nothing of such headers', async (t) => {
  const { app } = await serve(t)
  const session = await openSession(app)
  for (const headers of [{}, { 'mcp-param-region': 'us' }, { 'mcp-param-region': '=?base64?!?=' }]) {
    t.match((await session.call('tools/call', { name: 'query', arguments: { region: 'eu' } }, { headers })).message.result?.structuredContent, { region: 'eu' })
    t.match(await rest(app, 'query', { region: 'eu' }, { headers: { 'content-type': 'application/json', ...headers } }), { status: 200, body: { structuredContent: { region: 'eu' } } })
  }
  t.match((await session.call('tools/list')).text, /"x-mcp-header":"Region"/, 'but see them in the schema')
})

t.test('a tool whose declaration clients would refuse stops the server, with its place in the file', async (t) => {
  const rows: [properties: JsonObject, message: RegExp][] = [
    [{ list: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } }, /tools\.0\.inputSchema\.properties\.list\.items\.x-mcp-header/],
    [{ size: { type: 'number', 'x-mcp-header': 'A' } }, /tools\.0\.inputSchema\.properties\.size\.x-mcp-header.*integer, string or boolean/],
    [{ a: { type: 'string', 'x-mcp-header': 'Same' }, b: { type: 'string', 'x-mcp-header': 'same' } }, /properties\.b\.x-mcp-header.*twice/],
    [{ a: { type: 'string', 'x-mcp-header': '' } }, /properties\.a\.x-mcp-header.*header name/]
  ]
  for (const [properties, message] of rows) await t.rejects(build(t, { tools: [{ name: 'query', inputSchema: { type: 'object', properties } }] }, { tools: { query: () => 'x' } }), { message }, String(message))
})
