import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isLoopback } from '../../core/origin.ts'
import { isSet } from '../environment.ts'
import { quote, type Notice } from '../fault.ts'
import { isRefusal, type Outcome } from './outcome.ts'

/** Where Vault is and how to enter, as its own command line reads it from the environment; and AppRole. */
export interface VaultSettings {
  /** Without a slash at its end. */
  address: string
  /** Names the server in messages: without credentials. */
  origin: string
  isTls: boolean
  login: VaultLogin
  namespace: string | undefined
  /** Certificates, in PEM, of the authorities that count instead of those of the system. */
  authorities: string | undefined
  notices: readonly Notice[]
}

export type VaultLogin = { token: string } | { roleId: string, secretId: string }

const headerText = /^[!-~]+$/

export async function readVaultSettings (env: NodeJS.ProcessEnv): Promise<Outcome<VaultSettings>> {
  const { VAULT_ADDR: address = '', VAULT_CACERT: authoritiesFile, VAULT_NAMESPACE: namespace } = env
  if (address === '') return { problem: 'VAULT_ADDR is not set.', suggestion: 'Set it to where Vault is, such as "https://vault.example.com:8200".' }
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return { problem: 'VAULT_ADDR is not an http: or https: URL.', suggestion: 'Write it like "https://vault.example.com:8200".' }
  const { origin, protocol, hostname } = new URL(address)
  if (isSet(namespace) && !headerText.test(namespace)) return { problem: 'VAULT_NAMESPACE holds something that no name of a namespace has.' }
  const login = await readLogin(env)
  if (isRefusal(login)) return login
  const authorities = isSet(authoritiesFile) ? await readNamed('VAULT_CACERT', authoritiesFile) : { value: undefined }
  if (isRefusal(authorities)) return authorities
  const isTls = protocol === 'https:'
  const isExposed = !isTls && !isLoopback(hostname)
  return {
    value: {
      address: address.replace(/\/+$/, ''),
      origin,
      isTls,
      login: login.value,
      namespace: isSet(namespace) ? namespace : undefined,
      authorities: authorities.value,
      notices: isExposed ? [{ message: `VAULT_ADDR is an http: URL of another machine: the token and the secrets travel unencrypted to ${origin}.` }] : []
    }
  }
}

/** What is said for this purpose goes before what somebody once left in the home directory. */
async function readLogin (env: NodeJS.ProcessEnv): Promise<Outcome<VaultLogin>> {
  const { VAULT_TOKEN: token, VAULT_TOKEN_FILE: tokenFile, VAULT_ROLE_ID: roleId, VAULT_SECRET_ID: secretId, HOME: home } = env
  if (isSet(token)) return asToken({ value: token }, 'VAULT_TOKEN')
  if (isSet(tokenFile)) return asToken(await readNamed('VAULT_TOKEN_FILE', tokenFile), 'The file that VAULT_TOKEN_FILE names')
  if (isSet(roleId) && isSet(secretId)) return { value: { roleId, secretId } }
  if (isSet(roleId) || isSet(secretId)) return { problem: 'of VAULT_ROLE_ID and VAULT_SECRET_ID only one is set.', suggestion: 'Set both to log in with an AppRole.' }
  const left = await readText(join(isSet(home) ? home : homedir(), '.vault-token'))
  if ('text' in left) return asToken({ value: left.text }, 'The file ~/.vault-token')
  return { problem: 'there is no token for Vault.', suggestion: 'Set VAULT_TOKEN or VAULT_TOKEN_FILE, or VAULT_ROLE_ID and VAULT_SECRET_ID, or run "vault login".' }
}

/** Only what can stand in a header is a token. */
function asToken (read: Outcome<string>, source: string): Outcome<VaultLogin> {
  if (isRefusal(read)) return read
  const token = read.value.trim()
  return headerText.test(token) ? { value: { token } } : { problem: `${source} holds no token.` }
}

async function readNamed (variable: string, file: string): Promise<Outcome<string>> {
  const read = await readText(file)
  return 'text' in read ? { value: read.text } : { problem: `the file ${quote(file)}, which ${variable} names, cannot be read (${read.code}).` }
}

async function readText (file: string): Promise<{ text: string } | { code: string }> {
  try {
    return { text: await readFile(file, 'utf8') }
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? 'no reason was given' }
  }
}
