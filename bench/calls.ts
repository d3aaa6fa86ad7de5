/** How the tool is asked for: a plain route, the REST form, one 2026-era request, the same with an API key, a 2025-era session, the bytes of one without a session. */
export type CallKind = 'route' | 'rest' | 'modern' | 'modern-key' | 'session' | 'session-bytes'

/** One request as text, with {@link ID_MARK} where the id goes. */
export type Call = { path: string, headers: Record<string, string>, body: string }

/** What each answer must hold: the sum, and the length where that is the same every time. */
export type Expectation = { sum: string, length: number }

const A = 40_417
const B = 1_913
const SUM = String(A + B)

/** The sum as the one row of a statement. */
const SUM_ROWS = JSON.stringify({ rows: [{ sum: A + B }], rowCount: 1 })

/** Stands in the body where the request id goes. */
export const ID_MARK = '"ID"'
const MODERN = '2026-07-28'
const LEGACY = '2025-11-25'
const CLIENT = { name: 'bench', version: '1.0.0' }
const JSON_HEADERS = { 'content-type': 'application/json' }
const MCP_HEADERS = { ...JSON_HEADERS, accept: 'application/json, text/event-stream' }
const PLAIN_BODY = JSON.stringify({ a: A, b: B })

function toolsCall (meta: object): string {
  const params = { name: 'add', arguments: { a: A, b: B }, ...meta }
  return JSON.stringify({ jsonrpc: '2.0', id: 'ID', method: 'tools/call', params })
}

const MODERN_CALL: Call = {
  path: '/mcp',
  headers: { ...MCP_HEADERS, 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'add' },
  body: toolsCall({
    _meta: {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': CLIENT
    }
  })
}
/** The key of bench/config/access.json. */
const KEY = 'bench_0123456789abcdefghijklmnopqrstuvwxyz'

/** The request of each kind, the same for every server that is asked in that way. */
export const CALLS: Readonly<Record<CallKind, Call>> = {
  route: { path: '/add', headers: JSON_HEADERS, body: PLAIN_BODY },
  rest: { path: '/tools/add', headers: JSON_HEADERS, body: PLAIN_BODY },
  modern: MODERN_CALL,
  'modern-key': { ...MODERN_CALL, headers: { ...MODERN_CALL.headers, authorization: `Bearer ${KEY}` } },
  session: {
    path: '/mcp',
    headers: { ...MCP_HEADERS, 'mcp-protocol-version': LEGACY },
    body: toolsCall({})
  },
  'session-bytes': {
    path: '/mcp',
    headers: { ...MCP_HEADERS, 'mcp-protocol-version': LEGACY, 'mcp-session-id': '00000000-0000-4000-8000-000000000000' },
    body: toolsCall({})
  }
}

/** Opens one 2025-era session and returns its id. Throws when the server opens none. */
export async function openSession (url: string): Promise<string> {
  const capabilities = {}
  const params = { protocolVersion: LEGACY, capabilities, clientInfo: CLIENT }
  const answer = await post(url, MCP_HEADERS, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }))
  const session = answer.headers.get('mcp-session-id')
  if (answer.status !== 200 || session === null) {
    throw new Error(`initialize opened no session: status ${answer.status}, ${answer.text.slice(0, 300)}`)
  }
  const headers = { ...CALLS.session.headers, 'mcp-session-id': session }
  const ready = await post(url, headers, JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
  if (ready.status !== 202) throw new Error(`notifications/initialized was answered with status ${ready.status}`)
  return session
}

/** Asks twice and returns what every later answer must look like. Throws when the sum is wrong. */
export async function verify (url: string, kind: CallKind, session: string | undefined): Promise<Expectation> {
  const first = await checkedAnswer(url, kind, session, 100_000_001)
  const second = await checkedAnswer(url, kind, session, 100_000_002)
  return { sum: SUM, length: first.length === second.length ? first.length : 0 }
}

async function checkedAnswer (url: string, kind: CallKind, session: string | undefined, id: number): Promise<string> {
  const { headers, body } = CALLS[kind]
  const sent = session === undefined ? headers : { ...headers, 'mcp-session-id': session }
  const { status, text } = await post(url, sent, body.replace(ID_MARK, String(id)))
  const right = kind === 'route' || kind === 'rest' ? text.includes(SUM) : isSum(messageIn(text), id)
  if (status !== 200 || !right) throw new Error(`expected the sum ${SUM}, got status ${status}: ${text.slice(0, 300)}`)
  return text
}

function isSum (message: unknown, id: number): boolean {
  if (!isRecord(message) || message['id'] !== id || !isRecord(message['result'])) return false
  const { isError, content } = message['result']
  const first: unknown = Array.isArray(content) ? content[0] : undefined
  return isError !== true && isRecord(first) && (first['text'] === SUM || first['text'] === SUM_ROWS)
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The JSON of an answer, be it the body itself or the data of its one server-sent event. */
function messageIn (text: string): unknown {
  const data = text.split('\n').filter((line) => line.startsWith('data:')).at(-1)
  try {
    return JSON.parse(data?.slice('data:'.length) ?? text)
  } catch {
    // What is no JSON holds no sum either; the caller reports the text.
    return undefined
  }
}

async function post (url: string, headers: Record<string, string>, body: string) {
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
