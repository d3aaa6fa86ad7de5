import { LineConnection } from '../../src/core/line-connection.ts'
import type { GantryApp, JsonObject, Message } from './build.ts'
import { keepingLogger } from './exchange.ts'

/** Sends one message to the core of an app as stdio does, and gives what is written for it. */
export async function askOverLine (app: GantryApp, message: JsonObject): Promise<Message> {
  let written: Message | undefined
  const connection = new LineConnection({
    core: app.core,
    logger: keepingLogger(),
    principal: { kind: 'local', name: 'local', permissions: ['*'], tier: undefined },
    requests: app.serverRequests,
    write (line) { written = JSON.parse(line) as Message }
  })
  connection.receive(JSON.stringify(message))
  await connection.settled()
  if (written === undefined) throw new Error('Nothing was answered.')
  return written
}
