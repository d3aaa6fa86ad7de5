import fc, { type Arbitrary } from 'fast-check'
import { argumentsFor, text, wild, type Target } from './values.ts'

/** JSON-RPC messages of both eras, mostly as a client would send them. */

export const latest = '2026-07-28'
export const legacyRevisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

export interface MessageOptions { readonly era: 'modern' | 'legacy' }

const uri = fc.oneof(fc.constantFrom('docs://readme', 'docs://one/two', 'docs://one/%2e%2e'), text.map((value) => `docs://${value}/x`), text)
const cursor = fc.oneof(fc.constant({}), text.map((value) => ({ cursor: value })), wild.map((value) => ({ cursor: value })))
const prompt = fc.record({ name: fc.oneof(fc.constant('greet'), text), arguments: fc.oneof(fc.record({ who: text, tone: text }, { requiredKeys: [] }), wild) }, { requiredKeys: ['name'] })
const reference = fc.oneof(fc.constant({ type: 'ref/prompt', name: 'greet' }), fc.constant({ type: 'ref/resource', uri: 'docs://{section}/{page}' }), wild)
const completion = fc.record({ ref: reference, argument: fc.record({ name: fc.oneof(fc.constantFrom('who', 'tone', 'section'), text), value: fc.oneof(text, wild) }) })
const task = fc.record({ taskId: text }, { requiredKeys: [] })
const hello = fc.record({ protocolVersion: fc.oneof(fc.constantFrom<string>(...legacyRevisions, latest), text), capabilities: fc.oneof(fc.constantFrom({}, { elicitation: {} }, { sampling: {}, roots: { listChanged: true } }), wild), clientInfo: fc.oneof(fc.record({ name: text, version: text }), wild) }, { requiredKeys: ['protocolVersion'] })

/** A message of an era, with its id and method, and now and then without. */
export function messageFor ({ tools }: Target, { era }: MessageOptions): Arbitrary<unknown> {
  const call = fc.oneof(...tools.map(({ name, inputSchema }) => fc.record({ name: fc.oneof({ weight: 9, arbitrary: fc.constant(name) }, { weight: 1, arbitrary: text }), arguments: argumentsFor(inputSchema) }, { requiredKeys: ['name'] })))
  const methods: [number, string, Arbitrary<unknown>][] = [
    [12, 'tools/call', call],
    [2, 'tools/list', cursor],
    [2, 'prompts/get', prompt],
    [1, 'prompts/list', cursor],
    [2, 'resources/read', fc.record({ uri })],
    [1, 'resources/list', cursor],
    [1, 'resources/templates/list', cursor],
    [1, 'completion/complete', completion],
    ...(era === 'legacy'
      ? [
          [2, 'initialize', hello], [1, 'ping', fc.constant({})], [1, 'logging/setLevel', fc.record({ level: fc.oneof(fc.constantFrom('debug', 'info', 'emergency'), wild) })],
          [1, 'resources/subscribe', fc.record({ uri })], [1, 'resources/unsubscribe', fc.record({ uri })],
          [1, 'notifications/cancelled', fc.record({ requestId: fc.oneof(fc.nat(50), wild) })], [1, 'notifications/initialized', fc.constant({})]
        ] as [number, string, Arbitrary<unknown>][]
      : [
          [1, 'server/discover', fc.constant({})], [1, 'tasks/get', task], [1, 'tasks/update', task], [1, 'tasks/cancel', task],
          [1, 'subscriptions/listen', fc.record({ notifications: fc.oneof(fc.constantFrom({ toolsListChanged: true }, {}), wild) })]
        ] as [number, string, Arbitrary<unknown>][])
  ]
  const request = fc.oneof(...methods.map(([weight, method, params]) => ({ weight, arbitrary: withParams(method, params, era) })))
  return fc.oneof(
    { weight: 12, arbitrary: request },
    { weight: 1, arbitrary: fc.tuple(request, fc.dictionary(fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error', '__proto__'), wild, { maxKeys: 2 })).map(([message, members]) => ({ ...message, ...members })) },
    { weight: 1, arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), id: wild, result: wild }) },
    { weight: 1, arbitrary: wild }
  )
}

function withParams (method: string, params: Arbitrary<unknown>, era: MessageOptions['era']): Arbitrary<Record<string, unknown>> {
  const id = fc.oneof({ weight: 9, arbitrary: fc.nat(1_000) }, { weight: 2, arbitrary: text }, { weight: 1, arbitrary: wild })
  const more = fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.record({ progressToken: fc.oneof(text, fc.nat(), wild), traceparent: text, 'io.modelcontextprotocol/logLevel': fc.oneof(fc.constant('debug'), wild) }, { requiredKeys: [] }) })
  return fc.record({ id, params, more, given: fc.oneof({ weight: 12, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }) }).map(({ id, params, more, given }) => {
    const meta = era === 'modern' ? { ...modernMeta, ...more } : more
    const isRequest = !method.startsWith('notifications/')
    const members = typeof params === 'object' && params !== null && !Array.isArray(params) ? { ...params, ...(Object.keys(meta).length > 0 && { _meta: meta }) } : params
    return { jsonrpc: '2.0', ...(isRequest && { id }), method, ...(given && { params: members }) }
  })
}

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': latest,
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } }
}
