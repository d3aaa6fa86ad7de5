import { type CallOptions, type Door, isModern, isObject, type LogMessage, metaKeys, type Outcome, resultMethods, type Revision, type Traits, undress } from './door.ts'
import type { Message } from './event-stream.ts'

type Params = Record<string, unknown>
export type OnNotification = (message: Message) => void

/** What a client without a library writes itself: sends one JSON-RPC message and gives the answer, over whatever transport. */
export interface Wire {
  /** Resolves with the answer to a request; with undefined when it was cancelled. */
  exchange (message: PlainRequest, onNotification: OnNotification, signal: AbortSignal | undefined): Promise<Message | undefined>
  /** What the server said when the client introduced itself: the result of initialize or of server/discover. */
  readonly welcome: Params
  close (): Promise<void>
}

export interface PlainRequest { jsonrpc: '2.0', id: number, method: string, params: Params }

const clientInfo = { name: 'plain-client', version: '1.0.0' }

/** The params of the request with which a client of a revision introduces itself. */
export function introductionOf (revision: Revision): { method: string, params: Params } {
  return isModern(revision)
    ? { method: 'server/discover', params: withMeta({}, revision, undefined) }
    : { method: 'initialize', params: { protocolVersion: revision, capabilities: {}, clientInfo } }
}

/** The 2026 era says with each request what `initialize` said once before. */
export function withMeta (params: Params, revision: Revision, logLevel: CallOptions['logLevel']): Params {
  if (!isModern(revision)) return params
  return {
    ...params,
    _meta: {
      ...(isObject(params['_meta']) && params['_meta']),
      [metaKeys.protocolVersion]: revision,
      [metaKeys.clientCapabilities]: {},
      [metaKeys.clientInfo]: clientInfo,
      ...(logLevel !== undefined && { [metaKeys.logLevel]: logLevel })
    }
  }
}

/** The door of a client that speaks JSON-RPC by itself. */
export function plainDoor (traits: Traits, wire: Wire): Door {
  const { revision } = traits
  const logs: LogMessage[] = []
  const last: Door['last'] = {}
  let lastId = 0

  async function ask (method: string, params: Params = {}, { onProgress, signal, logLevel }: CallOptions = {}): Promise<Outcome> {
    const id = ++lastId
    const asked = onProgress === undefined ? params : { ...params, _meta: { progressToken: id } }
    const answer = await wire.exchange({ jsonrpc: '2.0', id, method, params: withMeta(asked, revision, logLevel) }, (message) => {
      if (message.method === 'notifications/message') logs.push(message.params as unknown as LogMessage)
      if (message.method === 'notifications/progress' && message.params?.['progressToken'] === id) {
        const { progressToken: _token, ...progress } = message.params
        onProgress?.(progress as unknown as Parameters<typeof onProgress>[0])
      }
    }, signal)
    if (answer === undefined) return { cancelled: true }
    if (answer.error !== undefined) return { error: { code: answer.error.code, message: answer.error.message } }
    last.result = answer.result
    return { result: undress(answer.result) }
  }

  return {
    traits,
    logs,
    last,
    call: (name, args, options) => ask('tools/call', { name, ...(args !== undefined && { arguments: args }) }, options),
    list: (kind, cursor) => ask(resultMethods[kind], cursor === undefined ? {} : { cursor }),
    prompt: (name, args) => ask('prompts/get', { name, ...(args !== undefined && { arguments: args }) }),
    read: (uri) => ask('resources/read', { uri }),
    complete: (ref, name, value) => ask('completion/complete', { ref, argument: { name, value } }),
    setLogLevel: (level) => ask('logging/setLevel', { level }),
    request: (method, params) => ask(method, params),
    introduction () {
      const { instructions, capabilities, protocolVersion, supportedVersions, serverInfo, _meta } = wire.welcome
      const info = (serverInfo ?? (isObject(_meta) ? _meta[metaKeys.serverInfo] : undefined)) as { name: string, version: string } | undefined
      return {
        name: info?.name,
        version: info?.version,
        instructions: instructions as string | undefined,
        capabilities: Object.keys(capabilities as object).sort(),
        revision: (protocolVersion ?? (supportedVersions as string[])[0]) as string
      }
    },
    close: () => wire.close()
  }
}
