import { basename, extname } from 'node:path'
import { stringify } from 'yaml'
import type { NewKey } from './key-entry.ts'
import type { OldKey, Rotation } from './key-rotation.ts'

/** What is said of a new key, and of what to do with it. */

export function newKeyForPeople ({ key, entry }: NewKey): string {
  return paragraphs([
    ...announced('The key', key),
    'Its entry, for security.authentication.apiKeys; in YAML, too, it may stand as it is:',
    indented(JSON.stringify(entry, null, 2)),
    ...entry.permissions === undefined ? ['Without permissions, it may do what security.permissions.authenticated says, and no more.'] : [],
    'The server accepts the key from its next start on.'
  ])
}

export function rotationForPeople ({ made: { key, entry }, toCopy, old }: Rotation, file: string): string {
  const steps = [
    [`Put its entry beside the old one, in security.authentication.apiKeys of ${basename(file)}:`, indented(isYaml(file) ? stringify([entry], { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }).trimEnd() : JSON.stringify(entry, null, 2))],
    ...toCopy.map((name) => [`Copy "${name}" from the old entry, which has it from a placeholder.`]),
    ...old.map((one) => ending(one, file)),
    ['Give the new key to its owner. From its next start on the server accepts both, as one caller.'],
    ['Remove the old entry when its time is over.']
  ]
  return paragraphs([...announced('The new key', key), ...steps.flatMap(([first = '', ...rest], index) => [`${index + 1}. ${first}`, ...rest])])
}

function ending ({ line, expiresAt, endsAnyway }: OldKey, file: string): string[] {
  const which = line === undefined ? 'The old entry' : `The old entry, on line ${line},`
  if (endsAnyway) return [`${which} ends at ${expiresAt} already: leave it as it is.`]
  return [`${which} has to end. Write into it:`, indented(isYaml(file) ? `expiresAt: "${expiresAt}"` : `"expiresAt": "${expiresAt}"`)]
}

/** One JSON document; null where something is not known. */
export function rotationForPrograms ({ made, toCopy, old }: Rotation, file: string): string {
  return `${JSON.stringify({ file, ...made, copy: toCopy, old: old.map(({ line = null, ...rest }) => ({ line, ...rest })) }, null, 2)}\n`
}

function announced (what: string, key: string): string[] {
  return [`${what}, which is shown this once and kept nowhere:`, indented(key)]
}

function paragraphs (parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`
}

function indented (text: string): string {
  return text.split('\n').map((line) => `  ${line}`).join('\n')
}

function isYaml (file: string): boolean {
  return ['.yaml', '.yml'].includes(extname(file).toLowerCase())
}
