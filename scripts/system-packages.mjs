// Sees to it that the commands the tests start are on this machine: installs the Debian packages of those that are
// missing where it may (root, apt-get there), else names each and fails. It never lets a test go without.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * One entry for each command, with the package that has it, what it is for, and where it is when no PATH leads there: one directory for
 * each version below that.
 * @type {{ command: string, package: string, why: string, versions?: string }[]}
 */
const needed = [
  { command: 'openssl', package: 'openssl', why: 'the certificates of the tests' },
  { command: 'redis-server', package: 'redis-server', why: 'the tests of state that instances share' },
  { command: 'nginx', package: 'nginx-light', why: 'the tests behind a reverse proxy' },
  { command: 'initdb', package: 'postgresql', why: 'the tests of databases', versions: '/usr/lib/postgresql' },
  { command: 'promtool', package: 'prometheus', why: 'the tests of alerts and of the dashboard' }
]

process.exitCode = prepare()

function prepare () {
  let missing = needed.filter((need) => !isInstalled(need))
  if (missing.length > 0 && mayInstall()) {
    install(missing.map((need) => need.package))
    missing = missing.filter((need) => !isInstalled(need))
  }
  if (missing.length === 0) {
    console.log(needed.length === 0 ? 'No command beside Node and npm.' : `All here: ${needed.map(({ command }) => command).join(', ')}.`)
    return 0
  }
  console.error('The tests need commands that this machine lacks:')
  for (const { command, package: name, why } of missing) console.error(`- ${command} (Debian package ${name}), for ${why}`)
  console.error(`Install them, on Debian and Ubuntu with: sudo apt-get install ${missing.map((need) => need.package).join(' ')}`)
  return 1
}

function mayInstall () {
  return process.getuid?.() === 0 && isInstalled({ command: 'apt-get' })
}

/** The package of PostgreSQL would start a server of its own: the tests start theirs. */
function keepPostgresQuiet () {
  const folder = '/etc/postgresql-common'
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, 'createcluster.conf'))) writeFileSync(join(folder, 'createcluster.conf'), 'create_main_cluster = false\n')
}

/** What apt-get could not do shows in its own output and in the check that follows. */
function install (packages) {
  console.log(`Installing ${packages.join(', ')} …`)
  if (packages.includes('postgresql')) keepPostgresQuiet()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update', '-q'], ['install', '-y', '-q', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...packages]]) {
    spawnSync('apt-get', args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  }
}

function isInstalled ({ command, versions }) {
  const own = versions !== undefined && existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : []
  return [...own, ...(process.env.PATH ?? '').split(delimiter)].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
