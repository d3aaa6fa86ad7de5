import { spawnSync } from 'node:child_process'
import { accessSync, chmodSync, chownSync, constants, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { delimiter, join } from 'node:path'

/** How the tests and the benchmark come to a PostgreSQL of their own: its commands, and the user who may run them. */

export interface ClusterOptions {
  /** Who owns everything in it. */
  readonly user: string
  /** Without one, everybody is let in. */
  readonly password?: string | undefined
}

/** Makes an empty cluster in a directory of a folder that is ours. Throws with what initdb said. */
export function makeCluster (folder: string, data: string, { user, password }: ClusterOptions): void {
  mkdirSync(data)
  give(folder)
  give(data)
  const passwordFile = join(folder, 'password')
  if (password !== undefined) writeOwn(passwordFile, password)
  const [command, args] = commandOf('initdb', [
    '-D', data, '-U', user, '--no-sync', '--no-instructions', '--no-locale', '-E', 'UTF8',
    ...(password === undefined ? ['-A', 'trust'] : ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`])
  ])
  const made = spawnSync(command, args, { cwd: folder, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`)
}

/** Nothing of it has to outlive the machine, and it is reached over the loopback only. */
const settings = { fsync: 'off', full_page_writes: 'off', shared_buffers: '16MB', max_wal_size: '64MB', autovacuum: 'off', max_connections: 60, unix_socket_directories: '', listen_addresses: '127.0.0.1' }

/** The arguments for its settings, with more of one's own. */
export function settingsOf (more: Readonly<Record<string, string | number>> = {}): string[] {
  return Object.entries({ ...settings, ...more }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** PostgreSQL does not run as root: then as the user of its package, or as nobody. */
const owner = userInfo().uid === 0 ? findUser(['postgres', 'nobody']) : undefined

interface User { readonly name: string, readonly uid: number, readonly gid: number }

function findUser (names: readonly string[]): User {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'))
  for (const wanted of names) {
    const found = users.find(([name]) => name === wanted)
    if (found !== undefined) return { name: wanted, uid: Number(found[2]), gid: Number(found[3]) }
  }
  throw new Error(`PostgreSQL does not run as root, and there is no user ${names.join(' or ')}.`)
}

/** Hands a path to the user whom PostgreSQL runs as. */
function give (path: string): void {
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
}

/** Writes a file that only PostgreSQL may read. */
export function writeOwn (path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o600)
  give(path)
}

/** A command of PostgreSQL with its arguments, for the user who may run it. It takes the place of setpriv, so that signals go to itself. */
export function commandOf (name: string, args: readonly string[]): [command: string, args: string[]] {
  const path = findCommand(name)
  return owner === undefined ? [path, [...args]] : ['setpriv', [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', path, ...args]]
}

/** Debian keeps the commands of each version in a directory of its own, which no PATH has. */
const debianFolder = '/usr/lib/postgresql'

function findCommand (name: string): string {
  const versions = listed(debianFolder).sort((one, other) => Number(other) - Number(one)).map((version) => join(debianFolder, version, 'bin'))
  const path = [...versions, ...(process.env['PATH'] ?? '').split(delimiter)].map((folder) => join(folder, name)).find(isExecutable)
  if (path === undefined) throw new Error(`The command ${name} of PostgreSQL is not on this machine (Debian package postgresql).`)
  return path
}

function listed (folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // Not a Debian, or without the package.
  }
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
