import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { stringify } from 'yaml'
import { LineSplitter } from '../../src/core/line-splitter.ts'
import { plainEnvironment } from './plain-environment.ts'

export const root = join(import.meta.dirname, '../..')
/** The two programs of the build, as users start them. */
export const serverProgram = join(root, 'dist/src/server.js')
export const commandLine = join(root, 'dist/src/cli/index.js')
/** With this, Node runs what is not built: the TypeScript of the sources. */
export const fromSources = `--import=${join(import.meta.dirname, 'typescript/index.mjs')}`

/** The part of a tap test that these helpers need. */
export interface Teardown { teardown (fn: () => unknown): unknown }

export interface Exit { code: number | null, signal: NodeJS.Signals | null }

/** A Node program that runs beside the test. It ends with the test at the latest. */
export interface Program {
  readonly pid: number
  /** The lines so far. */
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly exited: Promise<Exit>
  /** The first line, of either stream, that fits; rejects when the program ends without it. */
  line (pattern: RegExp): Promise<string>
  /** Hands on each line of standard output from now on. */
  onLine (listener: (line: string) => void): void
  write (text: string): void
  endInput (): void
  signal (name: NodeJS.Signals): void
}

export interface ProgramOptions { env?: Record<string, string>, cwd?: string, command?: string }

/** Starts a Node script (or another command) with arguments. */
export function run (t: Teardown, args: readonly string[], { env = {}, cwd = root, command = process.execPath }: ProgramOptions = {}): Program {
  const child = spawn(command, args, { cwd, env: { ...plainEnvironment(), ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => { resolve({ code, signal }) })
  })
  const stdout: string[] = []
  const stderr: string[] = []
  const waiting = new Set<(line: string) => void>()
  const listeners: ((line: string) => void)[] = []
  for (const [stream, lines] of [[child.stdout, stdout], [child.stderr, stderr]] as const) {
    const splitter = new LineSplitter(Infinity)
    const take = (line: string): void => {
      lines.push(line)
      for (const look of waiting) look(line)
      if (lines === stdout) for (const listener of listeners) listener(line)
    }
    stream.setEncoding('utf8').on('data', (part: string) => { for (const line of splitter.take(part)) take(line) })
    stream.once('end', () => {
      const last = splitter.end()
      if (last !== '') take(last)
    })
  }
  child.stdin.on('error', () => {}) // the program may be gone before it has read everything
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    async line (pattern) {
      const known = [...stdout, ...stderr].find((line) => pattern.test(line))
      if (known !== undefined) return known
      return await new Promise((resolve, reject) => {
        const look = (line: string): void => {
          if (!pattern.test(line)) return
          waiting.delete(look)
          resolve(line)
        }
        waiting.add(look)
        exited.then(({ code, signal }) => {
          reject(new Error(`The program ended (${signal ?? code}) without a line like ${String(pattern)}:\n${[...stdout, ...stderr].join('\n')}`))
        }, reject)
      })
    },
    onLine: (listener) => { listeners.push(listener) },
    write: (text) => { child.stdin.write(text) },
    endInput: () => { child.stdin.end() },
    signal: (name) => { child.kill(name) }
  }
}

export interface ServerOptions extends ProgramOptions {
  /** The configuration: a file, or an object that is written to one. */
  file?: string
  config?: object
  /** What the file of an object is written in. */
  format?: 'json' | 'yaml'
  /** The script and its arguments before the file. */
  start?: readonly string[]
}

/** A Gantry that listens. */
export interface Server extends Program {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** Where it serves MCP. */
  readonly url: string
  readonly file: string
  /** Ends it as an operator does, and waits for that. */
  stop (): Promise<Exit>
}

const listening = /serves MCP at (http:\/\/[^"\s]+)/

/** Starts the built server on a free port and resolves when it listens. */
export async function start (t: Teardown, { file, config, format = 'json', start: args = [serverProgram], env = {}, ...options }: ServerOptions): Promise<Server> {
  const named = file ?? writeConfig(t, config ?? {}, format)
  const program = run(t, [...args, named], { env: { PORT: '0', ...env }, ...options })
  const url = listening.exec(await program.line(listening))?.[1] ?? ''
  const { origin, port } = new URL(url)
  return {
    ...program,
    port: Number(port),
    origin,
    url,
    file: named,
    async stop () {
      program.signal('SIGTERM')
      return await program.exited
    }
  }
}

/** Writes a configuration into a directory of its own, which is gone with the test. */
export function writeConfig (t: Teardown, config: object, format: 'json' | 'yaml' = 'json'): string {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-test-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const file = join(folder, `gantry.${format}`)
  writeFileSync(file, format === 'json' ? JSON.stringify(config, undefined, 2) : stringify(config))
  return file
}

/** A port that was free a moment ago, for programs that have to be told one. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when nothing listens on a port any more; rejects when something still does after many looks. */
export async function untilClosed (port: number): Promise<void> {
  for (let look = 0; look < 1_000; look++) {
    if (!await listens(port)) return
    await setImmediate()
  }
  throw new Error(`Something still listens on port ${port}.`)
}

/** Resolves when something listens on a port, for programs that do not say so; rejects when nothing does after many looks. */
export async function untilListening (port: number): Promise<void> {
  for (let look = 0; look < 1_000; look++) {
    if (await listens(port)) return
    // The program that starts needs the processor more than this.
    await setTimeout(20)
  }
  throw new Error(`Nothing listens on port ${port}.`)
}

/** Whether anything listens on a port of this machine. */
export async function listens (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
