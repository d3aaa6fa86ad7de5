import { isObject } from './json-rpc.ts'

/** What a request asks for, as rate limits see it: how many messages it brings, and the tools that these call. */
export interface Demand { readonly messages: number, readonly tools: readonly string[] }

/** Most requests. */
export const oneMessage: Demand = Object.freeze({ messages: 1, tools: Object.freeze([]) })

/** Reads it of JSON-RPC: one message or a batch. Whatever else is wrong with a message, it counts for what it asks. */
export function demandOf (body: unknown): Demand {
  if (Array.isArray(body)) return { messages: Math.max(1, body.length), tools: body.map(toolIn).filter((name) => name !== undefined) }
  const name = toolIn(body)
  return name === undefined ? oneMessage : demandOfCall(name)
}

/** One call of a tool. */
export function demandOfCall (name: string): Demand {
  return { messages: 1, tools: [name] }
}

function toolIn (message: unknown): string | undefined {
  if (!isObject(message) || message['method'] !== 'tools/call' || !isObject(message['params'])) return undefined
  const { name } = message['params']
  return typeof name === 'string' ? name : undefined
}
