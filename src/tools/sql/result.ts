import { ToolFailedError } from '../../core/call-errors.ts'
import type { StatementResult } from '../../core/database.ts'
import type { HandlerOwner } from '../../core/ports.ts'

/** What a handler returns for the rows of its statement. */
export function resultOf ({ kind, name }: HandlerOwner): (result: StatementResult) => unknown {
  switch (kind) {
    case 'tool': return toolResult
    case 'prompt': return (result) => wholeResult(name, result, (rows) => valueOf(rows) ?? JSON.stringify(rows))
    // To a resource, no row means that there is nothing at this address.
    case 'resource': return (result) => wholeResult(name, result, (rows) => rows.length === 0 ? undefined : valueOf(rows) ?? rows)
    default: return kind satisfies never
  }
}

/** The rows as structured content, with their JSON as text. That rows were left out is said in both. */
function toolResult ({ rows, rowCount, truncated }: StatementResult): unknown {
  if (!truncated) return { rows, rowCount }
  const structuredContent = { rows, rowCount, truncated }
  const told = `There are more than these ${rowCount} rows: the rest was left out. Ask for less, or for another part.`
  return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }, { type: 'text', text: told }] }
}

/** A text has no place to say that something is missing. */
function wholeResult (name: string, { rows, rowCount, truncated }: StatementResult, make: (rows: StatementResult['rows']) => unknown): unknown {
  if (truncated) throw new ToolFailedError(`${name} has more than ${rowCount} rows, which is what \`maxRows\` allows.`)
  return make(rows)
}

/** The one text of the one row. */
function valueOf ([first, ...more]: StatementResult['rows']): string | undefined {
  const values = first === undefined || more.length > 0 ? [] : Object.values(first)
  const [value] = values
  return values.length === 1 && typeof value === 'string' ? value : undefined
}
