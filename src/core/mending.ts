import { isObject, readMessage, type RpcMessage } from './json-rpc.ts'
import type { DeviationName } from './tolerance.ts'
import type { Tolerance } from './tolerating.ts'
import type { JsonObject } from './ports.ts'

/** A message, and in what it was borne with. */
export interface MendedMessage { message: RpcMessage, deviations: readonly DeviationName[] }

/** Reads a message that `readMessage` refused as it was meant. Undefined in strict mode, and when it is not meant as any. */
export function mendMessage (value: unknown, { lenient }: Tolerance): MendedMessage | undefined {
  if (!lenient || !isObject(value)) return undefined
  const deviations: DeviationName[] = []
  const mended: JsonObject = { ...value }
  for (const [name, mend] of mends) if (mend(mended)) deviations.push(name)
  if (deviations.length === 0) return undefined
  const message = readMessage(mended)
  return message.kind === 'invalid' ? undefined : { message, deviations }
}

/** Each changes what deviates in its way, and says whether anything did. */
const mends: readonly (readonly [DeviationName, (message: JsonObject) => boolean])[] = [
  ['jsonrpc-missing', (message) => {
    if (message['jsonrpc'] !== undefined) return false
    message['jsonrpc'] = '2.0'
    return true
  }],
  ['params-null', (message) => message['params'] === null && drop(message, 'params')],
  ['params-empty-list', (message) => isEmptyList(message['params']) && drop(message, 'params')],
  ['notification-id-null', (message) => message['id'] === null && isNotificationName(message['method']) && drop(message, 'id')],
  ['response-null-member', (message) => {
    if (message['method'] !== undefined || !('result' in message) || !('error' in message)) return false
    const extra = message['error'] === null ? 'error' : 'result'
    return message[extra] === null && drop(message, extra)
  }]
]

/** Whether only notifications have such a name. */
export function isNotificationName (method: unknown): boolean {
  return typeof method === 'string' && method.startsWith('notifications/')
}

export function isEmptyList (value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function drop (message: JsonObject, member: string): true {
  delete message[member]
  return true
}
