import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startChild, stopChild } from '../bench/children.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))
const program = 'dist/src/server.js'
const maxStartMs = 20_000
const maxLines = 50
const listening = /serves MCP at (http:\/\/[^"\s]+)/

export interface ServerOptions {
  /** The configuration, as a path from the project's root. */
  config: string
  env?: Readonly<Record<string, string>>
  /** Of Node. */
  flags?: readonly string[]
  /** Hears each line that the server prints. */
  onLine?: (line: string) => void
}

/** The built server on a configuration. */
export interface ServerProcess { readonly url: string, readonly child: ChildProcess, stop (): Promise<void> }

/** Starts it on a free port of the loopback address, with a channel for messages. Rejects with its output when it does not listen. */
export async function startServer ({ config, env = {}, flags = [], onLine = () => {} }: ServerOptions): Promise<ServerProcess> {
  if (!existsSync(join(root, program))) throw new Error(`${program} does not exist; run "npm run build" first.`)
  const child = startChild(process.execPath, [...flags, program, config], {
    cwd: root,
    // Nothing of the caller's settings: the configuration is the whole of them.
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  })
  try {
    return { url: await urlOf(child, config, onLine), child, stop: () => stopChild(child) }
  } catch (error) {
    await stopChild(child)
    throw error
  }
}

/** Where a server that starts says that it listens. */
async function urlOf (child: ChildProcess, config: string, onLine: (line: string) => void): Promise<string> {
  const lines: string[] = []
  return await new Promise((resolve, reject) => {
    const fail = (why: string) => { reject(new Error(`The server on ${config} ${why}:\n${lines.join('\n')}`)) }
    const timer = setTimeout(() => { fail(`did not listen within ${maxStartMs} ms`) }, maxStartMs)
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(timer)
      fail('ended before it listened')
    })
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      // Read to the end, or the server could not write on.
      createInterface({ input: stream }).on('line', (line) => {
        onLine(line)
        if (lines.length < maxLines) lines.push(line)
        const url = listening.exec(line)?.[1]
        if (url === undefined) return
        clearTimeout(timer)
        resolve(url)
      })
    }
  })
}
