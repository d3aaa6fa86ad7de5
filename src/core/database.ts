import { NotAvailableError } from './call-errors.ts'
import type { HandlerDatabase, QueryResult } from './ports.ts'

/** A database that the configuration names. Each kind of database is one implementation of this (stores/postgres.ts). */
export interface Database {
  /** Its name under `databases`. */
  readonly name: string
  /** Where it is, without credentials. */
  readonly address: string
  /** False from when it could not be reached, or was lost, until a connection was made again. */
  readonly available: boolean
  readonly counts: DatabaseCounts
  /** Compiles a statement that is run often. Does not reach for the database. */
  prepare (statement: Statement): PreparedStatement
  /**
   * Runs one statement, in a transaction of its own that may write. Rejects with ToolFailedError (when the database refuses it: `data.sqlState`),
   * DatabaseUnavailableError, DatabaseBusyError, ToolTimeoutError, or the reason of the call's signal; then the statement was cancelled on the server, too.
   */
  query (text: string, values: readonly unknown[], call?: Abortable): Promise<QueryResult>
  /** Resolves when the database has answered. Rejects as `query` does. */
  ping (call?: Abortable): Promise<void>
  /** Lets running statements finish within a limit, then cuts them off. */
  close (): Promise<void>
}

/** Whoever may give up. The signal is read when it is needed: to have one costs more than many a statement. */
export interface Abortable { readonly signal: AbortSignal }

export interface DatabaseCounts {
  /** Connections that are open, or are being opened. */
  readonly open: number
  /** Those of them that nobody uses. */
  readonly idle: number
  readonly running: number
  /** Statements that wait for a connection. */
  readonly waiting: number
}

export interface Statement {
  /** With `$1`, `$2`, … for its values. */
  readonly text: string
  /** Runs in a transaction that cannot write, and of which nothing is kept. */
  readonly readOnly: boolean
  /** Rows beyond are left out of what only reads, and end what writes: then nothing is written. */
  readonly maxRows: number
}

export interface StatementResult extends QueryResult {
  /** Whether there were more rows than may be. */
  readonly truncated: boolean
}

/** Rejects as `Database.query` does. */
export type PreparedStatement = (values: readonly unknown[], call?: Abortable) => Promise<StatementResult>

/** What `context.db` gives: a database whose statements end with the call. Throws NotAvailableError for one that is not configured. */
export function databaseForCall (databases: ReadonlyMap<string, Database>, name: string, call: Abortable): HandlerDatabase {
  const database = databases.get(name)
  if (database === undefined) {
    const known = databases.size === 0 ? 'the configuration has no "databases".' : `the configuration has no database of this name. It has: ${[...databases.keys()].join(', ')}.`
    throw new NotAvailableError(`context.db(${JSON.stringify(name)})`, known)
  }
  return {
    async query (text, values = []) {
      if (typeof text !== 'string' || !Array.isArray(values)) throw new TypeError('query(text, values) takes a text and, for its $1, $2, …, a list of values.')
      return await database.query(text, values, call)
    }
  }
}
