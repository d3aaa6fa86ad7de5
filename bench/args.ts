import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Scenario, SCENARIOS } from './scenarios.ts'
import { ROOT } from './server-process.ts'

/** What the command line asks for. */
export type Arguments = {
  scenarios: readonly Scenario[]
  /** Rows that cannot be measured as things stand, for the reader to be told. */
  leftOut: readonly Scenario[]
  rounds: number
  seconds: number
  warmUpSeconds: number
  requests: number | undefined
  connections: number
  write: boolean
  cpuProf: boolean
  help: boolean
}

export const HELP = `npm run bench -- [options]

  --rounds N        rounds, each server once in each (default 7)
  --seconds N       length of one server's turn (default 4)
  --requests N      a fixed number of requests a turn, in place of --seconds
  --connections N   connections at once (default 32)
  --only A,B        these rows alone: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --quick           two rounds of one second: does it work at all?
  --write           write docs/benchmarks.md (needs every row at the default settings or longer)
  --cpu-prof        start the servers with --cpu-prof; says where the profiles are and what is hot in them
`

const DEFAULTS = { rounds: 7, seconds: 4, warmUpSeconds: 6, connections: 32 }
const QUICK = { ...DEFAULTS, rounds: 2, seconds: 1, warmUpSeconds: 1 }

/** Reads the command line. Throws one clear sentence on what it cannot do. */
export function readArguments (words: string[]): Arguments {
  const { values } = parseArgs({
    args: words,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      requests: { type: 'string' },
      connections: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      'cpu-prof': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  const defaults = values.quick ? QUICK : DEFAULTS
  const asked = values.only === undefined ? SCENARIOS : named(values.only)
  const scenarios = asked.filter(isThere)
  const leftOut = asked.filter((scenario) => !isThere(scenario))
  if (scenarios.length === 0 || (values.only !== undefined && leftOut.length > 0)) {
    throw new Error(`${leftOut.map(({ name }) => name).join(', ')}: ${leftOut[0]?.command[0]} does not exist; run "npm run build" first`)
  }
  const read: Arguments = {
    scenarios,
    leftOut,
    rounds: whole('rounds', values.rounds, defaults.rounds),
    seconds: positive('seconds', values.seconds, defaults.seconds),
    warmUpSeconds: defaults.warmUpSeconds,
    requests: values.requests === undefined ? undefined : whole('requests', values.requests, 0),
    connections: whole('connections', values.connections, defaults.connections),
    write: values.write,
    cpuProf: values['cpu-prof'],
    help: values.help
  }
  if (read.requests !== undefined && read.requests < read.connections) {
    throw new Error(`--requests ${read.requests} is less than one for each of the ${read.connections} connections`)
  }
  if (read.write) refuseThinReport(read)
  return read
}

function refuseThinReport (read: Arguments): void {
  const thin = read.rounds < 5 || read.seconds < DEFAULTS.seconds || read.requests !== undefined
  if (thin || read.cpuProf || read.scenarios.length < SCENARIOS.length) {
    throw new Error(`--write needs every row, at least 5 rounds of ${DEFAULTS.seconds} seconds and no --requests or --cpu-prof: the document is what readers go by`)
  }
}

function named (list: string): Scenario[] {
  return list.split(',').map((name) => {
    const scenario = SCENARIOS.find((one) => one.name === name.trim())
    if (scenario === undefined) throw new Error(`--only: no row is called "${name}"; there are ${SCENARIOS.map((one) => one.name).join(', ')}`)
    return scenario
  })
}

function isThere ({ built, command }: Scenario): boolean {
  return built !== true || existsSync(join(ROOT, command[0]))
}

function positive (name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} must be a number above 0, not "${text}"`)
  return value
}

function whole (name: string, text: string | undefined, fallback: number): number {
  const value = positive(name, text, fallback)
  if (!Number.isInteger(value)) throw new Error(`--${name} must be a whole number, not "${text}"`)
  return value
}
