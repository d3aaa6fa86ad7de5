import * as fs from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../../bench/children.ts'
import { programOf, type Run } from './bars.ts'
import { readResults } from './results.ts'
import { judge, type Verdict } from './verdict.ts'

/** Several times what a run takes; the suite itself allows a single scenario 30 seconds. */
const maxRunMs = 60_000
const preload = 'globSync' in fs ? [] : ['--import', new URL('./glob-sync.mjs', import.meta.url).href]

/** What came of a run. */
export interface Outcome {
  readonly run: Run
  readonly verdicts: readonly Verdict[]
  /** Why the run does not pass, a line each; empty when it does. */
  readonly faults: readonly string[]
}

/** Runs the suite once against a server, with its own files in an empty folder. Strict: nothing is expected to fail, so that warnings count. */
export async function runSuite (run: Run, url: string, folder: string): Promise<Outcome> {
  const expectedFailures = join(folder, 'expected-failures.yaml')
  const output = join(folder, 'results')
  fs.writeFileSync(expectedFailures, 'server: []\n')
  const { lines, ended } = await collect([...preload, programOf(run.edition), 'server', '--url', url, ...run.arguments, '--expected-failures', expectedFailures, '--output-dir', output])

  const begun = lines.flatMap((line) => /^=== Running scenario: (\S+) ===$/.exec(line)?.[1] ?? [])
  const verdicts = judge(run, readResults(output, begun))
  const faults = verdicts.flatMap((verdict) => verdict.faults)
  // The suite may fail what its own files do not show.
  if (faults.length === 0 && ended !== 'exit code 0') faults.push(`the suite ended with ${ended}:`, ...lines.slice(-10))
  return { run, verdicts, faults }
}

async function collect (command: string[]): Promise<{ lines: string[], ended: string }> {
  const child = startChild(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'], timeout: maxRunMs, killSignal: 'SIGKILL' })
  const parts: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => { parts.push(part) })
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => { resolve(signal === null ? `exit code ${code}` : `${signal}, after ${maxRunMs} ms at the latest`) })
  })
  return { lines: Buffer.concat(parts).toString().split('\n'), ended }
}
