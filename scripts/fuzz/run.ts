import { parseArgs } from 'node:util'
import { megabytes } from '../standing.ts'
import { fuzz, groupSize, type Finding, type Outcome, type Report } from './campaign.ts'

/**
 * Throws generated requests at the built server: npm run fuzz -- [--requests N] [--seed N] [--from N] [--report-every N]
 * Ends with 1 when an answer broke a promise; the seed and the number of the attack make it again.
 */

const defaultRequests = 20_000

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

try {
  const { values } = parseArgs({ options: { requests: { type: 'string' }, seed: { type: 'string' }, from: { type: 'string' }, 'report-every': { type: 'string' } } })
  const requests = wholeNumber('requests', values.requests, defaultRequests)
  const seed = wholeNumber('seed', values.seed, Math.floor(Math.random() * 2 ** 31))
  const reportEvery = wholeNumber('report-every', values['report-every'], Math.ceil(requests / 10))
  console.log(`Seed ${seed}, ${requests} requests.`)
  const outcome = await fuzz({ seed, requests, from: wholeNumber('from', values.from, 0), reportEvery, onReport: printReport })
  printOutcome(outcome, seed)
  process.exitCode = outcome.findings.length === 0 ? 0 : 1
} catch (error) {
  console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

function wholeNumber (name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} is a whole number, not ${JSON.stringify(text)}.`)
  return Number(text)
}

function printReport ({ requests, rssBytes, heapBytes, maxStallMs }: Report): void {
  console.log(`${String(requests).padStart(9)} requests: ${megabytes(rssBytes)} MB in memory (heap ${megabytes(heapBytes)}), longest stall ${Math.round(maxStallMs)} ms`)
}

function printOutcome ({ findings, statuses, tookMs }: Outcome, seed: number): void {
  const total = [...statuses.values()].reduce((sum, count) => sum + count, 0)
  console.log([...statuses].sort().map(([name, count]) => `${name}: ${count}`).join(', '))
  for (const finding of findings) console.log(`\n${textOf(finding, seed)}`)
  console.log(`\n${total} answers in ${(tookMs / 1_000).toFixed(1)} s, ${findings.length === 0 ? 'none of which broke a promise' : `${findings.length} findings`}.`)
}

function textOf ({ number, fault, attack, answer }: Finding, seed: number): string {
  const again = number === undefined ? '' : ` (again: npm run fuzz -- --seed ${seed} --from ${Math.floor(number / groupSize) * groupSize} --requests ${groupSize})`
  return `${number ?? '-'}: ${fault}${again}\n  ${JSON.stringify(attack, (_key, value: unknown) => Buffer.isBuffer(value) ? value.toString('latin1') : value)?.slice(0, 2_000) ?? ''}\n  ${answer}`
}
