import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startServer } from '../built-server.ts'
import { megabytes, probeFlags, standingOf } from '../standing.ts'
import { callOf, behaving, goodCall } from './calls.ts'
import { openDoors, type Door } from './doors.ts'
import { percentile, sendClosely, sendSteadily } from './pace.ts'
import { startUpstreams } from './upstreams.ts'

/**
 * Calls the built server for a long time at half of what it can do, with handlers and APIs that misbehave one time in ten:
 * npm run soak -- [--minutes N] [--parts N]
 * Ends with 1 when a call had no answer or a wrong one, or when memory grew by more than a tenth after the first fifth of the time.
 */

const lanes = 32
const calibrationSeconds = 10
const neighbourPerSecond = 100
const maxGrowth = 1.1

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, parts: { type: 'string', default: '10' } } })
const minutes = Number(options.minutes)
const parts = Number(options.parts)
if (!(minutes > 0 && Number.isInteger(parts) && parts >= 5)) throw new Error('--minutes is a number above 0, --parts a whole one of 5 or more.')

const upstreams = await startUpstreams()
const server = await startServer({
  config: 'scripts/soak/server.json',
  flags: probeFlags,
  env: { SOAK_GOOD_UPSTREAM: upstreams.good, SOAK_BAD_UPSTREAM: upstreams.bad, LOG_LEVEL: 'fatal' }
})
const { origin, pathname } = new URL(server.url)
const pool = new Pool(origin, { connections: 512 })
try {
  const doors = await openDoors(pool, pathname)
  const fair = await compareNeighbours(doors)
  process.exitCode = await soak(doors) && fair ? 0 : 1
} finally {
  await pool.destroy()
  await server.stop()
  upstreams.stop()
}

/** How long calls of other tools take while one tool loops without end, beside how long they take otherwise. */
async function compareNeighbours (doors: readonly Door[]): Promise<boolean> {
  const next = (number: number) => goodCall(behaving[number % behaving.length] as string, number)
  await sendSteadily(doors, neighbourPerSecond, 5, next) // Everything is compiled, every thread is there.
  const atRest = await sendSteadily(doors, neighbourPerSecond, 15, next)
  print('other tools', 'p50 ms', 'p99 ms')
  print('at rest', ...quantiles(atRest.latencies))
  const wrong = [...atRest.wrong]
  for (const tool of ['loop-inline', 'loop-thread']) {
    const over = new AbortController()
    const looping = (async () => { while (!over.signal.aborted) await (doors[0] as Door)({ tool, args: {}, answer: undefined, behaves: false }) })()
    const meanwhile = await sendSteadily(doors, neighbourPerSecond, 15, next)
    over.abort()
    await looping
    print(`while ${tool} loops`, ...quantiles(meanwhile.latencies))
    wrong.push(...meanwhile.wrong)
  }
  for (const text of wrong) console.log(text)
  return wrong.length === 0
}

async function soak (doors: readonly Door[]): Promise<boolean> {
  const most = await sendClosely(doors, lanes, calibrationSeconds, callOf)
  const perSecond = Math.floor(most.sent / calibrationSeconds / 2)
  console.log(`\n${perSecond} calls a second, half of what ${lanes} callers got.\n`)
  print('minutes', 'calls', 'of them misbehaving', 'answered', 'p50 ms', 'p99 ms', 'RSS MB', 'heap MB')
  let sent = 0
  let answered = 0
  let misbehaved = 0
  let reference = Infinity
  let rssBytes = 0
  const wrong: string[] = [...most.wrong]
  for (let part = 1; part <= parts; part++) {
    const stretch = await sendSteadily(doors, perSecond, minutes * 60 / parts, callOf, sent)
    const standing = await standingOf(server)
    sent += stretch.sent
    answered += stretch.answered
    misbehaved += stretch.misbehaved
    rssBytes = standing.rssBytes
    if (part === Math.ceil(parts / 5)) reference = rssBytes
    wrong.push(...stretch.wrong)
    print((minutes * part / parts).toFixed(1), sent, misbehaved, answered, ...quantiles(stretch.latencies), megabytes(rssBytes), megabytes(standing.heapBytes))
  }
  for (const text of wrong) console.log(text)
  const flat = rssBytes <= reference * maxGrowth
  console.log(`\n${answered} of ${sent} calls answered, ${wrong.length === 0 ? 'all as they have to be' : 'not all as they have to be'}; memory ${flat ? 'is flat' : 'GREW'}.`)
  return answered === sent && wrong.length === 0 && flat
}

function quantiles (latencies: readonly number[]): [string, string] {
  return [percentile(latencies, 0.5).toFixed(1), percentile(latencies, 0.99).toFixed(1)]
}

function print (...cells: readonly (string | number)[]): void { console.log(`| ${cells.join(' | ')} |`) }
