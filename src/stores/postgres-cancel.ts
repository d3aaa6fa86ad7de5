import pg, { type PoolClient } from 'pg'
import { connectionConfig, type PostgresSettings } from './postgres-settings.ts'

/** What the client library knows of a connection and does not declare. */
interface BackendKey { readonly processID?: number | null, readonly secretKey?: number | null }
interface CancelConnection {
  readonly stream: { destroy (): void }
  connect (port: number, host: string): void
  requestSsl (): void
  cancel (processId: number, secretKey: number): void
  on (event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): void
}

/**
 * Asks the server to cancel what a connection runs. Resolves when the server has taken note and hung up, could not be reached, or has not
 * answered within the limit. PostgreSQL, Frontend/Backend Protocol, Canceling Requests in Progress.
 */
export async function cancelStatement (client: PoolClient, settings: PostgresSettings, limitMs: number): Promise<void> {
  const { processID, secretKey } = client as BackendKey
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return
  const config = connectionConfig(settings)
  const connection = new pg.Connection(config) as unknown as CancelConnection
  await new Promise<void>((resolve) => {
    const end = (): void => { clearTimeout(limit); connection.stream.destroy(); resolve() }
    const limit = setTimeout(end, limitMs)
    const cancel = (): void => { connection.cancel(processID, secretKey) }
    connection.on('connect', () => { if (config.ssl === false) cancel(); else connection.requestSsl() })
    connection.on('sslconnect', cancel)
    connection.on('error', end)
    connection.on('end', end)
    connection.connect(settings.port, settings.host)
  })
}
