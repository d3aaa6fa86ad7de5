import { segmentsOf } from '../../core/placeholder-text.ts'
import { mapTexts } from '../text-values.ts'
import type { Outcome } from './outcome.ts'

/** References to secrets that another server keeps: `${vault:mount/path#field}`, `${aws:secret-id#field}`. */

export type SecretScheme = 'vault' | 'aws'

export interface SecretReference {
  scheme: SecretScheme
  /** The path of the secret, its mount first; or its name or ARN. */
  id: string
  /** Which of its members is meant; undefined for its whole text. */
  field: string | undefined
}

const start = /^(vault|aws):/
const forms: Readonly<Record<SecretScheme, string>> = { vault: '${vault:mount/path#field}', aws: '${aws:secret-id} or ${aws:secret-id#field}' }

/** Whether what stands inside of a placeholder is such a reference, right or wrong. */
export function isReference (inner: string): boolean {
  return start.test(inner)
}

/** All of a configuration, each once. */
export function findReferences (root: unknown): Set<string> {
  const found = new Set<string>()
  mapTexts(root, {
    text (text) {
      if (text.includes('${')) {
        for (const segment of segmentsOf(text)) if (segment.kind === 'placeholder' && isReference(segment.inner)) found.add(segment.inner)
      }
      return text
    }
  })
  return found
}

/** Takes a reference apart. */
export function readReference (inner: string): Outcome<SecretReference> {
  const scheme = (start.exec(inner)?.[1] ?? 'vault') as SecretScheme
  const rest = inner.slice(scheme.length + 1)
  const refuse = (problem: string): Outcome<SecretReference> => ({ problem, suggestion: `Write ${forms[scheme]}.` })
  if (rest.includes(':-')) return refuse('a reference to a secret takes no default.')
  if (/[\p{Cc}\p{Cs}]/u.test(rest)) return refuse('it holds a character that no name of a secret has.')
  const hash = rest.indexOf('#')
  const id = hash === -1 ? rest : rest.slice(0, hash)
  const field = hash === -1 ? undefined : rest.slice(hash + 1)
  if (id === '') return refuse('it names no secret.')
  if (field === '') return refuse('it names no field after the "#".')
  if (scheme === 'vault' && field === undefined) return refuse('it does not say which field of the secret is meant.')
  if (scheme === 'vault' && !isPath(id)) return refuse('it is not a mount and a path, with single slashes between their parts.')
  return { value: { scheme, id, field } }
}

/** Steps such as ".." would lead to another part of Vault's API. */
function isPath (id: string): boolean {
  const steps = id.split('/')
  return steps.length > 1 && !steps.some((step) => step === '' || step === '.' || step === '..')
}
