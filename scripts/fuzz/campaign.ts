import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { root, startServer, type ServerProcess } from '../built-server.ts'
import { probeFlags, standingOf, type Standing } from '../standing.ts'
import { attacksOn, type Attack } from './attacks.ts'
import { faultOf } from './judge.ts'
import { send } from './send.ts'
import type { Target } from './values.ts'

export interface CampaignOptions {
  /** The same seed makes the same attacks. */
  seed: number
  requests: number
  /** Where to begin among the attacks of the seed. */
  from?: number
  /** After how many requests the server is asked how it stands; 0 for the end only. */
  reportEvery?: number
  onReport?: (report: Report) => void
}

/** How the server stands after so many requests. */
export interface Report extends Standing { readonly requests: number }

/** An answer that breaks a promise. Its attack is made again with the seed and its number. */
export interface Finding {
  /** Undefined for what belongs to no single attack. */
  readonly number: number | undefined
  readonly fault: string
  readonly attack?: Attack
  /** The beginning of what came back. */
  readonly answer: string
}

export interface Outcome {
  readonly findings: readonly Finding[]
  readonly reports: readonly Report[]
  /** How many answers of each kind of attack had each status. */
  readonly statuses: ReadonlyMap<string, number>
  readonly tookMs: number
}

const config = 'scripts/fuzz/server.json'
const connections = 16
/** Attacks are made in groups of so many. */
export const groupSize = 500
const maxFindings = 20
const maxAnswerLength = 500
const errorLine = /"level":(?:50|60)/

/** Starts the built server on the configuration of this folder, throws attacks at it, and judges each answer. */
export async function fuzz ({ seed, requests, from = 0, reportEvery = 0, onReport = () => {} }: CampaignOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-fuzz-'))
  const findings: Finding[] = []
  const server = await startServer({
    config,
    flags: probeFlags,
    env: { FUZZ_FOLDER: folder, SESSION_SECRET: randomBytes(32).toString('hex'), API_KEY_SALT: randomBytes(32).toString('hex'), LOG_LEVEL: 'error' },
    onLine (line) { if (errorLine.test(line)) findings.push({ number: undefined, fault: 'an error in the log', answer: line }) }
  })
  const state: State = { server, statuses: new Map(), findings, sessions: [], agent: new Agent({ keepAlive: true, maxSockets: connections }) }
  try {
    const reports: Report[] = []
    const began = performance.now()
    const note = async (sent: number): Promise<void> => {
      const report = { requests: sent, ...await standingOf(server) }
      reports.push(report)
      onReport(report)
    }
    for (let sent = from, next = reportEvery; sent < from + requests && findings.length < maxFindings; sent += groupSize) {
      await throwGroup(state, seed, sent, Math.min(groupSize, from + requests - sent))
      if (server.child.exitCode !== null || server.child.signalCode !== null) {
        findings.push({ number: sent, fault: 'the server ended while these were thrown, or those after them', answer: '' })
        break
      }
      if (reportEvery > 0 && sent + groupSize - from >= next) {
        await note(next)
        next += reportEvery
      }
    }
    if (reports.at(-1)?.requests !== requests && server.child.exitCode === null) await note(requests)
    const tookMs = performance.now() - began
    state.agent.destroy()
    await server.stop()
    return { findings: [...findings, ...auditFindings(join(folder, 'audit.log'))], reports, statuses: state.statuses, tookMs }
  } finally {
    state.agent.destroy()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface State {
  readonly server: ServerProcess
  readonly agent: Agent
  readonly statuses: Map<string, number>
  readonly findings: Finding[]
  readonly sessions: string[]
}

const target = JSON.parse(readFileSync(join(root, config), 'utf8')) as Target
const attacks = attacksOn(target)

/** The attacks of one group depend on the seed and their number only. */
async function throwGroup (state: State, seed: number, first: number, count: number): Promise<void> {
  const group = fc.sample(attacks, { seed: (seed + first) | 0, numRuns: groupSize }).slice(0, count)
  let next = 0
  const origin = new URL(state.server.url)
  await Promise.all(Array.from({ length: connections }, async (_, lane) => {
    for (let index = next++; index < group.length; index = next++) {
      const attack = group[index] as Attack
      const sessionId = state.sessions[lane] ??= await openSession(origin)
      const answer = await send(attack, { origin, agent: state.agent, sessionId })
      // Whatever ends a session, the next attack has another one.
      if (answer.status === 404 || ('method' in attack && attack.method === 'DELETE')) state.sessions[lane] = await openSession(origin)
      const name = `${attack.kind} ${answer.status ?? 'closed'}`
      state.statuses.set(name, (state.statuses.get(name) ?? 0) + 1)
      const fault = faultOf(attack, answer)
      if (fault !== undefined) state.findings.push({ number: first + index, fault, attack, answer: answer.body.slice(0, maxAnswerLength) })
    }
  }))
}

async function openSession (origin: URL): Promise<string> {
  const response = await fetch(origin, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo: { name: 'fuzz', version: '1' } } })
  }).catch(() => undefined)
  await response?.text()
  return response?.headers.get('mcp-session-id') ?? 'none'
}

/** Whatever clients send, the audit log is a whole chain. */
function auditFindings (file: string): Finding[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/src/cli/index.js', 'audit', 'verify', file], { cwd: root, encoding: 'utf8' })
  return status === 0 ? [] : [{ number: undefined, fault: 'the audit log is not as it was written', answer: `${stdout}${stderr}`.slice(0, maxAnswerLength) }]
}
