import { z } from 'zod'
import { commandLine } from '../../helpers/server.ts'
import { plainEnvironment } from '../../helpers/plain-environment.ts'
import { type CallOptions, type Door, type LogLevel, type LogMessage, outcomeOfError, type Outcome, type Reference, type Target, type Traits, undress } from './door.ts'

/** What both official clients have in common. */
interface OfficialClient {
  listTools (params?: { cursor: string }): Promise<unknown>
  listPrompts (params?: { cursor: string }): Promise<unknown>
  listResources (params?: { cursor: string }): Promise<unknown>
  listResourceTemplates (params?: { cursor: string }): Promise<unknown>
  getPrompt (params: { name: string, arguments?: Record<string, string> }): Promise<unknown>
  readResource (params: { uri: string }): Promise<unknown>
  complete (params: { ref: Reference, argument: { name: string, value: string } }): Promise<unknown>
  setLoggingLevel (level: LogLevel): Promise<unknown>
  request (request: { method: string, params?: Record<string, unknown> }, schema: typeof anything): Promise<unknown>
  getServerVersion (): { name: string, version: string } | undefined
  getServerCapabilities (): object | undefined
  getInstructions (): string | undefined
}

export interface OfficialDoor {
  traits: Traits
  client: OfficialClient
  logs: LogMessage[]
  revision (): string | undefined
  call (tool: string, args: Record<string, unknown> | undefined, options: CallOptions): Promise<unknown>
  close (): Promise<void>
}

const anything = z.looseObject({})

/** The door that one of the official clients is. */
export function officialDoor ({ traits, client, logs, revision, call, close }: OfficialDoor): Door {
  const last: Door['last'] = {}

  /** Some requests are refused by the client itself, before there is a promise. */
  async function settle (ask: () => Promise<unknown>, signal?: AbortSignal): Promise<Outcome> {
    try {
      last.result = await ask()
      return { result: undress(last.result) }
    } catch (error) {
      if (signal?.aborted === true) return { cancelled: true }
      return outcomeOfError(error)
    }
  }

  return {
    traits,
    logs,
    last,
    call: (tool, args, options = {}) => settle(() => call(tool, args, options), options.signal),
    list (kind, cursor) {
      const params = cursor === undefined ? undefined : { cursor }
      switch (kind) {
        case 'tools': return settle(() => client.listTools(params))
        case 'prompts': return settle(() => client.listPrompts(params))
        case 'resources': return settle(() => client.listResources(params))
        case 'resourceTemplates': return settle(() => client.listResourceTemplates(params))
      }
    },
    prompt: (name, args) => settle(() => client.getPrompt({ name, ...(args !== undefined && { arguments: args }) })),
    read: (uri) => settle(() => client.readResource({ uri })),
    complete: (ref, name, value) => settle(() => client.complete({ ref, argument: { name, value } })),
    setLogLevel: (level) => settle(() => client.setLoggingLevel(level)),
    request: (method, params) => settle(() => client.request({ method, ...(params !== undefined && { params }) }, anything)),
    introduction: () => ({
      name: client.getServerVersion()?.name,
      version: client.getServerVersion()?.version,
      instructions: client.getInstructions(),
      capabilities: Object.keys(client.getServerCapabilities() ?? {}).sort(),
      revision: revision()
    }),
    close
  }
}

/** How a client of the machine starts a server for itself. */
export function stdioParameters ({ file, env }: Target): { command: string, args: string[], env: Record<string, string>, stderr: 'ignore' } {
  const inherited = Object.entries(plainEnvironment()).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { command: process.execPath, args: [commandLine, 'stdio', file], env: { ...Object.fromEntries(inherited), ...env }, stderr: 'ignore' }
}

export function requestOptions ({ onProgress, signal }: CallOptions): { onprogress?: NonNullable<CallOptions['onProgress']>, signal?: AbortSignal } {
  return {
    ...(onProgress !== undefined && { onprogress: onProgress }),
    ...(signal !== undefined && { signal })
  }
}
