import { join } from 'node:path'
import type { ToolHandler } from '../../src/core/ports.ts'
import { build, type GantryApp, type JsonObject, type Test } from './build.ts'
import { listen } from './live.ts'
import type { RedisServer } from './redis.ts'
import { root, start, type Server } from './server.ts'

/** Some instances of one server, on one Redis. */
export interface Instance { readonly app: GantryApp, readonly address: string }

export interface InstanceOptions { config?: JsonObject, tools?: Record<string, ToolHandler> }

let tests = 0

/** Starts them; tests that share a Redis do not meet in it. */
export async function startInstances (t: Test, redis: RedisServer, count: number, { config = {}, tools = {} }: InstanceOptions = {}): Promise<Instance[]> {
  const keyPrefix = `test-${++tests}:`
  return await Promise.all(Array.from({ length: count }, async () => {
    const app = await build(t, { redis: { port: redis.port, keyPrefix }, ...config }, { tools, sessionSecret: 'a secret that all instances share' })
    return { app, address: await listen(app) }
  }))
}

const fixtures = join(root, 'test/instances/fixtures')
const tools = ['say', 'count', 'ask', 'hold', 'release', 'announce']

/** Starts built servers, each a process of its own that can be killed, on one Redis. They serve the tools of `instances/fixtures`. */
export async function startServers (t: Test, redis: RedisServer, count: number): Promise<Server[]> {
  const config = {
    name: 'gantry-instances',
    redis: { port: redis.port, keyPrefix: `test-${++tests}:` },
    // A test machine may be slow: what is not about pressure is not refused for it.
    server: { pressure: { enabled: false }, requestTimeout: 120_000, handlerRoots: [fixtures] },
    tools: tools.map((name) => ({ name, inputSchema: { type: 'object' }, handler: { type: 'file', path: join(fixtures, 'calls.mjs'), export: name } })),
    resources: [{ uriTemplate: 'item://{id}', name: 'item', content: 'Item {{id}}.' }]
  }
  return await Promise.all(Array.from({ length: count }, async () => await start(t, { config, env: { SESSION_SECRET: 'a secret that all instances share' } })))
}
