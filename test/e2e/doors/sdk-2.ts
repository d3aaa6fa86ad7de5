import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { type LogMessage, metaKeys, type OpenDoor, type Traits } from './door.ts'
import { officialDoor, requestOptions, stdioParameters } from './official.ts'

/** The official client of both eras: @modelcontextprotocol/client 2.x, in one of its three modes. */
export function sdk2 (traits: Traits, mode: VersionNegotiationMode): OpenDoor {
  return async (t, target) => {
    const client = new Client({ name: 'sdk-2-client', version: '2.0.0' }, { versionNegotiation: { mode } })
    const logs: LogMessage[] = []
    client.setNotificationHandler('notifications/message', ({ params: { level, data, logger } }) => {
      logs.push({ level, data, ...(logger !== undefined && { logger }) })
    })
    const http = traits.transport === 'http' ? new StreamableHTTPClientTransport(new URL(target.server?.url ?? '')) : undefined
    await client.connect(http ?? new StdioClientTransport(stdioParameters(target)))
    t.teardown(async () => { await client.close() })
    return officialDoor({
      traits,
      client,
      logs,
      revision: () => client.getNegotiatedProtocolVersion(),
      call (name, args, options) {
        const meta = options.logLevel === undefined ? {} : { _meta: { [metaKeys.logLevel]: options.logLevel } }
        return client.callTool({ name, ...(args !== undefined && { arguments: args }), ...meta }, requestOptions(options))
      },
      async close () {
        await http?.terminateSession()
        await client.close()
      }
    })
  }
}
