import t from 'tap'
import { build, legacyRevisions, modern, openSession, rest, type GantryApp, type JsonObject } from '../helpers/build.ts'

/**
 * The same request at every door. What 2025-11-25 answers is the baseline; each other door answers the same, but for the differences
 * that stand here. A difference that is not listed, or one that is gone, fails.
 */

const doors = [...legacyRevisions, '2026-07-28', 'REST'] as const
type Door = typeof doors[number]
interface Shown { status: number, result?: unknown, error?: unknown }

const identity = { 'io.modelcontextprotocol/serverInfo': { name: 'shop', version: '1' } }
/** What 2026 adds to every result. */
const complete = { resultType: 'complete', _meta: identity }

const text = (words: string): JsonObject => ({ type: 'text', text: words })
const link = { type: 'resource_link', uri: 'docs://a', name: 'a', title: 'Doc A' }
const audio = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }
const inputSchema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false }
const icons = [{ src: 'data:,x' }]
const addTool = { name: 'add', title: 'Add', description: 'Adds.', inputSchema, outputSchema: { type: 'number' }, annotations: { readOnlyHint: true }, icons, _meta: { k: 1 } }

async function open (t: { teardown (fn: () => unknown): unknown }): Promise<GantryApp> {
  return await build(t, {
    name: 'shop',
    version: '1',
    tools: [addTool],
    prompts: [{ name: 'greet', description: 'Greets.', arguments: [{ name: 'who', required: true, complete: ['Ann'] }], messages: [{ role: 'user', content: 'Hi {{who}}' }, { role: 'user', content: link }] }],
    resources: [{ uri: 'docs://a', name: 'a', content: 'A' }]
  }, { tools: { add: ({ a }) => Number(a) + 1, object: () => ({ n: 1 }), list: () => ({ content: [], structuredContent: [1] }), blocks: () => ({ content: [text('x'), link, audio], _meta: { k: 1 } }), fail: () => { throw new Error('no paper') }, reported: () => ({ content: [text('sold out')], isError: true }) } })
}

interface Parity {
  readonly what: string
  readonly method: string
  readonly params: JsonObject
  /** At 2025-11-25. */
  readonly baseline: Shown
  readonly differences: Partial<Record<Door, Shown | 'no such door'>>
}
const toolCall = (name: string, args: JsonObject = {}): Pick<Parity, 'method' | 'params'> => ({ method: 'tools/call', params: { name, arguments: args } })
const problem = (status: number, code: string, title: string, detail: string): Shown => ({ status, error: { title, status, code, detail } })
const misfit = 'Invalid arguments for add:\n- /a: must be number, but is a string'
const old = ['2024-11-05', '2025-03-26'] as const
const inBoth = (shown: Shown): Partial<Record<Door, Shown>> => Object.fromEntries(old.map((revision) => [revision, shown]))

const { icons: _icons, ...withoutIcons } = addTool
const oldest = { name: 'add', description: 'Adds.', inputSchema }
const wrapped = { type: 'object', properties: { result: { type: 'number' } }, required: ['result'] }
const others = ['object', 'list', 'blocks', 'fail', 'reported'].map((name) => ({ name, inputSchema: { type: 'object' } }))

const cases: readonly Parity[] = [
  {
    what: 'a result of an object',
    ...toolCall('object'),
    baseline: { status: 200, result: { content: [text('{"n":1}')], structuredContent: { n: 1 } } },
    differences: {
      ...inBoth({ status: 200, result: { content: [text('{"n":1}')] } }),
      '2026-07-28': { status: 200, result: { ...complete, content: [text('{"n":1}')], structuredContent: { n: 1 } } }
    }
  },
  {
    what: 'a result that an output schema says is no object',
    ...toolCall('add', { a: 1 }),
    baseline: { status: 200, result: { content: [text('2')], structuredContent: { result: 2 } } },
    differences: {
      ...inBoth({ status: 200, result: { content: [text('2')] } }),
      '2026-07-28': { status: 200, result: { ...complete, content: [text('2')], structuredContent: 2 } },
      REST: { status: 200, result: { content: [text('2')], structuredContent: 2 } }
    }
  },
  {
    what: 'structured content that is no object, without a schema',
    ...toolCall('list'),
    baseline: { status: 200, result: { content: [], structuredContent: { result: [1] } } },
    differences: {
      ...inBoth({ status: 200, result: { content: [] } }),
      '2026-07-28': { status: 200, result: { ...complete, content: [], structuredContent: [1] } },
      REST: { status: 200, result: { content: [], structuredContent: [1] } }
    }
  },
  {
    what: 'blocks that came with later revisions',
    ...toolCall('blocks'),
    baseline: { status: 200, result: { content: [text('x'), link, audio], _meta: { k: 1 } } },
    differences: {
      '2024-11-05': { status: 200, result: { content: [text('x'), text('Doc A: docs://a'), { type: 'resource', resource: { uri: 'data:audio', mimeType: 'audio/wav', blob: 'AAAA' } }], _meta: { k: 1 } } },
      '2025-03-26': { status: 200, result: { content: [text('x'), text('Doc A: docs://a'), audio], _meta: { k: 1 } } },
      '2026-07-28': { status: 200, result: { ...complete, content: [text('x'), link, audio], _meta: { k: 1, ...identity } } }
    }
  },
  {
    what: 'a handler that throws',
    ...toolCall('fail'),
    baseline: { status: 200, result: { content: [text('no paper')], isError: true } },
    differences: {
      '2026-07-28': { status: 200, result: { ...complete, content: [text('no paper')], isError: true } },
      REST: problem(500, 'MCP_TOOL_FAILED', 'Internal Server Error', 'no paper')
    }
  },
  {
    what: 'a tool that says that it failed',
    ...toolCall('reported'),
    baseline: { status: 200, result: { content: [text('sold out')], isError: true } },
    differences: {
      '2026-07-28': { status: 200, result: { ...complete, content: [text('sold out')], isError: true } },
      REST: problem(422, 'MCP_TOOL_REPORTED', 'Unprocessable Content', 'sold out')
    }
  },
  {
    what: 'arguments that do not fit',
    ...toolCall('add', { a: 'x' }),
    baseline: { status: 200, result: { content: [text(misfit)], isError: true } },
    differences: {
      '2026-07-28': { status: 200, result: { ...complete, content: [text(misfit)], isError: true } },
      REST: { status: 400, error: { title: 'Bad Request', status: 400, code: 'MCP_ARGUMENTS_INVALID', detail: misfit, errors: [{ path: '/a', message: 'must be number, but is a string' }] } }
    }
  },
  {
    what: 'a tool that is not there',
    ...toolCall('missing'),
    baseline: { status: 200, error: { code: -32602, message: 'Unknown tool: missing' } },
    differences: { REST: problem(404, 'MCP_TOOL_UNKNOWN', 'Not Found', 'Unknown tool: missing') }
  },
  {
    what: 'the list of tools',
    method: 'tools/list',
    params: {},
    baseline: { status: 200, result: { tools: [{ ...addTool, outputSchema: wrapped }, ...others] } },
    differences: {
      '2024-11-05': { status: 200, result: { tools: [oldest, ...others] } },
      '2025-03-26': { status: 200, result: { tools: [{ ...oldest, annotations: { readOnlyHint: true } }, ...others] } },
      '2025-06-18': { status: 200, result: { tools: [{ ...withoutIcons, outputSchema: wrapped }, ...others] } },
      '2026-07-28': { status: 200, result: { ...complete, tools: [addTool, ...others], ttlMs: 300_000, cacheScope: 'public' } },
      REST: { status: 200, result: { tools: [addTool, ...others] } }
    }
  },
  {
    what: 'a prompt',
    method: 'prompts/get',
    params: { name: 'greet', arguments: { who: 'Ann' } },
    baseline: { status: 200, result: { description: 'Greets.', messages: [{ role: 'user', content: text('Hi Ann') }, { role: 'user', content: link }] } },
    differences: {
      ...inBoth({ status: 200, result: { description: 'Greets.', messages: [{ role: 'user', content: text('Hi Ann') }, { role: 'user', content: text('Doc A: docs://a') }] } }),
      '2026-07-28': { status: 200, result: { ...complete, description: 'Greets.', messages: [{ role: 'user', content: text('Hi Ann') }, { role: 'user', content: link }] } },
      REST: 'no such door'
    }
  },
  {
    what: 'a prompt that is not there',
    method: 'prompts/get',
    params: { name: 'missing' },
    baseline: { status: 200, error: { code: -32602, message: 'Unknown prompt: missing' } },
    differences: { REST: 'no such door' }
  },
  {
    what: 'a resource',
    method: 'resources/read',
    params: { uri: 'docs://a' },
    baseline: { status: 200, result: { contents: [{ uri: 'docs://a', mimeType: 'text/plain', text: 'A' }] } },
    differences: {
      '2026-07-28': { status: 200, result: { ...complete, contents: [{ uri: 'docs://a', mimeType: 'text/plain', text: 'A' }], ttlMs: 300_000, cacheScope: 'public' } },
      REST: 'no such door'
    }
  },
  {
    what: 'a resource that is not there',
    method: 'resources/read',
    params: { uri: 'docs://b' },
    baseline: { status: 200, error: { code: -32002, message: 'Resource not found: docs://b', data: { uri: 'docs://b' } } },
    differences: {
      '2026-07-28': { status: 200, error: { code: -32602, message: 'Resource not found: docs://b', data: { uri: 'docs://b' } } },
      REST: 'no such door'
    }
  },
  {
    what: 'a completion',
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: 'a' } },
    baseline: { status: 200, result: { completion: { values: ['Ann'], total: 1, hasMore: false } } },
    differences: { '2026-07-28': { status: 200, result: { ...complete, completion: { values: ['Ann'], total: 1, hasMore: false } } }, REST: 'no such door' }
  },
  {
    what: 'a cursor that is none',
    method: 'tools/list',
    params: { cursor: 'x' },
    baseline: { status: 200, error: { code: -32602, message: 'The cursor is not one that this list returned: start again without a cursor.' } },
    differences: { REST: 'no such door' }
  },
  {
    what: 'a ping',
    method: 'ping',
    params: {},
    baseline: { status: 200, result: {} },
    differences: { '2026-07-28': { status: 404, error: { code: -32601, message: 'Method not found: ping' } }, REST: 'no such door' }
  },
  {
    what: 'a log level for the session',
    method: 'logging/setLevel',
    params: { level: 'error' },
    baseline: { status: 200, result: {} },
    differences: { '2026-07-28': { status: 404, error: { code: -32601, message: 'Method not found: logging/setLevel' } }, REST: 'no such door' }
  },
  {
    what: 'a method that nobody has',
    method: 'tools/forget',
    params: {},
    baseline: { status: 200, error: { code: -32601, message: 'Method not found: tools/forget' } },
    differences: { '2026-07-28': { status: 404, error: { code: -32601, message: 'Method not found: tools/forget' } }, REST: 'no such door' }
  }
]

async function ask (app: GantryApp, door: Door, { method, params }: Parity): Promise<Shown> {
  if (door === 'REST') {
    if (method === 'tools/list') {
      const { statusCode, payload } = await app.inject({ url: '/tools' })
      return { status: statusCode, result: JSON.parse(payload) as unknown }
    }
    const { status, body } = await rest(app, String(params['name']), params['arguments'])
    return status === 200 ? { status, result: body } : { status, error: body }
  }
  const { status, message } = door === '2026-07-28' ? await modern(app, method, params) : await (await openSession(app, door)).call(method, params)
  return { status, ...(message.result !== undefined && { result: message.result }), ...(message.error !== undefined && { error: message.error }) }
}

for (const parity of cases) {
  t.test(`${parity.what} is the same at every door, but for the differences that are listed`, async (t) => {
    const app = await open(t)
    for (const door of doors) {
      const listed = parity.differences[door]
      if (listed === 'no such door') continue
      t.strictSame(await ask(app, door, parity), listed ?? parity.baseline, door)
      if (listed !== undefined) t.notSame(listed, parity.baseline, `${door} is listed for a reason`)
    }
  })
}
