import type { CacheHints } from '../cache-hints.ts'
import { nameOf } from '../classify.ts'
import { describeServer, type ServerInfo } from '../descriptions.ts'
import type { Method } from '../dispatcher.ts'
import { InvalidParamsError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import { isModern, modernRevisions, negotiate, supportsCompletionsCapability, type Revision } from '../versions.ts'
import { tasksCapability } from '../tasks/lane.ts'
import type { DeviationName } from '../tolerance.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'

export interface LifecycleParts {
  serverInfo: ServerInfo
  instructions: string | undefined
  wire: Wire
  cacheHints: CacheHints
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

/** What the server can do. Nothing is listed that it could not deliver: before 2026, news and the level of log messages need a session. */
function capabilities (revision: Revision, hasSession: boolean): object {
  const told = isModern(revision) || hasSession
  const listChanged = told && { listChanged: true }
  return {
    tools: { ...listChanged },
    prompts: { ...listChanged },
    resources: { ...listChanged, ...(told && { subscribe: true }) },
    ...(told && { logging: {} }),
    ...(supportsCompletionsCapability(revision) && { completions: {} })
  }
}

/**
 * `initialize` of the 2025 era: agrees on a revision. An unknown one is met with our latest, never with an error. Throws InvalidParamsError
 * in strict mode, when something is missing. 2025-11-25 basic/lifecycle.
 */
export function shakeHands (params: JsonObject, { hasSession }: { hasSession: boolean }, { serverInfo, instructions, wire, tolerance }: LifecycleParts): Handshake {
  const revision = negotiate(params['protocolVersion'])
  const { capabilities: declared, clientInfo } = params
  const clientName = nameOf(clientInfo)
  const demand = (name: DeviationName, isThere: boolean, what: string): void => {
    if (!isThere && !tolerance.bears(name, clientName)) throw new InvalidParamsError(`params.${what}.`)
  }
  demand('initialize-no-version', typeof params['protocolVersion'] === 'string', 'protocolVersion must be the version that the client wants to speak')
  demand('initialize-no-capabilities', isObject(declared), 'capabilities must be an object')
  demand('initialize-no-client-info', clientName !== undefined, 'clientInfo must be an object with the name of the client')
  const result = { protocolVersion: revision, capabilities: capabilities(revision, hasSession), serverInfo: describeServer(serverInfo, revision), ...(instructions !== undefined && { instructions }) }
  return {
    revision,
    clientCapabilities: isObject(declared) ? declared : {},
    clientName,
    result: wire.result(result, revision)
  }
}

/** `server/discover` of the 2026 era. MCP 2026-07-28 server/discover. */
export function createDiscoverMethod ({ instructions, wire, cacheHints, offersTasks }: LifecycleParts): [string, Method] {
  return ['server/discover', (_params, { revision }) => wire.result({
    supportedVersions: modernRevisions,
    capabilities: { ...capabilities(revision, false), ...(offersTasks() && tasksCapability) },
    ...(instructions !== undefined && { instructions })
  }, revision, cacheHints.lists)]
}

/** `ping`, which the 2026 era has no more. */
export const pingMethod: [string, Method] = ['ping', () => '{}']
