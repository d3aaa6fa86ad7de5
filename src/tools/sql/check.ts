import { distance } from 'fastest-levenshtein'
import type { HandlerOwner } from '../../core/ports.ts'
import { StatementFault, type NamedStatement } from './statement.ts'

/** What of a statement can be told before it ever runs. */

const writing: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE', 'CREATE', 'ALTER', 'DROP', 'GRANT', 'REVOKE', 'REFRESH'])

/** Each call is a transaction of its own, on a connection that belongs to nobody. */
const notHere: ReadonlyMap<string, string> = new Map([
  ...['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT', 'SAVEPOINT', 'RELEASE'].map((command) => [command, 'each call is a transaction of its own'] as const),
  ...['SET', 'RESET', 'DISCARD', 'LISTEN', 'UNLISTEN', 'LOAD', 'PREPARE', 'EXECUTE', 'DEALLOCATE', 'DECLARE', 'FETCH', 'MOVE', 'CLOSE'].map((command) => [command, 'it works on a session, and calls have none of their own'] as const),
  ['COPY', 'it exchanges more than rows'],
  ...['VACUUM', 'CLUSTER', 'CHECKPOINT'].map((command) => [command, 'it cannot run in a transaction'] as const)
])

/** Throws a StatementFault for a command that cannot do here what it is for. */
export function checkCommand ({ text, command }: NamedStatement, readOnly: boolean): void {
  const why = notHere.get(command)
  if (why !== undefined) throw new StatementFault(`${command} cannot be run by a handler: ${why}`, text, 0)
  if (readOnly && writing.has(command)) throw new StatementFault(`${command} writes, and this handler only reads: set "readOnly" to false if it shall write`, text, 0)
}

/** Throws a StatementFault for a parameter that no call could fill. */
export function checkParameters (query: string, { parameters }: NamedStatement, { kind, argumentNames }: HandlerOwner): void {
  if (argumentNames === undefined) return
  const unknown = parameters.find(({ name }) => !argumentNames.includes(name))
  if (unknown === undefined) return
  const nouns = { tool: 'an argument of the input schema', prompt: 'an argument of the prompt', resource: 'a variable of the URI template' }
  throw new StatementFault(`The parameter :${unknown.name} is not ${nouns[kind]}${hintAt(unknown.name, argumentNames)}`, query, unknown.index)
}

const maxNames = 20

function hintAt (name: string, known: readonly string[]): string {
  const near = known.find((other) => distance(name.toLowerCase(), other.toLowerCase()) <= Math.ceil(name.length / 4))
  if (near !== undefined) return `. Did you mean :${near}?`
  return known.length === 0 ? ': there are none' : `. There are: ${known.slice(0, maxNames).join(', ')}`
}
