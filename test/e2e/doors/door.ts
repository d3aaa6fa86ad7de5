import type { Server } from '../../helpers/server.ts'

/** One way into the server: a client, a transport, a mode and a revision. The same promises are checked through each. */
export interface Door {
  readonly traits: Traits
  /** The log messages that came, in their order. */
  readonly logs: LogMessage[]
  /** The last result as the client showed it, with all that its revision puts around it. */
  readonly last: { result?: unknown }
  call (tool: string, args?: Args, options?: CallOptions): Promise<Outcome>
  /** One page of a list. Some clients walk all pages when no cursor is given. */
  list (kind: ListKind, cursor?: string): Promise<Outcome>
  prompt (name: string, args?: Record<string, string>): Promise<Outcome>
  read (uri: string): Promise<Outcome>
  complete (ref: Reference, argument: string, value: string): Promise<Outcome>
  setLogLevel (level: LogLevel): Promise<Outcome>
  /** Any other method. */
  request (method: string, params?: Args): Promise<Outcome>
  /** What the client was told of the server. */
  introduction (): Introduction
  close (): Promise<void>
}

export interface Traits {
  /** Unique among the doors. */
  readonly name: string
  readonly client: 'sdk 1' | 'sdk 2' | 'plain' | 'rest'
  readonly transport: 'http' | 'stdio'
  /** Whether the server keeps a session for this client; a stdio connection is one. */
  readonly sessions: boolean
  readonly revision: Revision
}

export type Revision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'
export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'
export type Args = Record<string, unknown>
export interface LogMessage { level: string, data: unknown, logger?: string }
export interface Progress { progress: number, total?: number | undefined, message?: string | undefined }
export type Reference = { type: 'ref/prompt', name: string } | { type: 'ref/resource', uri: string }
export interface Introduction { name: string | undefined, version: string | undefined, instructions: string | undefined, capabilities: string[], revision: string | undefined }

export interface CallOptions {
  onProgress?: (progress: Progress) => void
  signal?: AbortSignal
  /** What the 2026 era sends with a request that wants log messages. */
  logLevel?: LogLevel
}

/** What came of a request, in the same words for every client. */
export type Outcome =
  | { result: unknown }
  | { error: { code: number | string, message: string } }
  | { problem: { status: number, code: string, detail: string, errors?: unknown } }
  | { cancelled: true }
  /** The client has no way to ask for this. */
  | { impossible: string }

/** What a door opens on: a server that listens, and the file from which a client may start one of its own. */
export interface Target { server: Server | undefined, file: string, env: Record<string, string> }

/** Opens a door; the test closes it. */
export type OpenDoor = (t: Test, target: Target) => Promise<Door>

export interface Test { teardown (fn: () => unknown): unknown }

export const resultMethods: Record<ListKind, string> = {
  tools: 'tools/list', prompts: 'prompts/list', resources: 'resources/list', resourceTemplates: 'resources/templates/list'
}

/** The keys under which the 2026 era says, with each request, what `initialize` said before. */
export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo'
}

export const isModern = (revision: Revision): boolean => revision === '2026-07-28'

/** A result without what the 2026 era puts around every result. */
export function undress (result: unknown): unknown {
  if (!isObject(result)) return result
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, _meta: meta, ...rest } = result
  if (!isObject(meta)) return rest
  const { [metaKeys.serverInfo]: _info, ...own } = meta
  return Object.keys(own).length === 0 ? rest : { ...rest, _meta: own }
}

/** An error of one of the official clients, or of a server, as an outcome. */
export function outcomeOfError (error: unknown): Outcome {
  if (!isObject(error) || !('code' in error)) throw error
  const { code, message } = error
  // The first SDK puts the number into the words too.
  return { error: { code: typeof code === 'number' ? code : String(code), message: String(message).replace(/^MCP error -?\d+: /, '') } }
}

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
