import { createHash } from 'node:crypto'
import { canonicalText } from '../canonical-json.ts'
import type { JsonObject, Principal } from '../ports.ts'
import type { KeepRule } from './keep-rule.ts'

/** A longer key is kept as its digest, so that large arguments are not kept with their results. */
const maxKeyChars = 1_024

/**
 * Under what the result of a call is kept: the tool and its definition, who calls, and the arguments with their types, whatever the order
 * of their members. It is the JSON of an array, so that no two calls that differ have one key. Undefined for arguments that are nested too
 * deeply to be written.
 */
export function resultKey ({ keyHead, isShared }: KeepRule, args: JsonObject, principal: Principal): string | undefined {
  let text
  try {
    text = canonicalText(args)
  } catch {
    return undefined
  }
  const key = `[${keyHead},${isShared ? 'null' : principalText(principal)},${text}]`
  return key.length <= maxKeyChars ? key : createHash('sha256').update(key).digest('base64url')
}

const known = new WeakMap<Principal, string>()

/**
 * One principal is its kind and its name, with what it may do: a handler sees its permissions and its tier, and another token of the same
 * person may have others. Callers without a name of their own are one: a handler cannot tell them apart, because a run whose result may be
 * kept has neither session nor address.
 */
function principalText (principal: Principal): string {
  let text = known.get(principal)
  if (text === undefined) {
    const { kind, name, tier, permissions } = principal
    text = JSON.stringify([kind, name, tier ?? null, [...permissions].sort()])
    known.set(principal, text)
  }
  return text
}
