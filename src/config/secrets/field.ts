import { isObject } from '../../core/json-rpc.ts'
import { member, quote } from '../fault.ts'
import type { Outcome } from './outcome.ts'

/** What a store keeps under one name: a text, or members. */
export type SecretContent = string | { readonly [field: string]: unknown }

/** The text that a reference means. Numbers and booleans are texts here, as in the environment. */
export function pickField (content: SecretContent, field: string | undefined): Outcome<string> {
  const members = typeof content === 'string' && field !== undefined ? parsed(content) : content
  if (typeof members === 'string') return { value: members }
  if (field === undefined || !isObject(members)) return { problem: 'the secret is not a JSON object, so it has no fields.', suggestion: 'Leave out "#" and the field: then the whole text is taken.' }
  const value = member(members, field)
  if (typeof value === 'string') return { value }
  if (typeof value === 'boolean' || (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value)))) return { value: String(value) }
  if (value === undefined) return { problem: `the secret has no field ${quote(field)}.`, suggestion: 'Correct the name after the "#", or add the field to the secret.' }
  return { problem: `the field ${quote(field)} of the secret is not a text.`, suggestion: typeof value === 'number' ? 'Keep it as a text: as a number it has more digits than can be read.' : 'Keep it as a text.' }
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // No JSON, no fields.
  }
}
