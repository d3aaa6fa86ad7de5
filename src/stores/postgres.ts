import { setTimeout as delay } from 'node:timers/promises'
import pg, { type ClientBase, type PoolClient } from 'pg'
import { DatabaseUnavailableError, ToolFailedError, ToolTimeoutError } from '../core/call-errors.ts'
import type { Abortable, Database, DatabaseCounts, PreparedStatement, Statement, StatementResult } from '../core/database.ts'
import { Gate } from '../core/gate.ts'
import type { Clock, Logger, QueryResult } from '../core/ports.ts'
import type { DatabaseSection } from '../../schemas/config/storage.ts'
import { cancelStatement } from './postgres-cancel.ts'
import { Exchange, type KnownPlans, type Outcome, type Plan } from './postgres-exchange.ts'
import { connectionFailure, endsConnection, isServerError, isStalePlan, reasonOf, statementFailure } from './postgres-failure.ts'
import { addressText, poolConfig, postgresSettings, type PostgresSettings } from './postgres-settings.ts'
import { watchCall } from './postgres-watch.ts'
import { createTransitions, type Transitions } from './transitions.ts'

export interface PostgresOptions {
  /** Its name under `databases`. */
  name: string
  section: DatabaseSection
  /** Names the program to the database. */
  serverName: string
  logger: Logger
  clock: Clock
}

/** How long the server may be late with saying itself that a statement took too long. */
const graceMs = 500
const cancelLimitMs = 1_000
const closeLimitMs = 1_000
const quietMs = 60_000
const maxAnswerBytes = 64 * 1024 * 1024
const pingPlan: Plan = { name: 'gantry_ping', text: 'SELECT 1', before: undefined, after: undefined, rowLimit: 0 }

/** Opens a PostgreSQL. Connects when the first statement needs it; that the server is away fails nothing here. */
export function openPostgres (options: PostgresOptions): Database {
  return new Postgres(options)
}

class Postgres implements Database {
  readonly name: string
  readonly address: string
  readonly #settings: PostgresSettings
  readonly #pool: pg.Pool
  /** Has as many places as the pool has connections: whoever has one need not wait for the other. */
  readonly #gate: Gate
  readonly #transitions: Transitions
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #connections = new Set<ClientBase>()
  readonly #known = new WeakMap<ClientBase, KnownPlans>()
  /** Those whose statement was given up. */
  readonly #abandoned = new WeakSet<ClientBase>()
  #plans = 0
  #refusalToldAt = -Infinity
  #isClosing = false
  /** Told when nothing runs any more. */
  #onRest: (() => void) | undefined

  constructor ({ name, section, serverName, logger, clock }: PostgresOptions) {
    this.name = name
    this.#settings = postgresSettings(name, section)
    this.address = addressText(this.#settings)
    this.#logger = logger
    this.#clock = clock
    this.#gate = new Gate({ maxConcurrent: this.#settings.max, maxQueue: this.#settings.maxQueue })
    this.#transitions = createTransitions({ subject: `The database ${JSON.stringify(name)}`, facts: { database: this.address }, logger, clock })
    this.#pool = new pg.Pool({ ...poolConfig(this.#settings, serverName), onConnect: (client: ClientBase) => this.#begin(client) })
    this.#pool.on('error', ignore) // Each connection tells of its own.
  }

  get available (): boolean { return this.#transitions.state === 'new' || this.#transitions.state === 'up' }

  get counts (): DatabaseCounts {
    return { open: this.#pool.totalCount, idle: this.#pool.idleCount, running: this.#gate.running, waiting: this.#gate.waiting }
  }

  prepare ({ text, readOnly, maxRows }: Statement): PreparedStatement {
    const plan: Plan = { name: `gantry_${++this.#plans}`, text, before: readOnly ? 'BEGIN READ ONLY' : 'BEGIN', after: readOnly ? 'ROLLBACK' : undefined, rowLimit: maxRows + 1 }
    return async (values, call) => {
      const { rows, tag } = await this.#run(plan, values, call)
      const truncated = rows.length > maxRows
      if (truncated) rows.pop()
      return { rows, rowCount: truncated ? maxRows : countOf(tag), truncated } satisfies StatementResult
    }
  }

  async query (text: string, values: readonly unknown[], call?: Abortable): Promise<QueryResult> {
    const { rows, tag } = await this.#run({ name: '', text, before: undefined, after: undefined, rowLimit: 0 }, values, call)
    return { rows, rowCount: countOf(tag) }
  }

  async ping (call?: Abortable): Promise<void> {
    await this.#run(pingPlan, [], call)
  }

  async close (): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#gate.running > 0) await within(closeLimitMs, new Promise<void>((resolve) => { this.#onRest = resolve }))
    const ended = this.#pool.end()
    // Those that are idle have said goodbye. What still runs is cut off, and a server that does not answer does not hang up either.
    for (const connection of this.#connections) streamOf(connection).destroy()
    await within(closeLimitMs, ended)
  }

  async #run (plan: Plan, values: readonly unknown[], call: Abortable | undefined): Promise<Outcome> {
    if (this.#isClosing) throw new DatabaseUnavailableError(this.name)
    if (!this.#gate.enter()) await this.#waitForPlace(call?.signal)
    let client
    try {
      client = await this.#connect(call)
    } catch (error) {
      this.#leave()
      throw error
    }
    return await this.#guard(client, this.#execute(client, plan, values), call)
  }

  async #waitForPlace (signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#gate.wait(this.#settings.connectTimeoutMs, signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw connectionFailure(this.name, error)
    }
  }

  #connect (call: Abortable | undefined): Promise<PoolClient> {
    // One that is there is there at once; for a new one, the caller may not have waited.
    const signal = this.#pool.idleCount > 0 ? undefined : call?.signal
    return new Promise((resolve, reject) => {
      this.#pool.connect((error, client) => {
        if (client === undefined) {
          this.#noteRefusal(error)
          reject(connectionFailure(this.name, error))
        } else if (signal?.aborted === true) {
          client.release()
          reject(signal.reason as Error)
        } else {
          resolve(client)
        }
      })
    })
  }

  /** Makes a connection speak as values are read, and keeps an eye on it. */
  async #begin (client: ClientBase): Promise<void> {
    this.#connections.add(client)
    client.on('error', (error) => { this.#noteLoss(client, error) })
    client.on('end', () => { this.#connections.delete(client) })
    const limit = setTimeout(() => { streamOf(client).destroy() }, this.#settings.connectTimeoutMs)
    try {
      await client.query(`SET datestyle TO ISO; SET intervalstyle TO iso_8601; SET bytea_output TO hex; SET statement_timeout TO ${this.#settings.statementTimeoutMs}`)
    } finally {
      clearTimeout(limit)
    }
    this.#known.set(client, { columns: new Map() })
    this.#transitions.arrived()
  }

  /** Runs a plan to its end: afterwards the connection is in no transaction, or of no use. Rejects with the error of the statement. */
  async #execute (client: PoolClient, plan: Plan, values: readonly unknown[], isRepeated = false): Promise<Outcome> {
    let isUncertain = plan.before === undefined
    try {
      const outcome = await this.#exchange(client, plan, values)
      if (plan.before === 'BEGIN') {
        if (outcome.rows.length >= plan.rowLimit) throw new ToolFailedError(`The statement on the database ${JSON.stringify(this.name)} returned more than ${plan.rowLimit - 1} rows, which is what \`maxRows\` allows. Nothing was written.`)
        isUncertain = true
        // Whoever gave it up was told that it has not ended. A server that goes on after a while does not write it then.
        await client.query(this.#abandoned.has(client) ? 'ROLLBACK' : 'COMMIT')
      }
      return outcome
    } catch (error) {
      if (!endsConnection(error)) {
        if (plan.before !== undefined) await client.query('ROLLBACK')
        if (isStalePlan(error) && !isRepeated) return await this.#execute(client, plan, values, true)
      }
      throw isUncertain && endsConnection(error) ? new UncertainEnd(error) : error
    }
  }

  #exchange (client: PoolClient, plan: Plan, values: readonly unknown[]): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const known = this.#known.get(client) as KnownPlans // every connection has begun
      client.query(new Exchange(plan, values, known, maxAnswerBytes, (error, outcome) => {
        if (error === undefined) resolve(outcome)
        else reject(error)
      }))
    })
  }

  /** Ends the wait for a statement when its time is up or its signal fires, and gives its connection back in any case. */
  #guard (client: PoolClient, work: Promise<Outcome>, call: Abortable | undefined): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let isGivenUp = false
      const giveUp = (error: unknown): void => {
        isGivenUp = true
        this.#abandoned.add(client)
        reject(error as Error)
        void this.#abandon(client, work)
      }
      const { statementTimeoutMs } = this.#settings
      const limitMs = statementTimeoutMs === 0 ? undefined : statementTimeoutMs + graceMs
      const watch = watchCall(call, limitMs, giveUp, () => {
        this.#transitions.departed(`no answer within ${limitMs} ms`)
        giveUp(new ToolTimeoutError(`A statement on the database ${JSON.stringify(this.name)}`, statementTimeoutMs))
      })
      work.then((outcome) => {
        if (isGivenUp) return
        watch.end()
        this.#giveBack(client, false)
        // It may have been the last that the server said.
        if (this.#connections.has(client)) this.#transitions.arrived()
        resolve(outcome)
      }, (error: unknown) => {
        if (isGivenUp) return
        watch.end()
        const cause = error instanceof UncertainEnd ? error.cause : error
        // A connection that the server ends with the answer to a statement has no error of its own.
        if (isServerError(cause) && endsConnection(cause)) this.#noteLoss(client, cause)
        this.#giveBack(client, endsConnection(error))
        reject(this.#failureOf(error))
      })
    })
  }

  /**
   * Cancels what a connection runs, and closes it. It is not used again: a request to cancel names a connection, not a statement, and one
   * that is late would hit the next.
   */
  async #abandon (client: PoolClient, work: Promise<Outcome>): Promise<void> {
    await cancelStatement(client, this.#settings, cancelLimitMs).catch(ignore) // The connection is closed in any case.
    await within(cancelLimitMs, work.then(ignore, ignore))
    this.#giveBack(client, true)
  }

  #giveBack (client: PoolClient, isUseless: boolean): void {
    client.release(isUseless)
    this.#leave()
  }

  #leave (): void {
    this.#gate.leave()
    if (this.#gate.running === 0) this.#onRest?.()
  }

  #failureOf (error: unknown): Error {
    const { statementTimeoutMs } = this.#settings
    return error instanceof UncertainEnd
      ? statementFailure(this.name, error.cause, statementTimeoutMs, 'The statement may have been carried out, or not')
      : statementFailure(this.name, error, statementTimeoutMs)
  }

  #noteLoss (client: ClientBase, error: unknown): void {
    this.#connections.delete(client)
    if (this.#connections.size === 0 && !this.#isClosing) this.#transitions.departed(this.#reasonOf(error))
  }

  /** A server that has other connections open is there; where it says that it takes no more, that is said once in a while. */
  #noteRefusal (error: unknown): void {
    const reason = this.#reasonOf(error)
    if (this.#connections.size === 0) return this.#transitions.departed(reason)
    const now = this.#clock.now()
    if (!isServerError(error) || now - this.#refusalToldAt < quietMs) return
    this.#refusalToldAt = now
    this.#logger.warn({ database: this.address, reason }, `The database ${JSON.stringify(this.name)} takes no further connections.`)
  }

  #reasonOf (error: unknown): string { return reasonOf(error, this.#settings.password) }
}

/** The connection was lost where nobody can tell what came of the statement. */
class UncertainEnd extends Error {
  constructor (cause: unknown) { super('It is not known how the statement ended.', { cause }) }
  override get name (): string { return 'UncertainEnd' }
}

/** `INSERT 0 5`, `SELECT 3`; of a command without a number, none. */
function countOf (tag: string | undefined): number {
  return Number(/\d+$/.exec(tag ?? '')?.[0] ?? 0)
}

function streamOf (client: ClientBase): { destroy (): unknown } {
  return (client as PoolClient).connection.stream
}

/** Waits for something, for so long at most. */
async function within (limitMs: number, work: Promise<unknown>): Promise<void> {
  const settled = new AbortController()
  await Promise.race([work, delay(limitMs, undefined, { signal: settled.signal }).catch(ignore)])
  settled.abort()
}

function ignore (): void {}
