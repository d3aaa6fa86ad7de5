import { commandLine, run } from '../../helpers/server.ts'
import { isModern, type OpenDoor, type Traits } from './door.ts'
import type { Message } from './event-stream.ts'
import { introductionOf, type OnNotification, plainDoor, type PlainRequest } from './plain.ts'

/** A program that starts a server for itself and speaks MCP with nothing but its standard streams. */
export function plainLines (traits: Traits): OpenDoor {
  return async (t, { file, env }) => {
    const program = run(t, [commandLine, 'stdio', file], { env })
    const waiting = new Map<unknown, { resolve: (message: Message | undefined) => void, onNotification: OnNotification }>()
    program.onLine((line) => {
      const message = JSON.parse(line) as Message
      if (message.method !== undefined) for (const { onNotification } of waiting.values()) onNotification(message)
      else waiting.get(message.id)?.resolve(message)
    })
    const send = (message: object): void => { program.write(`${JSON.stringify(message)}\n`) }

    async function exchange (message: PlainRequest, onNotification: OnNotification, signal: AbortSignal | undefined): Promise<Message | undefined> {
      const answer = new Promise<Message | undefined>((resolve) => {
        waiting.set(message.id, { resolve, onNotification })
        signal?.addEventListener('abort', () => {
          send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: message.id, reason: 'The user changed her mind.' } })
          resolve(undefined)
        })
        void program.exited.then(({ code }) => { resolve({ error: { code: code ?? -1, message: 'The server ended.' } }) })
      })
      send(message)
      return await answer.finally(() => { waiting.delete(message.id) })
    }

    const welcome = await exchange({ jsonrpc: '2.0', id: 0, ...introductionOf(traits.revision) }, () => {}, undefined)
    if (!isModern(traits.revision)) send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    return plainDoor(traits, {
      exchange,
      welcome: welcome?.result as Record<string, unknown>,
      async close () {
        program.endInput()
        await program.exited
      }
    })
  }
}
