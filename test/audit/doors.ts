import { join } from 'node:path'
import { buildApp, buildStdioApp, type GantryApp } from '../../src/app.ts'
import { LineConnection } from '../../src/core/line-connection.ts'
import { localWith } from '../../src/core/principals.ts'
import type { JsonObject, ToolHandler } from '../../src/core/ports.ts'
import { configOf, initialize, modern, modernMessage, openSession, post, type Message } from '../helpers/build.ts'
import { keepingLogger } from '../helpers/exchange.ts'

/** The ways in for MCP, so that one and the same can be asked through each of them. */

interface TestWithFolder { teardown (fn: () => unknown): unknown, testdir (content?: Record<string, string>): string }

export interface Served { readonly config: JsonObject, readonly tools: Record<string, ToolHandler> }

export interface OpenDoor {
  /** The audit log. */
  readonly file: string
  /** Sends a request and waits for its answer. */
  ask (method: string, params?: JsonObject): Promise<Message>
  /** Ends the client and the server. */
  close (): Promise<void>
}

export interface AuditDoor {
  readonly name: string
  /** What every line of a call through it says. */
  readonly says: JsonObject
  /** The lines of a client that comes, and of one that goes. */
  readonly comes: readonly string[]
  readonly goes: readonly string[]
  open (t: TestWithFolder, served: Served): Promise<OpenDoor>
}

async function start (t: TestWithFolder, { config, tools }: Served, build: typeof buildApp, server: JsonObject = {}): Promise<{ app: GantryApp, file: string, permissions: readonly string[] }> {
  const baseDir = t.testdir({})
  const whole = configOf({ ...config, server }, Object.keys(tools), baseDir)
  const app = await build({ config: whole, baseDir, handlers: new Map(Object.entries(tools)), logger: keepingLogger() as never })
  t.teardown(() => app.close())
  await app.ready()
  return { app, file: join(baseDir, 'audit.log'), permissions: whole.security.permissions?.local ?? ['*'] }
}

const anonymous = { principal: 'anonymous', principalKind: 'anonymous', address: '127.0.0.1' }

const modernDoor: AuditDoor = {
  name: 'MCP 2026-07-28',
  says: { ...anonymous, door: 'mcp', revision: '2026-07-28', client: 'a client', session: undefined },
  comes: [],
  goes: [],
  async open (t, served) {
    const { app, file } = await start(t, served, buildApp)
    const meta = { 'io.modelcontextprotocol/clientInfo': { name: 'a client', version: '1' } }
    return { file, ask: async (method, params) => (await modern(app, method, params, { meta })).message, close: async () => { await app.close() } }
  }
}

const statefulDoor: AuditDoor = {
  name: 'MCP 2025-11-25 in a session',
  says: { ...anonymous, door: 'mcp', revision: '2025-11-25', client: 'test', session: /^[0-9a-f]{16}$/ },
  comes: ['session.open'],
  goes: ['session.end'],
  async open (t, served) {
    const { app, file } = await start(t, served, buildApp)
    const session = await openSession(app)
    return { file, ask: async (method, params) => (await session.call(method, params)).message, close: async () => { await session.send('DELETE'); await app.close() } }
  }
}

const statelessDoor: AuditDoor = {
  name: 'MCP 2025-06-18 without sessions',
  says: { ...anonymous, door: 'mcp', revision: '2025-06-18', client: undefined, session: undefined },
  comes: ['session.open'],
  goes: [],
  async open (t, served) {
    const { app, file } = await start(t, served, buildApp, { protocol: { sessions: 'stateless' } })
    await post(app, initialize('2025-06-18'))
    const headers = { 'mcp-protocol-version': '2025-06-18' }
    return { file, ask: async (method, params = {}) => (await post(app, { jsonrpc: '2.0', id: 1, method, params }, headers)).message, close: async () => { await app.close() } }
  }
}

const batchDoor: AuditDoor = {
  name: 'MCP 2025-03-26 in batches',
  says: { ...anonymous, door: 'mcp', revision: '2025-03-26', client: 'test', session: /^[0-9a-f]{16}$/ },
  comes: ['session.open'],
  goes: [],
  async open (t, served) {
    const { app, file } = await start(t, served, buildApp)
    const session = await openSession(app, '2025-03-26')
    return { file, ask: async (method, params = {}) => (await session.post([{ jsonrpc: '2.0', id: 1, method, params }])).message, close: async () => { await app.close() } }
  }
}

function stdioDoor (modernEra: boolean): AuditDoor {
  const revision = modernEra ? '2026-07-28' : '2025-11-25'
  return {
    name: `stdio, ${revision}`,
    says: { principal: 'local', principalKind: 'local', address: undefined, door: 'stdio', revision, session: undefined, client: modernEra ? undefined : 'test' },
    comes: modernEra ? [] : ['session.open'],
    goes: modernEra ? [] : ['session.end'],
    async open (t, served) {
      const { app, file, permissions } = await start(t, served, buildStdioApp)
      const written: Message[] = []
      const connection = new LineConnection({
        core: app.core, logger: app.core.logger, principal: localWith(permissions), requests: app.serverRequests, write: (line) => { written.push(JSON.parse(line) as Message) }
      })
      const send = async (message: JsonObject): Promise<Message> => {
        connection.receive(JSON.stringify(message))
        await connection.settled()
        return written.at(-1) ?? {}
      }
      if (!modernEra) {
        await send(initialize(revision))
        connection.receive('{"jsonrpc":"2.0","method":"notifications/initialized"}')
      }
      return {
        file,
        ask: async (method, params = {}) => await send(modernEra ? modernMessage(method, params) : { jsonrpc: '2.0', id: 1, method, params }),
        async close () {
          connection.end()
          await connection.settled()
          await app.close()
        }
      }
    }
  }
}

const sseDoor: AuditDoor = {
  name: 'HTTP+SSE',
  says: { ...anonymous, door: 'sse', revision: '2024-11-05', client: 'test', session: /^[0-9a-f]{16}$/ },
  comes: ['stream.open', 'session.open'],
  goes: ['session.end'],
  async open (t, served) {
    const { app, file } = await start(t, served, buildApp, { protocol: { httpSse: { enabled: true } } })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const data = dataOf(await fetch(`${url}/sse`, { headers: { accept: 'text/event-stream' } }))
    const endpoint = await data.next()
    const send = async (message: JsonObject): Promise<Message> => {
      await fetch(`${url}${endpoint.value ?? ''}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(message) })
      const answer = await data.next()
      return JSON.parse(answer.value ?? 'null') as Message
    }
    await send(initialize('2024-11-05'))
    return { file, ask: async (method, params = {}) => await send({ jsonrpc: '2.0', id: 1, method, params }), close: async () => { await app.close() } }
  }
}

/** The data of each event of a stream. */
async function * dataOf ({ body }: Response): AsyncGenerator<string, undefined> {
  let text = ''
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, data] = /^data: (.*)$/m.exec(text.slice(0, end)) ?? []
      text = text.slice(end + 2)
      if (data !== undefined) yield data
    }
  }
  return undefined
}

export const auditDoors: readonly AuditDoor[] = [modernDoor, statefulDoor, statelessDoor, batchDoor, stdioDoor(true), stdioDoor(false), sseDoor]
