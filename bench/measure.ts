import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { CALLS, ID_MARK, openSession, verify } from './calls.ts'
import { chooseCores } from './cores.ts'
import { cpuBetween, readCpu } from './cpu-time.ts'
import { type LoadOrder, type LoadProcess, startLoad } from './load-process.ts'
import type { Scenario } from './scenarios.ts'
import { type PostgresProcess, startPostgres } from './postgres-process.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** What to run: which rows, how often, how long, with how many connections at once. */
export type Plan = {
  scenarios: readonly Scenario[]
  rounds: number
  seconds: number
  warmUpSeconds: number
  connections: number
  /** A fixed number of requests a round, in place of `seconds`. */
  requests?: number | undefined
  /** A folder for the servers' CPU profiles. */
  profiles?: string | undefined
}

/** One server in one round; `loadBusy` is the share of its core that the load generator used. */
export type Round = { requests: number, perSecond: number, p50Ms: number, p99Ms: number, cpuMicros: number, loadBusy: number }

export type Row = { scenario: Scenario, rounds: Round[] }

export type Measurement = { rows: Row[], cores: string }

type Contender = { scenario: Scenario, server: ServerProcess, order: LoadOrder, rounds: Round[] }

const SETTLE_MS = 100

/**
 * Runs the plan: all servers up, each one verified and warmed, then the rounds interleaved (A B C, A B C …).
 * Throws as soon as a server gives one answer that is not the expected one. Leaves no process behind.
 */
export async function measure (plan: Plan, say: (line: string) => void): Promise<Measurement> {
  const cores = chooseCores()
  const directory = mkdtempSync(join(tmpdir(), 'gantry-bench-'))
  const removeLogs = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeLogs)
  const load = startLoad(cores.load)
  const contenders: Contender[] = []
  let postgres: PostgresProcess | undefined
  try {
    say(cores.note)
    if (plan.scenarios.some(({ database }) => database)) postgres = await startPostgres()
    for (const scenario of plan.scenarios) {
      const server = await startServer(scenario, { core: cores.server, directory, profiles: plan.profiles, databaseUrl: scenario.database === true ? postgres?.url : undefined })
      const contender: Contender = { scenario, server, order: emptyOrder(scenario, server, plan), rounds: [] }
      contenders.push(contender)
      await named(scenario, () => prepare(contender, load, plan))
      say(`${scenario.name}: answers rightly, is warm; ${contender.order.amount} requests a round`)
    }
    for (let number = 1; number <= plan.rounds; number++) {
      for (const contender of contenders) {
        contender.rounds.push(await named(contender.scenario, () => runRound(contender, load)))
      }
      say(`round ${number} of ${plan.rounds}: ${contenders.map(describeLast).join(', ')}`)
    }
    return { rows: contenders.map(({ scenario, rounds }) => ({ scenario, rounds })), cores: cores.note }
  } finally {
    await Promise.all([load.stop(), ...contenders.map(({ server }) => server.stop())])
    await postgres?.stop()
    process.off('exit', removeLogs)
    removeLogs()
  }
}

function emptyOrder (scenario: Scenario, server: ServerProcess, plan: Plan): LoadOrder {
  const { path, headers, body } = CALLS[scenario.call]
  return {
    url: server.origin + path,
    headers,
    body,
    idMark: ID_MARK,
    sessions: [],
    connections: plan.connections,
    seconds: plan.seconds,
    expect: { sum: '', length: 0 }
  }
}

/** Opens a session a connection where the call needs it, checks the answer, warms up, settles the amount. */
async function prepare (contender: Contender, load: LoadProcess, plan: Plan): Promise<void> {
  const { scenario, order } = contender
  if (scenario.call === 'session') {
    // All at once: fastmcp takes a second for each.
    order.sessions.push(...await Promise.all(Array.from({ length: plan.connections }, () => openSession(order.url))))
  }
  order.expect = await verify(order.url, scenario.call, order.sessions[0])
  if (plan.requests !== undefined) {
    order.amount = plan.requests
    await load.run(order)
    return
  }
  // A fixed amount lets each request of a round end within it, so that no CPU time goes uncounted or is counted twice.
  const { lateRate } = await load.run({ ...order, seconds: plan.warmUpSeconds })
  order.amount = Math.max(1, Math.round(lateRate * plan.seconds / plan.connections)) * plan.connections
}

async function runRound ({ server, order }: Contender, load: LoadProcess): Promise<Round> {
  const before = readCpu(server.pid)
  const { requests, seconds, busy, p50, p99 } = await load.run(order)
  await wait(SETTLE_MS) // What the server puts off until it is idle belongs to the round too.
  const cpuSeconds = cpuBetween(before, readCpu(server.pid))
  const cpuMicros = cpuSeconds / requests * 1e6
  return { requests, perSecond: requests / seconds, p50Ms: p50, p99Ms: p99, cpuMicros, loadBusy: busy }
}

async function named<T> (scenario: Scenario, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new Error(`${scenario.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function describeLast ({ scenario, rounds }: Contender): string {
  return `${scenario.name} ${rounds.at(-1)?.cpuMicros.toFixed(0)} µs`
}
