import { once } from 'node:events'
import { join } from 'node:path'
import type { Expectation } from './calls.ts'
import { startChild, stopChild } from './children.ts'
import { nodeCommand } from './cores.ts'
import { ROOT } from './server-process.ts'

/** What the load generator is told to do: `amount` requests, or as many as fit in `seconds`. */
export type LoadOrder = {
  url: string
  headers: Record<string, string>
  body: string
  idMark: string
  sessions: string[]
  connections: number
  seconds: number
  amount?: number
  expect: Expectation
}

/** What came of it; latencies in milliseconds. */
export type LoadOutcome = { requests: number, seconds: number, busy: number, lateRate: number, p50: number, p99: number }

export type LoadProcess = { run: (order: LoadOrder) => Promise<LoadOutcome>, stop: () => Promise<void> }

type Reply = { outcome?: LoadOutcome, error?: string }

/** Starts the load generator on its core. */
export function startLoad (core: number | undefined): LoadProcess {
  const [command, args] = nodeCommand(core, [join('bench', 'load.mjs')])
  const child = startChild(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load generator ended by itself (exit code ${code})`)
  })
  ended.catch(() => {}) // Only a run in progress is told.

  async function run (order: LoadOrder): Promise<LoadOutcome> {
    child.send(order)
    const [reply] = await Promise.race([once(child, 'message'), ended]) as [Reply]
    if (reply.outcome === undefined) throw new Error(reply.error ?? 'the load generator sent an empty reply')
    return reply.outcome
  }

  return { run, stop: () => stopChild(child) }
}
