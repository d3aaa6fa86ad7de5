import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import type { client as VaultClient } from 'node-vault'
import { createRedactor } from '../../core/redaction.ts'
import { isObject } from '../../core/json-rpc.ts'
import { member, quote } from '../fault.ts'
import type { SecretContent } from './field.ts'
import { loadPackage } from './optional-package.ts'
import { isRefusal, type Outcome } from './outcome.ts'
import { maxAttempts, type SecretStore, type StoreOptions } from './store.ts'
import { mayPass, refusalOf, type VaultAnswer } from './vault-answers.ts'
import { readVaultSettings, type VaultSettings } from './vault-settings.ts'

/** HashiCorp Vault, its KV store version 2. https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 */

const firstPauseMs = 100
const maxSockets = 8

/** Opens Vault: finds its settings and client, and logs in where that is asked for. */
export async function openVault (options: StoreOptions): Promise<Outcome<SecretStore>> {
  const loaded = await loadPackage('node-vault', () => import('node-vault'))
  if (isRefusal(loaded)) return loaded
  const settings = await readVaultSettings(options.env)
  if (isRefusal(settings)) return settings
  const { login, origin, address, namespace, notices } = settings.value
  const agents = createAgents(settings.value)
  const client = loaded.value.default({
    endpoint: address,
    debug: silent,
    requestOptions: { timeout: options.attemptMs, httpAgent: agents.plain, httpsAgent: agents.tls }
  })
  // Said here, so that the client does not look for them in the environment of the process, where they may be others.
  Object.assign(client, { token: 'token' in login ? login.token : '', namespace, pathPrefix: '' })
  const vault = new Vault(client, { origin, hide: createRedactor(Object.values(login)).text, signal: options.signal })
  const entered = 'token' in login ? undefined : await vault.logIn(login)
  const close = (): void => { agents.plain.destroy(); agents.tls.destroy() }
  if (entered === undefined) return { value: { read: (id) => vault.read(id), close, notices } }
  close()
  return entered
}

interface VaultFacts { origin: string, hide: (text: string) => string, signal: AbortSignal }

class Vault {
  readonly #client: VaultClient
  readonly #facts: VaultFacts

  constructor (client: VaultClient, facts: VaultFacts) {
    this.#client = client
    this.#facts = facts
  }

  /** Gets a token for an AppRole. Returns why that did not work. */
  async logIn ({ roleId, secretId }: { roleId: string, secretId: string }): Promise<Outcome<never> | undefined> {
    const answer = await this.#ask(() => this.#client.approleLogin({ role_id: roleId, secret_id: secretId }))
    if (isSuccess(answer) && this.#client.token !== '') return undefined
    const { problem, suggestion } = refusalOf(answer, { ...this.#facts, path: 'auth/approle/login' })
    const isRefused = 'status' in answer && (answer.status === 400 || answer.status === 403)
    return isRefused
      ? { problem: `Vault at ${this.#facts.origin} refuses to log in this AppRole.`, suggestion: 'Check VAULT_ROLE_ID and VAULT_SECRET_ID.' }
      : { problem, ...(suggestion !== undefined && { suggestion }) }
  }

  async read (id: string): Promise<Outcome<SecretContent>> {
    const mount = await this.#findMount(id)
    if (isRefusal(mount)) return mount
    const path = `${mount.value}/data/${id.slice(mount.value.length + 1)}`
    const answer = await this.#ask(() => this.#client.read(encoded(path)))
    const fields = isSuccess(answer) ? member(member(answer.body, 'data'), 'data') : undefined
    if (isObject(fields)) return { value: fields }
    // A proxy may have turned the 404 of a deleted version into a success.
    return refusalOf(isSuccess(answer) && fields === null ? { ...answer, status: 404 } : answer, { ...this.#facts, path })
  }

  /** Which part of a path is the mount: as the command line does, Vault is asked. Where it does not say, it is the first. */
  async #findMount (id: string): Promise<Outcome<string>> {
    const path = `sys/internal/ui/mounts/${id}`
    const answer = await this.#ask(() => this.#client.read(encoded(path)))
    if (!isSuccess(answer)) return isUntold(answer) ? { value: id.split('/', 1)[0] ?? '' } : refusalOf(answer, { ...this.#facts, path })
    const data = member(answer.body, 'data')
    const mount = String(member(data, 'path') ?? '').replace(/\/$/, '')
    if (mount === '' || !`${id}/`.startsWith(`${mount}/`)) return refusalOf(answer, { ...this.#facts, path })
    if (mount === id) return { problem: `${quote(id)} is a mount of Vault, and the path of no secret in it.`, suggestion: 'Add the path of the secret: "${vault:mount/path#field}".' }
    if (member(member(data, 'options'), 'version') === '2') return { value: mount }
    return { problem: `the mount ${quote(mount)} of Vault is not a KV store of version 2.`, suggestion: `Bring it to version 2 ("vault kv enable-versioning ${mount}"), or keep the secret in one that is.` }
  }

  async #ask (send: () => Promise<unknown>): Promise<VaultAnswer> {
    const { signal } = this.#facts
    for (let attempt = 1; ; attempt++) {
      const answer = await answerOf(send)
      if (attempt === maxAttempts || signal.aborted || !mayPass(answer)) return answer
      await pause(firstPauseMs * 4 ** (attempt - 1), undefined, { signal }).catch(silent)
    }
  }
}

async function answerOf (send: () => Promise<unknown>): Promise<VaultAnswer> {
  try {
    return { status: 200, body: await send() }
  } catch (error) {
    // Nothing else of it is used: the errors of the client carry its requests, and those the token.
    const response = member(error, 'response')
    const status = member(response, 'statusCode')
    if (typeof status === 'number') return { status, body: member(response, 'body') }
    return { code: String((error as NodeJS.ErrnoException).code ?? 'no reason was given') }
  }
}

function isSuccess (answer: VaultAnswer): answer is { status: number, body: unknown } {
  return 'status' in answer && answer.status === 200
}

/** Old servers do not know the question, and policies may forbid it. */
function isUntold (answer: VaultAnswer): boolean {
  return 'status' in answer && (answer.status === 403 || answer.status === 404)
}

function encoded (path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** Vault's standby nodes redirect to the active one. What began with TLS stays with it, or the token would be there to read. */
function createAgents ({ isTls, authorities }: VaultSettings): { plain: Agent, tls: TlsAgent } {
  const plain = new Agent({ maxSockets })
  if (isTls) plain.createConnection = () => { throw Object.assign(new Error('A redirect leads away from TLS.'), { code: 'TLS_DOWNGRADE' }) }
  return { plain, tls: new TlsAgent({ maxSockets, ...(authorities !== undefined && { ca: authorities }) }) }
}

/** The client would write what it sends, with the secrets in it, to standard error when DEBUG is set. */
function silent (): void {}
