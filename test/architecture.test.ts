import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findCycles, readSources, type Import } from './helpers/imports.ts'

const root = join(import.meta.dirname, '..')
const maxLines = 300

/**
 * What each room may import beside itself. A room is the first folder below src (or the name of a file that lies there),
 * schemas, or handlers. `core/ports` allows that one file; `type config` allows types only.
 */
const arrows: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  handlers: ['core/ports', 'schemas'],
  core: ['schemas'],
  config: ['core', 'schemas'],
  auth: ['core', 'schemas'],
  files: [],
  audit: ['core', 'files', 'schemas'],
  stores: ['core', 'schemas'],
  logging: ['core', 'files', 'schemas'],
  metrics: ['core'],
  tools: ['core', 'schemas', 'type config'],
  plugins: ['core', 'config', 'auth', 'audit', 'stores', 'logging', 'metrics', 'tools', 'schemas'],
  routes: ['core', 'schemas', 'type config'],
  validate: ['config', 'core', 'tools', 'schemas'],
  explain: ['config', 'core', 'schemas'],
  app: ['plugins', 'routes', 'core', 'logging', 'config', 'tools', 'schemas'],
  'exit-codes': [],
  program: ['app', 'config', 'logging', 'tools', 'validate', 'exit-codes', 'schemas'],
  server: ['app', 'program', 'exit-codes', 'schemas'],
  stdio: ['app', 'core', 'program'],
  cluster: ['config', 'schemas'],
  cli: ['server', 'stdio', 'cluster', 'program', 'config', 'audit', 'logging', 'auth/key-format', 'schemas', 'validate', 'explain', 'exit-codes'],
  index: ['app', 'config', 'core', 'tools', 'validate', 'schemas']
}

/** Rooms whose files meet through decorators and never import each other. */
const strangers = new Set(['plugins'])
/** The packages that a room has to make do with; the other rooms are free to choose. */
const packages: Readonly<Record<string, readonly string[]>> = { schemas: ['@sinclair/typebox'] }
/** The only places that may import Fastify, its types included. */
const fastifyRooms = new Set(['plugins', 'routes', 'app', 'server'])

t.test('every import in this project is an arrow of the plan', async (t) => {
  t.strictSame(arrowFaults(root), [])
})

t.test('no file of this project imports itself by a detour', async (t) => {
  t.strictSame(cycles(root), [])
})

t.test('no source file of this project is longer than 300 lines', async (t) => {
  t.strictSame(longFiles(root), [])
})

t.test('the table of arrows itself leads nowhere in a circle', async (t) => {
  const rooms = Object.entries(arrows).map(([file, targets]) => ({
    file,
    lines: 0,
    imports: targets.map((target): Import => ({ file, line: 0, target: target.replace('type ', '').replace(/\/.*/, ''), isPackage: false, isTypeOnly: false }))
  }))
  t.strictSame(findCycles(rooms), [])
})

t.test('the table on the architecture page is this one', async (t) => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const rows = page.slice(page.indexOf('| room | may import |')).matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)
  const published = [...rows].map(([, room, targets = '']) => [room, [...targets.matchAll(/`([^`]+)`/g)].map(([, target]) => target)])
  t.strictSame(Object.fromEntries(published), arrows)
})

t.test('the check reads this project and not an empty folder', async (t) => {
  const files = readSources(root, ['src', 'schemas', 'handlers']).map(({ file }) => file)
  t.ok(files.includes('src/core/errors.ts'))
  t.ok(files.includes('schemas/mcp.ts'))
})

t.test('the check finds each kind of fault in a tree that was made to have it', async (t) => {
  const madeUp = t.testdir({
    schemas: { 'tool.ts': "import { Type } from '@sinclair/typebox'\nimport fs from 'node:fs'\n" },
    handlers: { 'add.ts': "import type { ToolHandler } from '../src/core/ports.ts'\nimport { secret } from '../src/core/secret.ts'\n" },
    src: {
      core: {
        'ports.ts': "import type { Tool } from '../../schemas/tool.ts'\n",
        'secret.ts': "import type { FastifyInstance } from 'fastify'\nexport * from '../plugins/cache.ts'\n",
        'first.ts': "export { b } from './second.ts'\n",
        'second.ts': "export type C = import('./third.ts').C\n",
        'third.ts': "export async function c () { await import('./first.ts') }\n",
        'long.ts': '// line\n'.repeat(301),
        'longest-allowed.ts': '// line\n'.repeat(300)
      },
      config: { 'section.ts': '' },
      plugins: { 'cache.ts': "import audit from './audit.ts'\nimport { gone } from '../core/gone.ts'\n", 'audit.ts': "import fp from 'fastify-plugin'\n" },
      routes: { 'a.ts': "import type { Section } from '../config/section.ts'\n", 'b.ts': "import { type Section, load } from '../config/section.ts'\n" },
      lobby: { 'x.ts': "import '../config/section.ts'\n" },
      'cli.ts': "import '../bench/run.mjs'\n"
    },
    bench: { 'run.mjs': '' }
  })

  t.strictSame(arrowFaults(madeUp), [
    'src/cli.ts:1: cli may not import bench/run.mjs',
    'src/core/secret.ts:1: core may not import the package fastify',
    'src/core/secret.ts:2: core may not import src/plugins/cache.ts',
    'src/lobby/x.ts: the table has no room "lobby"',
    'src/plugins/cache.ts:1: plugins may not import src/plugins/audit.ts',
    'src/plugins/cache.ts:2: src/core/gone.ts is not there',
    'src/routes/b.ts:1: routes may import only types of src/config/section.ts',
    'schemas/tool.ts:2: schemas may not import the package node:fs',
    'handlers/add.ts:2: handlers may not import src/core/secret.ts'
  ])
  t.strictSame(cycles(madeUp), ['src/core/first.ts -> src/core/second.ts -> src/core/third.ts -> src/core/first.ts'])
  t.strictSame(longFiles(madeUp), ['src/core/long.ts has 301 lines'])
})

function arrowFaults (tree: string): string[] {
  return readSources(tree, ['src', 'schemas', 'handlers']).flatMap(({ file, imports }) => {
    const room = roomOf(file)
    if (arrows[room] === undefined) return [`${file}: the table has no room "${room}"`]
    return imports.flatMap((found) => {
      const fault = found.isPackage ? packageFault(room, found) : arrowFault(tree, room, found)
      return fault === undefined ? [] : [`${file}:${found.line}: ${fault}`]
    })
  })
}

function packageFault (room: string, { target }: Import): string | undefined {
  const isFastify = /^(?:fastify|fastify-plugin|@fastify\/.*)$/.test(target)
  const allowed = isFastify ? fastifyRooms.has(room) : packages[room]?.includes(target) ?? true
  return allowed ? undefined : `${room} may not import the package ${target}`
}

function arrowFault (tree: string, room: string, { target, isTypeOnly, file }: Import): string | undefined {
  if (!existsSync(join(tree, target))) return `${target} is not there`
  if (target === 'package.json') return undefined
  const targetRoom = roomOf(target)
  const allowed = arrows[room] ?? []
  if (targetRoom === room) return strangers.has(room) && target !== file ? `${room} may not import ${target}` : undefined
  if (allowed.includes(targetRoom) || allowed.some((arrow) => target === `src/${arrow}.ts`)) return undefined
  if (!allowed.includes(`type ${targetRoom}`)) return `${room} may not import ${target}`
  return isTypeOnly ? undefined : `${room} may import only types of ${target}`
}

function roomOf (file: string): string {
  const parts = file.split('/')
  const first = parts[0] === 'src' ? parts[1] ?? '' : parts[0] ?? ''
  return first.replace(/\.ts$/, '')
}

function cycles (tree: string): string[] {
  return findCycles(readSources(tree, ['src', 'schemas', 'handlers'])).map((files) => files.join(' -> '))
}

function longFiles (tree: string): string[] {
  return readSources(tree, ['src', 'schemas']).filter(({ lines }) => lines > maxLines).map(({ file, lines }) => `${file} has ${lines} lines`)
}
