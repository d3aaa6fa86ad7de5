import { InvalidRequestError, rpc, type GantryError } from './errors.ts'
import { isModern, type Revision } from './versions.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

/** JSON-RPC 2.0 messages as MCP uses them: ids are strings or integers, params are objects. */

export type RequestId = string | number

export interface RpcRequest { kind: 'request', id: RequestId, method: string, params: JsonObject }
export interface RpcNotification { kind: 'notification', method: string, params: JsonObject }
/** A client's answer to a request that the server sent. */
export interface RpcResponse { kind: 'response', id: RequestId, result?: unknown, error?: unknown }
export interface RpcInvalid { kind: 'invalid', id: RequestId | undefined, error: InvalidRequestError }
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse | RpcInvalid

const noParams: JsonObject = Object.freeze({})

/** Reads one message. Never throws: what is no message comes back as `invalid` with the reason, and with the id where one can be told. */
export function readMessage (value: unknown): RpcMessage {
  if (!isObject(value)) return invalid(undefined, 'A JSON-RPC message is an object.')
  const { id, method, params } = value
  const knownId = isRequestId(id) ? id : undefined
  if (value['jsonrpc'] !== '2.0') return invalid(knownId, 'A JSON-RPC message carries "jsonrpc": "2.0".')
  if (id !== undefined && knownId === undefined) return invalid(undefined, 'The id of a request is a string or an integer.')

  if (method === undefined) {
    if (knownId === undefined || (('result' in value) === ('error' in value))) return invalid(knownId, 'A JSON-RPC message has a method, or an id with either a result or an error.')
    return { kind: 'response', id: knownId, result: value['result'], error: value['error'] }
  }
  if (typeof method !== 'string') return invalid(knownId, 'The method of a request is a string.')
  if (params !== undefined && !isObject(params)) return invalid(knownId, 'The params of a request are an object.')
  const known = params ?? noParams
  if (knownId === undefined) return { kind: 'notification', method, params: known }
  return { kind: 'request', id: knownId, method, params: known }
}

export function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Beyond the exact integers the echo could be another id than the one that was sent. */
function isRequestId (value: unknown): value is RequestId {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

function invalid (id: RequestId | undefined, message: string): RpcInvalid {
  return { kind: 'invalid', id, error: new InvalidRequestError(message) }
}

/** The text of a successful answer. `result` is JSON text already. */
export function resultText (id: RequestId, result: string): string {
  return typeof id === 'number'
    ? `{"jsonrpc":"2.0","id":${id},"result":${result}}`
    : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`
}

/** The text of an error answer. An id that is not known is left out: the schemas of MCP do not allow null. */
export function errorText (id: RequestId | undefined, error: GantryError, revision: Revision | undefined): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: errorObject(error, revision) })
}

/** An error as a revision knows it. */
export function errorObject ({ rpcCode, message, data }: GantryError, revision: Revision | undefined): { code: number, message: string, data: unknown } {
  const code = rpcCode === rpc.resourceNotFound && revision !== undefined && isModern(revision) ? rpc.invalidParams : rpcCode
  return { code, message, data }
}

/** The text of a notification to the client. */
export function notificationText (method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params })
}
