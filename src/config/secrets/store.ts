import type { Notice } from '../fault.ts'
import type { SecretContent } from './field.ts'
import type { Outcome } from './outcome.ts'

/** A server that keeps secrets, opened for one load of a configuration. */
export interface SecretStore {
  /** What it keeps under a name. Never rejects. */
  read (id: string): Promise<Outcome<SecretContent>>
  /** Cuts off what is still under way. */
  close (): void
  notices?: readonly Notice[]
}

/** Opens a store with what the environment says of it. Rejects for nothing that is outside of the process. */
export type OpenStore = (options: StoreOptions) => Promise<Outcome<SecretStore>>

export interface StoreOptions {
  env: NodeJS.ProcessEnv
  /** How long one request may take. */
  attemptMs: number
  /** Fires when there is no time left. */
  signal: AbortSignal
}

/** How often a request is sent at most: what fails for the moment is tried again, within the time there is. */
export const maxAttempts = 3

const wayFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ECONNABORTED: 'it did not answer in time',
  ETIMEDOUT: 'it did not answer in time',
  TimeoutError: 'it did not answer in time',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up'
}

/** What went wrong on the way to a server, by the code of the error; undefined for what is no failure of the way. */
export function wayFailure (code: string): string | undefined {
  if (wayFailures[code] !== undefined) return `${wayFailures[code]} (${code})`
  return /CERT|TLS|SSL|SIGNATURE|ALTNAME|ISSUER/.test(code) ? `its TLS certificate or connection was not accepted (${code})` : undefined
}

/** Whether trying again soon may help. */
export function isPassing (code: string): boolean {
  return code !== 'ENOTFOUND' && wayFailures[code] !== undefined
}
