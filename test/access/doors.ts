import { METHODS, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build, initialize, modernHeaders, modernMessage, type GantryApp, type JsonObject, type Test } from '../helpers/build.ts'

/** Every way into the server, one entry a route and way of using it, so that a check can be held against all of them. */
export interface Door {
  readonly name: string
  /** The server it is a door of. */
  readonly server: 'stateful' | 'stateless'
  readonly method: string
  readonly path: string
  readonly body?: JsonObject
  readonly headers?: Record<string, string>
  /** Whether it belongs to a session that was opened before. */
  readonly session?: boolean
  /** Declared public: answers everyone who shows no credential, and those from elsewhere as if they showed none. */
  readonly isPublic?: boolean
  /** The status for who may come in. */
  readonly open: number
}

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const stream = { accept: 'text/event-stream' }
const call = { name: 'add', arguments: { a: 1, b: 2 } }
const rpc = (method: string, params: JsonObject = {}): JsonObject => ({ jsonrpc: '2.0', id: 1, method, params })

/** Every method that a path does not serve. */
const others = (server: Door['server'], path: string, served: readonly string[], isPublic = false): Door[] => methods.filter((method) => !served.includes(method)).map((method) => ({
  name: `${method} ${path}, ${server}`, server, method, path, open: 405, isPublic
}))
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', ...METHODS.includes('QUERY') ? ['QUERY'] : []]

const mcp = (server: Door['server']): Door[] => ['/mcp', '/mcp/'].flatMap((path): Door[] => [
  { name: `initialize at ${path}, ${server}`, server, method: 'POST', path, headers: json, body: initialize('2025-11-25'), open: 200 },
  { name: `a 2026 call at ${path}, ${server}`, server, method: 'POST', path, headers: { ...json, ...modernHeaders('tools/call', call) }, body: modernMessage('tools/call', call), open: 200 },
  { name: `a 2026 list at ${path}, ${server}`, server, method: 'POST', path, headers: { ...json, ...modernHeaders('tools/list') }, body: modernMessage('tools/list'), open: 200 },
  { name: `a 2025 call at ${path}, ${server}`, server, method: 'POST', path, headers: json, body: rpc('tools/call', call), session: server === 'stateful', open: 200 },
  { name: `a notification at ${path}, ${server}`, server, method: 'POST', path, headers: json, body: { jsonrpc: '2.0', method: 'notifications/initialized' }, session: server === 'stateful', open: 202 },
  { name: `an open subscription at ${path}, ${server}`, server, method: 'POST', path, headers: { ...json, ...modernHeaders('subscriptions/listen') }, body: modernMessage('subscriptions/listen', { notifications: { toolsListChanged: true } }), open: 200 },
  { name: `the GET stream at ${path}, ${server}`, server, method: 'GET', path, headers: stream, session: server === 'stateful', open: server === 'stateful' ? 200 : 405 },
  { name: `DELETE at ${path}, ${server}`, server, method: 'DELETE', path, session: server === 'stateful', open: server === 'stateful' ? 204 : 405 },
  ...others(server, path, ['POST', 'GET', 'DELETE'])
])

const rest = (server: Door['server']): Door[] => [
  { name: `the list over REST, ${server}`, server, method: 'GET', path: '/tools', open: 200 },
  { name: `a call over REST, ${server}`, server, method: 'POST', path: '/tools/add', headers: json, body: { a: 1, b: 2 }, open: 200 },
  { name: `a call of an unknown tool over REST, ${server}`, server, method: 'POST', path: '/tools/:name', headers: json, body: {}, open: 404 },
  { name: `what is not there, ${server}`, server, method: 'GET', path: '/nothing', open: 404 },
  { name: `the root, ${server}`, server, method: 'POST', path: '/', headers: json, body: {}, open: 404 },
  { name: `HEAD /tools, ${server}`, server, method: 'HEAD', path: '/tools', open: 200 },
  ...others(server, '/tools', ['GET', 'HEAD']), ...others(server, '/tools/add', ['POST']), ...others(server, '/tools/:name', ['POST'])
]

const metrics = (server: Door['server']): Door[] => [
  ...['GET', 'HEAD'].map((method) => ({ name: `${method} /metrics, ${server}`, server, method, path: '/metrics', open: 200 })),
  ...others(server, '/metrics', ['GET', 'HEAD'])
]

const ops = (server: Door['server']): Door[] => ['/health', '/health/live', '/health/ready'].flatMap((path): Door[] => [
  ...['GET', 'HEAD'].map((method) => ({ name: `${method} ${path}, ${server}`, server, method, path, open: 200, isPublic: true })),
  ...others(server, path, ['GET', 'HEAD'], true)
])

export const doors: readonly Door[] = [
  ...mcp('stateful'), ...mcp('stateless'), ...rest('stateful'), ...rest('stateless'), ...ops('stateful'), ...ops('stateless'), ...metrics('stateful'), ...metrics('stateless'),
  { name: 'the stream of HTTP+SSE', server: 'stateful', method: 'GET', path: '/sse', headers: stream, open: 200 },
  { name: 'a message of HTTP+SSE to nobody', server: 'stateful', method: 'POST', path: '/messages?sessionId=none', headers: json, body: rpc('ping'), open: 404 },
  ...others('stateful', '/sse', ['GET']), ...others('stateful', '/messages', ['POST'])
]

/** The key that opens every door. */
export const goodKey = 'a-key-that-is-good-and-long-enough'

export interface Answered { readonly status: number, readonly headers: Record<string, unknown>, readonly text: string }

/** Both servers, listening, each with the same security section. */
export class House {
  readonly #apps: Readonly<Record<Door['server'], GantryApp>>

  private constructor (apps: Readonly<Record<Door['server'], GantryApp>>) { this.#apps = apps }

  static async open (t: Test, security: JsonObject): Promise<House> {
    const [stateful, stateless] = await Promise.all((['stateful', 'stateless'] as const).map(async (sessions) => {
      const app = await build(t, { security, metrics: {}, server: { protocol: { sessions, httpSse: { enabled: sessions === 'stateful' } } } }, { tools: { add: (args) => ({ sum: Number(args['a']) + Number(args['b']) }) } })
      await app.listen({ host: '127.0.0.1', port: 0 })
      return app
    }))
    if (stateful === undefined || stateless === undefined) throw new Error('unreachable')
    return new House({ stateful, stateless })
  }

  /** What Fastify serves: method and path, each. */
  routes (server: Door['server']): string[] {
    const steps: string[] = []
    return this.#apps[server].printRoutes({ commonPrefix: false }).split('\n').flatMap((line) => {
      const match = /^(?<indent>[│ ]*)[├└]── (?<path>\S*) \((?<methods>[^)]+)\)/.exec(line)
      if (match?.groups === undefined) return []
      const { indent = '', path = '', methods = '' } = match.groups
      const depth = indent.length / 4
      steps.splice(depth, Infinity, path)
      return methods.split(', ').map((method) => `${method} ${steps.join('')}`)
    })
  }

  /** Opens a session with the good key and gives its header. */
  async #session (server: Door['server']): Promise<Record<string, string>> {
    const opened = await this.#send(server, 'POST', '/mcp', { ...json, authorization: `Bearer ${goodKey}` }, initialize('2025-11-25'))
    return { 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
  }

  /** Knocks at a door. Streams are left as soon as they begin. */
  async knock (door: Door, headers: Record<string, string> = {}, query = ''): Promise<Answered> {
    const session = door.session === true ? await this.#session(door.server) : {}
    const path = query === '' ? door.path : `${door.path}${door.path.includes('?') ? '&' : '?'}${query}`
    return await this.#send(door.server, door.method, path.replace(':name', 'unknown'), { ...door.headers, ...session, ...headers }, door.body)
  }

  async #send (server: Door['server'], method: string, path: string, headers: Record<string, string>, body?: JsonObject): Promise<Answered> {
    const { port } = this.#apps[server].server.address() as AddressInfo
    return await new Promise((resolve, reject) => {
      const request = send({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        let text = ''
        const answer = (): void => { resolve({ status: response.statusCode ?? 0, headers: response.headers, text }) }
        if (response.headers['content-type'] === 'text/event-stream' && response.statusCode === 200) {
          answer()
          request.destroy()
          return
        }
        response.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', answer).on('error', reject)
      })
      request.on('error', (error) => { if (!request.destroyed) reject(error) })
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}
