import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import type { LogMessage, OpenDoor, Traits } from './door.ts'
import { officialDoor, requestOptions, stdioParameters } from './official.ts'

/** The official client of the 2025 era: @modelcontextprotocol/sdk 1.x. */
export function sdk1 (traits: Traits): OpenDoor {
  return async (t, target) => {
    const client = new Client({ name: 'sdk-1-client', version: '1.0.0' })
    const logs: LogMessage[] = []
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params: { level, data, logger } }) => {
      logs.push({ level, data, ...(logger !== undefined && { logger }) })
    })
    const http = traits.transport === 'http' ? new StreamableHTTPClientTransport(new URL(target.server?.url ?? '')) : undefined
    let agreed: string | undefined
    const stdio: Transport = new StdioClientTransport(stdioParameters(target))
    stdio.setProtocolVersion = (version) => { agreed = version }
    // Its members may be undefined, which exactOptionalPropertyTypes tells from absent.
    await client.connect(http as Transport | undefined ?? stdio)
    t.teardown(async () => { await client.close() })
    return officialDoor({
      traits,
      client,
      logs,
      revision: () => http === undefined ? agreed : http.protocolVersion,
      call: (name, args, options) => client.callTool({ name, ...(args !== undefined && { arguments: args }) }, undefined, requestOptions(options)),
      async close () {
        await http?.terminateSession()
        await client.close()
      }
    })
  }
}
