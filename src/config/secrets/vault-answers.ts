import { isObject } from '../../core/json-rpc.ts'
import { elements, member, quote } from '../fault.ts'
import type { Refusal } from './outcome.ts'
import { isPassing, wayFailure } from './store.ts'

/** What Vault answered, or why it did not. https://developer.hashicorp.com/vault/api-docs#http-status-codes */
export type VaultAnswer = { status: number, body: unknown } | { code: string }

/** Whether trying again soon may help. 412: a standby that has not yet heard of what this token may do. */
export function mayPass (answer: VaultAnswer): boolean {
  if ('code' in answer) return isPassing(answer.code)
  return [412, 429, 500, 502, 503, 504].includes(answer.status) && !isSealed(answer.body)
}

export interface Asked {
  /** The server, without credentials. */
  origin: string
  /** The path of the API. */
  path: string
  /** Takes out of Vault's own words what must not be shown. */
  hide: (text: string) => string
}

/** Why an answer cannot be used, and what to do. */
export function refusalOf (answer: VaultAnswer, { origin, path, hide }: Asked): Refusal {
  if ('code' in answer) return { problem: `Vault at ${origin} cannot be reached: ${wayFailure(answer.code) ?? `the request failed (${answer.code})`}.`, suggestion: 'Check VAULT_ADDR and that Vault runs; VAULT_CACERT names further authorities for its certificate.' }
  const { status, body } = answer
  const said = hide(String(elements(member(body, 'errors'))[0] ?? ''))
  if (isSealed(body)) return { problem: `Vault at ${origin} is sealed.`, suggestion: 'Unseal it: "vault operator unseal".' }
  if (status === 403) return { problem: `Vault at ${origin} denies the permission.`, suggestion: `Check that the token is valid, and that one of its policies allows "read" on ${quote(path)}.` }
  if (status === 404) return missing(body, said, origin, path)
  const words = said === '' ? '' : `: ${quote(said)}`
  return status === 200
    ? { problem: `what answers at ${origin} does not speak as Vault does.`, suggestion: 'Check VAULT_ADDR.' }
    : { problem: `Vault at ${origin} answered ${status}${words}.`, suggestion: status === 429 || status >= 500 ? 'Try again when Vault is well: its log has the reason.' : 'Check the settings for Vault in the environment.' }
}

/** A version that was deleted is answered with 404 and what is still known of it. */
function missing (body: unknown, said: string, origin: string, path: string): Refusal {
  const metadata = member(member(body, 'data'), 'metadata')
  if (isObject(metadata)) {
    const destroyed = metadata['destroyed'] === true
    return {
      problem: `the newest version of this secret in Vault at ${origin} was ${destroyed ? 'destroyed' : 'deleted'}.`,
      suggestion: destroyed ? 'Write it anew: "vault kv put".' : 'Bring it back with "vault kv undelete", or write it anew with "vault kv put".'
    }
  }
  if (said.includes('no handler for route')) return { problem: `Vault at ${origin} has nothing mounted there.`, suggestion: 'Check the first part of the path ("vault secrets list" names the mounts), and VAULT_NAMESPACE.' }
  const hint = /^[^/]+\/data\/data\//.test(path) ? 'Leave out "data/": the path is the one that "vault kv get" takes.' : 'Check the path with "vault kv get", and VAULT_NAMESPACE.'
  return { problem: `Vault at ${origin} has no such secret.`, suggestion: hint }
}

function isSealed (body: unknown): boolean {
  return elements(member(body, 'errors')).some((text) => /\bsealed\b/i.test(String(text)))
}
