import { createKey, hashKey } from '../auth/key-format.ts'
import { configFromObject } from '../config/load.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import { endText, momentText } from './moments.ts'

/** What is known of a key before it is made. */
export interface KeyWish {
  name: string
  permissions?: readonly string[] | undefined
  tier?: string | undefined
  rateLimit?: ApiKey['rateLimit']
  /** "90d", a date, or "never". */
  expires?: string | undefined
}

/** A key, and the entry of `security.authentication.apiKeys` that it is found by. */
export interface NewKey { key: string, entry: Partial<ApiKey> }

/** Makes a key under a salt, with its entry; or says what no entry could have. */
export function createEntry ({ name, permissions = [], tier, rateLimit, expires = 'never' }: KeyWish, salt: string, nowMs: number): NewKey | { problems: string[] } {
  const key = createKey()
  const expiresAt = endText(expires, nowMs)
  const entry = {
    name,
    keyHash: hashKey(key, salt),
    ...(permissions.length > 0 && { permissions: [...permissions] }),
    ...(tier !== undefined && { tier }),
    ...(rateLimit !== undefined && { rateLimit }),
    createdAt: momentText(nowMs),
    ...(expiresAt !== undefined && { expiresAt })
  }
  const problems = problemsOf(entry)
  if (problems.length === 0 && expiresAt !== undefined && Date.parse(expiresAt) <= nowMs) return { problems: ['--expires: this moment is over already.'] }
  return problems.length > 0 ? { problems } : { key, entry }
}

const optionOf: Readonly<Record<string, string>> = { name: '--name', permissions: '--permissions', tier: '--tier', expiresAt: '--expires' }

/** What the rules of the configuration have against an entry, in the words of the command line. */
function problemsOf (entry: object): string[] {
  const { faults } = configFromObject({ security: { authentication: { apiKeys: [structuredClone(entry)] } } }, { env: { API_KEY_SALT: 'not used' } })
  return faults.filter(({ path }) => path[2] === 'apiKeys').map(({ path, message, suggestion }) => {
    return `${optionOf[String(path[4])] ?? String(path[4])}: ${message}${suggestion === undefined ? '' : ` ${suggestion}`}`
  })
}

/** Why no entry can be made; undefined when one can. */
export function saltProblem (salt: string | undefined): string | undefined {
  if (salt !== undefined && salt !== '') return undefined
  return `API_KEY_SALT is not set. An entry holds the hash of its key, and that fits only under the salt of the server.
Set it here to what the server has, in the environment or in the file .env. If the server has none yet:

  echo "API_KEY_SALT=$(openssl rand -base64 32)" >> .env`
}
