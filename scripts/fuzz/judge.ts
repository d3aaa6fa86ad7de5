import type { Attack } from './attacks.ts'
import type { Answer } from './send.ts'

/** What no answer may be, whatever was asked. */

const maxTookMs = 5_000
/** Answers with these were declared: the error says what happened, and what to do. docs/errors.md has them. */
const undeclared: ReadonlySet<unknown> = new Set([undefined, 'MCP_INTERNAL'])
const jsonTypes: ReadonlySet<string> = new Set(['application/json', 'application/problem+json'])
const internalText = /^Internal error/
const insideText = /\n\s+at .+:\d+:\d+|node_modules|file:\/\/\//

/** The promise that an answer breaks, if it breaks one. */
export function faultOf (attack: Attack, answer: Answer): string | undefined {
  if (answer.isLate) return 'no answer in time'
  // The connection of a client that breaks the rules of HTTP may just be closed.
  if (answer.status === undefined) return 'bytes' in attack ? undefined : 'the connection was closed without an answer'
  if (answer.tookMs > maxTookMs) return `an answer after ${Math.round(answer.tookMs)} ms`
  if (tellsInside(attack, answer)) return 'the answer tells of the inside of the server'
  const messages = jsonIn(textsIn(answer))
  if (messages === undefined) return 'the answer is no JSON'
  if (messages.some(({ error }) => internalText.test(String(error?.message)))) return 'an internal error'
  // Of an answer to HEAD there is no body.
  if ('method' in attack && attack.method === 'HEAD') return undefined
  const [first] = messages
  if (answer.status >= 500 && first?.error === undefined && undeclared.has(first?.code)) return `status ${answer.status} without a declared code`
  return undefined
}

/** What an answer repeats of the attack itself is nothing of the inside. */
function tellsInside (attack: Attack, { body }: Answer): boolean {
  const found = insideText.exec(body)?.[0]
  return found !== undefined && !('bytes' in attack ? attack.bytes.toString() : `${attack.path} ${Object.values(attack.headers).join(' ')} ${attack.body}`).includes(found)
}

interface SentMessage { readonly code?: unknown, readonly error?: { readonly message?: unknown } }

function jsonIn (texts: readonly string[]): SentMessage[] | undefined {
  try {
    return texts.filter((text) => text !== '').flatMap((text) => JSON.parse(text) as SentMessage | SentMessage[])
  } catch {
    return undefined
  }
}

/** The JSON texts of an answer. */
function textsIn ({ mediaType, body }: Answer): string[] {
  if (mediaType === 'text/event-stream') return eventsIn(body)
  return jsonTypes.has(mediaType) ? [body] : []
}

/** The data of the events that came whole, but for the one that is an address. */
function eventsIn (body: string): string[] {
  const events = body.split('\n\n').slice(0, -1).map((event) => event.split('\n')).filter((lines) => !lines.includes('event: endpoint'))
  return events.flatMap((lines) => lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)))
}
