import type { Database, PreparedStatement } from '../../core/database.ts'
import { NotAvailableError } from '../../core/call-errors.ts'
import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerOwner, HandlerResolver, JsonObject } from '../../core/ports.ts'
import type { SqlHandler } from '../../../schemas/handler.ts'
import { checkCommand, checkParameters } from '../sql/check.ts'
import { resultOf } from '../sql/result.ts'
import { readStatement, StatementFault, type NamedStatement, type Parameter } from '../sql/statement.ts'

export interface SqlResolverOptions {
  /** Undefined where handlers are only checked. */
  databases: ReadonlyMap<string, Database> | undefined
}

/** Resolves `sql` handlers: one statement, whose named parameters take the arguments of the call. */
export function createSqlResolver ({ databases }: SqlResolverOptions): HandlerResolver<SqlHandler> {
  return {
    type: 'sql',
    async resolve ({ database, query, readOnly, maxRows }, owner) {
      const { text, parameters } = compile(query, readOnly, owner)
      const run = prepare(databases, database, { text, readOnly, maxRows })
      const shape = resultOf(owner)
      return (args, context) => run(parameters.map((parameter) => valueOf(parameter, args)), context).then(shape)
    }
  }
}

function compile (query: string, readOnly: boolean, owner: HandlerOwner): NamedStatement {
  try {
    const statement = readStatement(query)
    checkCommand(statement, readOnly)
    checkParameters(query, statement, owner)
    return statement
  } catch (error) {
    if (error instanceof StatementFault) throw new HandlerLoadError(['query'], error.message, { cause: error })
    throw error
  }
}

function prepare (databases: ReadonlyMap<string, Database> | undefined, name: string, statement: { text: string, readOnly: boolean, maxRows: number }): PreparedStatement {
  if (databases === undefined) return async () => { throw new NotAvailableError('A database', 'this program only checks configurations.') }
  const database = databases.get(name)
  if (database === undefined) throw new HandlerLoadError(['database'], `There is no database ${JSON.stringify(name)} under "databases".`)
  return database.prepare(statement)
}

/** An argument that is absent is NULL. */
function valueOf ({ name, asJson }: Parameter, args: JsonObject): unknown {
  const value = Object.hasOwn(args, name) ? args[name] : null
  return asJson && value !== null && value !== undefined ? JSON.stringify(value) : value
}
