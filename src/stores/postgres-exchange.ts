import type { Submittable } from 'pg'
import type { JsonObject } from '../core/ports.ts'
import { decoderOf, encodeValue, type Decode, type Encoded } from './postgres-values.ts'

/** One statement on one connection, in as few messages as the protocol allows. PostgreSQL, Frontend/Backend Protocol, Extended Query. */

/** A statement as connections know it. */
export interface Plan {
  /** Under which connections keep it; empty for one that is run once. */
  readonly name: string
  readonly text: string
  /** What goes before it in the same breath, and what after it. */
  readonly before: 'BEGIN READ ONLY' | 'BEGIN' | undefined
  readonly after: 'ROLLBACK' | undefined
  /** Rows to ask for at most; 0 for all. */
  readonly rowLimit: number
}

/** What a connection knows of the plans that were run on it. */
export interface KnownPlans { readonly columns: Map<string, Columns> }

interface Column { readonly name: string, readonly decode: Decode }
export interface Columns { readonly list: readonly Column[], readonly fault: string | undefined }

export interface Outcome {
  readonly rows: JsonObject[]
  /** What the command says of itself, `INSERT 0 1`; undefined where there were more rows than were asked for. */
  readonly tag: string | undefined
}

/** An answer of which no result can be made. */
export class UnusableAnswer extends Error {
  /** Whether more of it is to come: then the connection is of no use any more. */
  readonly isUnfinished: boolean
  constructor (message: string, isUnfinished: boolean) {
    super(message)
    this.isUnfinished = isUnfinished
  }

  override get name (): string { return 'UnusableAnswer' }
}

/** The messages of the connection that are used. */
interface Wire {
  readonly stream: { cork (): void, uncork (): void, write (bytes: Uint8Array): unknown }
  parse (message: { name: string, text: string }): void
  close (message: { type: 'S', name: string }): void
  bind (message: { statement: string, values: readonly unknown[], valueMapper: (value: unknown) => Encoded }): void
  describe (message: { type: 'P' }): void
  execute (message?: { rows: number }): void
  sync (): void
}
interface RowDescription { readonly fields: readonly { readonly name: string, readonly dataTypeID: number }[] }
interface DataRow { readonly length: number, readonly fields: readonly (string | null)[] }

const transactionCommands = {
  'BEGIN READ ONLY': { name: 'gantry_read', bytes: runMessages('gantry_read') },
  BEGIN: { name: 'gantry_write', bytes: runMessages('gantry_write') },
  ROLLBACK: { name: 'gantry_undo', bytes: runMessages('gantry_undo') }
} as const

/** The messages Bind and Execute for a prepared statement without values: the same each time. */
function runMessages (name: string): Buffer {
  const bind = Buffer.alloc(1 + 4 + 1 + name.length + 1 + 6)
  bind.write('B')
  bind.writeInt32BE(bind.length - 1, 1)
  bind.write(name, 6, 'latin1')
  const execute = Buffer.alloc(1 + 4 + 1 + 4)
  execute.write('E')
  execute.writeInt32BE(execute.length - 1, 1)
  return Buffer.concat([bind, execute])
}

/**
 * Sends a plan with its values and reads the answer. The client library hands it the messages (its interface for queries of one's own, as
 * its cursors use it); of its own queries it has none that takes several commands in one round trip.
 */
export class Exchange implements Submittable {
  readonly #plan: Plan
  readonly #values: readonly unknown[]
  readonly #known: KnownPlans
  readonly #maxBytes: number
  readonly #done: (error: Error | undefined, outcome: Outcome) => void
  #isDone = false
  readonly #rows: JsonObject[] = []
  #columns: Columns | undefined
  #tag: string | undefined
  /** Which of the commands is answered next: the one before, the statement, the one after. */
  #command: 'before' | 'statement' | 'after'
  #bytes = 0
  #failure: Error | undefined

  constructor (plan: Plan, values: readonly unknown[], known: KnownPlans, maxBytes: number, done: (error: Error | undefined, outcome: Outcome) => void) {
    this.#plan = plan
    this.#values = values
    this.#known = known
    this.#maxBytes = maxBytes
    this.#done = done
    this.#command = plan.before === undefined ? 'statement' : 'before'
    this.#columns = known.columns.get(plan.name)
  }

  submit (connection: unknown): Error | undefined {
    const wire = connection as Wire // The library calls this with its connection.
    const { name, text, before, after, rowLimit } = this.#plan
    wire.stream.cork()
    try {
      if (before !== undefined) this.#runCommand(wire, before)
      if (this.#columns === undefined) {
        // A try that failed may have left it behind.
        if (name !== '') wire.close({ type: 'S', name })
        wire.parse({ name, text })
      }
      wire.bind({ statement: name, values: this.#values, valueMapper: encodeValue })
      if (this.#columns === undefined) wire.describe({ type: 'P' })
      wire.execute(rowLimit === 0 ? undefined : { rows: rowLimit })
      if (after !== undefined) this.#runCommand(wire, after)
    } catch (error) {
      // A value that cannot be bound. What was sent is answered; the connection is as it was but for an open transaction.
      this.#failure = error as Error
    } finally {
      wire.sync()
      wire.stream.uncork()
    }
    return undefined
  }

  #runCommand (wire: Wire, command: keyof typeof transactionCommands): void {
    const { name, bytes } = transactionCommands[command]
    if (!this.#known.columns.has(name)) {
      wire.close({ type: 'S', name })
      wire.parse({ name, text: command })
      this.#known.columns.set(name, noColumns)
    }
    wire.stream.write(bytes)
  }

  handleRowDescription ({ fields }: RowDescription): void {
    this.#columns = columnsOf(fields)
    if (this.#columns.fault !== undefined) this.#failure = new UnusableAnswer(this.#columns.fault, false)
  }

  handleDataRow ({ length, fields }: DataRow): void {
    this.#bytes += length
    if (this.#failure !== undefined || this.#columns === undefined) return
    if (this.#bytes > this.#maxBytes) return this.#end(new UnusableAnswer(`the answer has more than ${this.#maxBytes} bytes: ask for less`, true))
    const { list } = this.#columns
    const row: JsonObject = {}
    for (let index = 0; index < list.length; index++) {
      const { name, decode } = list[index] as Column
      const text = fields[index] ?? null
      row[name] = text === null ? null : decode(text)
    }
    this.#rows.push(row)
  }

  handleCommandComplete ({ text }: { text: string }): void {
    if (this.#command === 'statement') this.#tag = text
    this.#next()
  }

  handlePortalSuspended (): void { this.#next() }
  handleEmptyQuery (): void { this.#next() }

  #next (): void {
    this.#command = this.#command === 'before' ? 'statement' : 'after'
  }

  handleCopyInResponse (): void { this.#refuseCopy() }
  handleCopyData (): void { this.#refuseCopy() }

  /** To get out of a copy takes more than is worth knowing. */
  #refuseCopy (): void {
    this.#end(new UnusableAnswer('COPY cannot be run from here', true))
  }

  handleError (error: Error): void {
    this.#known.columns.delete(this.#plan.name)
    if (this.#command !== 'statement') this.#known.columns.clear() // Somebody made the connection forget.
    this.#end(this.#failure ?? error)
  }

  handleReadyForQuery (): void {
    if (this.#failure === undefined && this.#plan.name !== '') this.#known.columns.set(this.#plan.name, this.#columns ?? noColumns)
    this.#end(this.#failure)
  }

  #end (error: Error | undefined): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#failure = error
    this.#done(error, { rows: this.#rows, tag: this.#tag })
  }
}

const noColumns: Columns = { list: [], fault: undefined }

function columnsOf (fields: RowDescription['fields']): Columns {
  const names = new Set<string>()
  for (const { name } of fields) {
    if (names.has(name)) return { list: [], fault: `two columns of its result are called ${JSON.stringify(name)}: give one another name with AS` }
    if (name === '__proto__') return { list: [], fault: 'a column of its result is called "__proto__": give it another name with AS' }
    names.add(name)
  }
  return { list: fields.map(({ name, dataTypeID }) => ({ name, decode: decoderOf(dataTypeID) })), fault: undefined }
}
