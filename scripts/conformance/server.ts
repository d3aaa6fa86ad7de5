import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startChild, stopChild } from '../../bench/children.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
/** All that the suite needs of a server, as a user would write it: a configuration and handlers. */
export const fixture = 'test/conformance/server.yaml'
const program = 'dist/src/server.js'
const maxStartMs = 20_000
const maxLines = 50
const listening = /serves MCP at (http:\/\/[^"\s]+)/

/** The built server on the fixture. */
export interface ServerProcess { readonly url: string, stop (): Promise<void> }

/** Starts it on a free port of the loopback address. Rejects with its output when it does not listen. */
export async function startServer (): Promise<ServerProcess> {
  if (!existsSync(join(root, program))) throw new Error(`${program} does not exist; run "npm run build" first.`)
  const child = startChild(process.execPath, [program, fixture], {
    cwd: root,
    // Nothing of the caller's settings: the fixture is the whole of them.
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  try {
    return { url: await urlOf(child), stop: () => stopChild(child) }
  } catch (error) {
    await stopChild(child)
    throw error
  }
}

/** Where a server that starts says that it listens. */
async function urlOf (child: ChildProcess): Promise<string> {
  const lines: string[] = []
  return await new Promise((resolve, reject) => {
    const fail = (why: string) => { reject(new Error(`The server on ${fixture} ${why}:\n${lines.join('\n')}`)) }
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
        if (lines.length < maxLines) lines.push(line)
        const url = listening.exec(line)?.[1]
        if (url === undefined) return
        clearTimeout(timer)
        resolve(url)
      })
    }
  })
}
