import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { buildApp, type AppOptions, type GantryApp } from '../../src/app.ts'
import { configFromObject } from '../../src/config/load.ts'
import { metaKeys } from '../../src/core/classify.ts'
import type { JsonObject, ToolHandler } from '../../src/core/ports.ts'
import type { Config } from '../../schemas/config/index.ts'

/** The part of a tap test that these helpers need. */
export interface Test { teardown (fn: () => unknown): unknown }

export type { GantryApp, JsonObject }

export interface BuildOptions extends Partial<Omit<AppOptions, 'config' | 'handlers' | 'tools'>> {
  /** Functions that `registry` handlers of prompts and resources name. */
  handlers?: Record<string, ToolHandler>
  /** Functions of tools: of the one that the configuration declares without a handler, or of one that takes any arguments. */
  tools?: Record<string, ToolHandler>
  definedTools?: AppOptions['tools']
}

/** Makes a real app of a configuration object and closes it with the test. Throws when the configuration has a fault. */
export async function build (t: Test, config: JsonObject = {}, options: BuildOptions = {}): Promise<GantryApp> {
  const { handlers = {}, tools = {}, definedTools = [], baseDir = process.cwd(), ...rest } = options
  const functions = new Map([...Object.entries(handlers), ...Object.entries(tools)])
  const app = await buildApp({ ...rest, baseDir, config: configOf(config, Object.keys(tools), baseDir), handlers: functions, tools: definedTools })
  t.teardown(() => app.close())
  await app.ready()
  return app
}

/** A whole configuration of what a test says of it. Throws with all faults. */
export function configOf (config: JsonObject, toolNames: readonly string[] = [], baseDir = process.cwd()): Config {
  const declared = (config['tools'] ?? []) as JsonObject[]
  const names = new Set(declared.map(({ name }) => name))
  const added = toolNames.filter((name) => !names.has(name)).map((name) => ({ name, inputSchema: { type: 'object' } }))
  const tools = [...declared, ...added].map((tool: JsonObject) => ({ handler: { type: 'registry', name: tool['name'] }, ...tool }))
  // A test machine may be slow: what is not about pressure is not refused for it.
  const server = { pressure: { enabled: false }, ...config['server'] as JsonObject | undefined }
  const loaded = configFromObject({ ...structuredClone(config), server: structuredClone(server), tools: structuredClone(tools) }, { cwd: baseDir })
  if (loaded.config !== undefined) return loaded.config
  throw new Error(`The configuration of this test has faults:\n${loaded.faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n')}`)
}

/** One JSON-RPC message that came back. */
export interface Message {
  jsonrpc?: string
  id?: unknown
  method?: string
  params?: JsonObject
  result?: JsonObject & { content?: { type: string, text?: string }[], structuredContent?: unknown, isError?: boolean }
  error?: { code: number, message: string, data?: JsonObject }
}

/** An HTTP answer of `/mcp`, read. */
export interface Answer {
  readonly status: number
  readonly headers: LightMyRequestResponse['headers']
  readonly text: string
  /** All messages: of one JSON document, of a batch, or of an event stream. */
  readonly messages: readonly Message[]
  /** The last message; that is the response where there is one. */
  readonly message: Message
}

export type HeaderValues = Record<string, string | undefined>
export interface RequestOptions { id?: unknown, headers?: HeaderValues, meta?: JsonObject }

const both = 'application/json, text/event-stream'

/** Sends a body to `/mcp` as it is. A header that is undefined is not sent. */
export async function post (app: GantryApp, body: unknown, headers: HeaderValues = {}, url = '/mcp'): Promise<Answer> {
  return readAnswer(await app.inject({
    method: 'POST',
    url,
    headers: withoutAbsent({ 'content-type': 'application/json', accept: both, ...headers }),
    payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  }))
}

export function readAnswer ({ statusCode, headers, payload }: LightMyRequestResponse): Answer {
  const messages = readMessages(payload, String(headers['content-type'] ?? ''))
  return { status: statusCode, headers, text: payload, messages, message: messages.at(-1) ?? {} }
}

export function readMessages (text: string, contentType: string): Message[] {
  const [type] = contentType.split(';')
  if (type === 'text/event-stream') {
    // An event without data primes a client for a later resumption.
    return text.split('\n').filter((line) => line.startsWith('data: ') && line.length > 6).map((line) => JSON.parse(line.slice(6)) as Message)
  }
  if (text === '') return []
  const value = JSON.parse(text) as Message | Message[]
  return Array.isArray(value) ? value : [value]
}

const nameKeys: Readonly<Record<string, string>> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri', 'tasks/get': 'taskId', 'tasks/update': 'taskId', 'tasks/cancel': 'taskId' }

/** The `_meta` that every request of the 2026 era carries. */
export function envelope (extra: JsonObject = {}): JsonObject {
  return { [metaKeys.protocolVersion]: '2026-07-28', [metaKeys.clientCapabilities]: {}, ...extra }
}

/** Sends a request of the 2026 era, with all that it has to have. */
export async function modern (app: GantryApp, method: string, params: JsonObject = {}, { id = 1, headers = {}, meta = {} }: RequestOptions = {}): Promise<Answer> {
  const message = modernMessage(method, params, { id, meta })
  return await post(app, message, { ...modernHeaders(method, params), ...headers })
}

export function modernMessage (method: string, params: JsonObject = {}, { id = 1, meta = {} }: RequestOptions = {}): JsonObject {
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope(meta) } }
}

export function modernHeaders (method: string, params: JsonObject = {}): Record<string, string> {
  const key = nameKeys[method]
  const name = key === undefined ? undefined : params[key]
  return {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': /^[\x21-\x7e]+$/.test(name) ? name : `=?base64?${Buffer.from(name).toString('base64')}?=` })
  }
}

export type LegacyRevision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25'
export const legacyRevisions: readonly LegacyRevision[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

/** A client of the 2025 era in its session. */
export interface SessionClient {
  readonly id: string
  readonly initialized: Message
  call (method: string, params?: JsonObject, options?: RequestOptions): Promise<Answer>
  notify (method: string, params?: JsonObject): Promise<Answer>
  /** Any body, with the headers of the session. */
  post (body: unknown, headers?: HeaderValues): Promise<Answer>
  send (method: 'GET' | 'DELETE', headers?: HeaderValues): Promise<Answer>
  readonly headers: HeaderValues
}

/** Opens a session of the 2025 era. Throws when that fails. */
export async function openSession (app: GantryApp, revision: LegacyRevision = '2025-11-25', capabilities: JsonObject = {}): Promise<SessionClient> {
  const { status, headers: answered, message: initialized } = await post(app, initialize(revision, capabilities))
  const id = answered['mcp-session-id']
  if (status !== 200 || typeof id !== 'string') throw new Error(`No session was opened: ${status} ${JSON.stringify(initialized)}`)
  const sendsVersion = revision === '2025-06-18' || revision === '2025-11-25'
  const headers: HeaderValues = { 'mcp-session-id': id, ...(sendsVersion && { 'mcp-protocol-version': revision }) }
  return {
    id,
    initialized,
    headers,
    call: (method, params = {}, { id = 1, headers: more = {}, meta } = {}) => post(app, { jsonrpc: '2.0', id, method, params: { ...params, ...(meta !== undefined && { _meta: meta }) } }, { ...headers, ...more }),
    notify: (method, params = {}) => post(app, { jsonrpc: '2.0', method, params }, headers),
    post: (body, more = {}) => post(app, body, { ...headers, ...more }),
    send: async (method, more = {}) => readAnswer(await app.inject({ method, url: '/mcp', headers: withoutAbsent({ accept: both, ...headers, ...more }) }))
  }
}

export function initialize (revision: unknown, capabilities: JsonObject = {}): JsonObject {
  return { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: revision, capabilities, clientInfo: { name: 'test', version: '1' } } }
}

export interface RestAnswer { readonly status: number, readonly headers: LightMyRequestResponse['headers'], readonly body: JsonObject, readonly text: string }

/** Calls a tool over REST. */
export async function rest (app: GantryApp, name: string, args?: unknown, options: Partial<InjectOptions> = {}): Promise<RestAnswer> {
  const { statusCode, headers, payload } = await app.inject({
    method: 'POST', url: `/tools/${name}`, ...(args !== undefined && { payload: JSON.stringify(args), headers: { 'content-type': 'application/json' } }), ...options
  })
  return { status: statusCode, headers, text: payload, body: payload === '' ? {} : JSON.parse(payload) as JsonObject }
}

/** The text of a tool's result. */
export function textOf ({ message }: Answer): string {
  return (message.result?.content ?? []).map(({ text = '' }) => text).join('\n')
}

function withoutAbsent (headers: HeaderValues): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
