import { nameOf } from '../classify.ts'
import type { Method } from '../dispatcher.ts'
import { InvalidParamsError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import { modernRevisions, negotiate, supportsCompletionsCapability, type Revision } from '../versions.ts'
import { tasksCapability } from '../tasks/lane.ts'
import type { DeviationName } from '../tolerance.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'

/** How the server presents itself: MCP `Implementation`. */
export interface ServerInfo { name: string, version: string, title?: string, description?: string }

export interface LifecycleParts {
  serverInfo: ServerInfo
  instructions: string | undefined
  wire: Wire
  /** Whether calls may be answered with tasks (2026 era). */
  offersTasks: () => boolean
  tolerance: Tolerance
}

/** What `initialize` settled, for whoever keeps the session. */
export interface Handshake {
  revision: Revision
  clientCapabilities: JsonObject
  clientName: string | undefined
  /** The result as JSON text. */
  result: string
}

/** What the server can do. Nothing is listed that it could not deliver: `news` says whether changes reach the client. */
function capabilities (revision: Revision, news: boolean): object {
  const listChanged = news && { listChanged: true }
  return {
    tools: { ...listChanged },
    prompts: { ...listChanged },
    resources: { ...listChanged, ...(news && { subscribe: true }) },
    logging: {},
    ...(supportsCompletionsCapability(revision) && { completions: {} })
  }
}

/**
 * `initialize` of the 2025 era: agrees on a revision. An unknown one is met with our latest, never with an error. Throws InvalidParamsError
 * in strict mode, when something is missing. 2025-11-25 basic/lifecycle.
 */
export function shakeHands (params: JsonObject, { news }: { news: boolean }, { serverInfo, instructions, wire, tolerance }: LifecycleParts): Handshake {
  const revision = negotiate(params['protocolVersion'])
  const { capabilities: declared, clientInfo } = params
  const clientName = nameOf(clientInfo)
  const demand = (name: DeviationName, isThere: boolean, what: string): void => {
    if (!isThere && !tolerance.bears(name, clientName)) throw new InvalidParamsError(`params.${what}.`)
  }
  demand('initialize-no-version', typeof params['protocolVersion'] === 'string', 'protocolVersion must be the version that the client wants to speak')
  demand('initialize-no-capabilities', isObject(declared), 'capabilities must be an object')
  demand('initialize-no-client-info', clientName !== undefined, 'clientInfo must be an object with the name of the client')
  const result = { protocolVersion: revision, capabilities: capabilities(revision, news), serverInfo, ...(instructions !== undefined && { instructions }) }
  return {
    revision,
    clientCapabilities: isObject(declared) ? declared : {},
    clientName,
    result: wire.result(result, revision)
  }
}

/** `server/discover` of the 2026 era. MCP 2026-07-28 server/discover. */
export function createDiscoverMethod ({ instructions, wire, offersTasks }: LifecycleParts): [string, Method] {
  return ['server/discover', (_params, { revision }) => wire.result({
    supportedVersions: modernRevisions,
    capabilities: { ...capabilities(revision, true), ...(offersTasks() && tasksCapability) },
    ...(instructions !== undefined && { instructions })
  }, revision, { ttlMs: 300_000, cacheScope: 'public' })]
}

/** `ping`, which the 2026 era has no more. */
export const pingMethod: [string, Method] = ['ping', () => '{}']
