import { isModern, type OpenDoor, type Revision, type Traits } from './door.ts'
import { type Message, messagesOf } from './event-stream.ts'
import { introductionOf, type OnNotification, plainDoor, type PlainRequest, type Wire } from './plain.ts'

/** A program that speaks MCP with nothing but `fetch`. */
export function plainHttp (traits: Traits): OpenDoor {
  return async (_t, { server }) => plainDoor(traits, await connect(server?.url ?? '', traits.revision))
}

/** Introduces a client at an endpoint and gives its way to talk. In the 2025 era the session comes along when there is one. */
export async function connect (url: string, revision: Revision): Promise<Wire & { readonly session: string | undefined }> {
  const opening = { jsonrpc: '2.0', id: 0, ...introductionOf(revision) } as const
  const response = await post(url, revision, opening)
  const { result } = await lastOf(response, () => {})
  const session = response.headers.get('mcp-session-id') ?? undefined
  if (!isModern(revision)) await post(url, revision, { jsonrpc: '2.0', method: 'notifications/initialized' }, { session })

  return {
    session,
    welcome: result as Record<string, unknown>,
    async exchange (message, onNotification, signal) {
      // Before 2026 a closed stream said nothing: such a client cancels with a message, and waits for its stream to end.
      const cancelling = isModern(revision) ? { signal } : {}
      if (!isModern(revision)) signal?.addEventListener('abort', () => { void post(url, revision, cancelled(message.id), { session }) })
      try {
        const answer = await lastOf(await post(url, revision, message, { session, ...cancelling }), onNotification)
        return answer.method === undefined && answer.id === message.id ? answer : undefined
      } catch (error) {
        if (signal?.aborted === true) return undefined
        throw error
      }
    },
    async close () {
      if (session !== undefined) await fetch(url, { method: 'DELETE', headers: headersOf(revision, session) })
    }
  }
}

export interface PostOptions { session?: string | undefined, signal?: AbortSignal | undefined, headers?: Record<string, string> }

/** Sends one message as its revision wants it sent. */
export async function post (url: string, revision: Revision, message: Partial<PlainRequest> & { method: string }, { session, signal, headers = {} }: PostOptions = {}): Promise<Response> {
  return await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headersOf(revision, session, message.method !== 'initialize'),
      ...(isModern(revision) && routingHeaders(message)),
      ...headers
    },
    body: JSON.stringify(message),
    ...(signal !== undefined && { signal })
  })
}

/** The header of the version came with 2025-06-18. */
export function headersOf (revision: Revision, session: string | undefined, agreed = true): Record<string, string> {
  return {
    ...(revision >= '2025-06-18' && agreed && { 'mcp-protocol-version': revision }),
    ...(session !== undefined && { 'mcp-session-id': session })
  }
}

/** What the 2026 era repeats in headers, so that whoever stands between needs no body. */
function routingHeaders ({ method, params = {} }: Partial<PlainRequest> & { method: string }): Record<string, string> {
  const name = method === 'resources/read' ? params['uri'] : method === 'tools/call' || method === 'prompts/get' ? params['name'] : undefined
  return { 'mcp-method': method, ...(typeof name === 'string' && { 'mcp-name': name }) }
}

function cancelled (requestId: number): { jsonrpc: '2.0', method: string, params: Record<string, unknown> } {
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, reason: 'The user changed her mind.' } }
}

/** Hands on what comes before the answer, and gives the answer; an empty message when there is none. */
async function lastOf (response: Response, onNotification: OnNotification): Promise<Message> {
  let last: Message = {}
  for await (const message of messagesOf(response)) {
    if (message.method === undefined) last = message
    else onNotification(message)
  }
  return last
}
