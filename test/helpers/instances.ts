import type { ToolHandler } from '../../src/core/ports.ts'
import { build, type GantryApp, type JsonObject, type Test } from './build.ts'
import { listen } from './live.ts'
import type { RedisServer } from './redis.ts'

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
