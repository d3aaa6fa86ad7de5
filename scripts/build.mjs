// Builds dist/ from src/ and schemas/, when that is needed and possible. Uses nothing but Node itself, so that it
// also runs where the development packages are not installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const stampFile = join(dist, '.build.json')
const compilerState = join(dist, '.tsbuildinfo')
const sourceFolders = ['src', 'schemas']
const settings = ['tsconfig.json', 'tsconfig.build.json']

const source = /(?<!\.d)\.ts$/
const declaration = /\.d\.ts$/
const built = /\.(?:js|js\.map|d\.ts|d\.ts\.map)$/

process.exitCode = build()

function build () {
  const inputs = sourceFolders.flatMap((folder) => filesBelow(join(root, folder)))
  const stamp = readStamp()
  if (!inputs.some((file) => source.test(file))) return withoutSources(stamp)
  const compiler = findCompiler()
  const missing = inputs.flatMap(outputsOf).filter((file) => !existsSync(join(dist, file)))
  const digest = digestOf([...inputs, ...settings])
  const current = stamp !== undefined && stamp.digest === digest && missing.length === 0

  if (compiler === undefined) return current ? 0 : cannotBuild(stamp, missing)
  if (current && stamp.typescript === compiler.version) return 0

  // The compiler trusts its own state and would not write again what somebody deleted.
  if (missing.length > 0) rmSync(compilerState, { force: true })
  rmSync(stampFile, { force: true })
  const started = Date.now()
  const run = spawnSync(process.execPath, [compiler.path, '-p', 'tsconfig.build.json', '--noEmitOnError'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (run.error !== undefined) return refuse(`The TypeScript compiler could not be run: ${run.error.message}`)
  if (run.status !== 0) return refuse('The build stopped at the faults above; dist/ was not changed. Mend them and run the command again.')

  copyAssets(inputs)
  removeStale(dist)
  writeFileSync(stampFile, `${JSON.stringify({ digest, typescript: compiler.version, outputs: inputs.flatMap(outputsOf) })}\n`)
  console.log(`Built dist/ from ${inputs.length} files in ${((Date.now() - started) / 1000).toFixed(1)} s.`)
  return 0
}

/** An installed package brings dist/ and no sources: then dist/ has to be whole, and that is all. */
function withoutSources (stamp) {
  const missing = stamp?.outputs.filter((file) => !existsSync(join(dist, file))) ?? []
  if (stamp === undefined) return refuse('There is nothing to build (no src/) and nothing built (no dist/). Get a complete copy of the project.')
  if (missing.length > 0) return refuse(`dist/ is incomplete (dist/${missing[0]} is missing) and there is no src/ to build it from. Get a complete copy of the project.`)
  return 0
}

function cannotBuild (stamp, missing) {
  const why = stamp === undefined
    ? 'dist/ is missing or its last build did not finish'
    : missing.length > 0
      ? `dist/ is incomplete (dist/${missing[0]} is missing)`
      : 'dist/ was built from other sources than those in src/ and schemas/'
  return refuse(`${why}, and the TypeScript compiler is not installed here.\n` +
    'Run "npm ci" and "npm run build" (here, or on another machine and copy dist/ over); after that "npm ci --omit=dev" is enough.')
}

function refuse (message) {
  console.error(message)
  return 1
}

function findCompiler () {
  const require = createRequire(join(root, 'package.json'))
  try {
    const manifest = require.resolve('typescript/package.json')
    const { version, bin } = JSON.parse(readFileSync(manifest, 'utf8'))
    return { version, path: join(dirname(manifest), bin.tsc) }
  } catch (err) {
    if (err.code === 'MODULE_NOT_FOUND') return undefined
    throw err
  }
}

/** A stamp that cannot be read is no stamp: the build is then done again. */
function readStamp () {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    return typeof stamp.digest === 'string' && Array.isArray(stamp.outputs) ? stamp : undefined
  } catch {
    return undefined
  }
}

/** By content and not by time: a checkout, a copy or an image layer gives files any time it likes. */
function digestOf (files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file))).update('\0')
  return hash.digest('hex')
}

function outputsOf (file) {
  if (declaration.test(file)) return []
  return source.test(file) ? [file.replace(source, '.js')] : [file]
}

function copyAssets (inputs) {
  for (const file of inputs) {
    if (source.test(file) || declaration.test(file)) continue
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    copyFileSync(join(root, file), join(dist, file))
  }
}

function removeStale (folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      removeStale(path)
      if (readdirSync(path).length === 0) rmdirSync(path)
    } else if (path !== stampFile && path !== compilerState && !hasSource(relative(dist, path))) {
      rmSync(path)
    }
  }
}

function hasSource (file) {
  return existsSync(join(root, file)) || (built.test(file) && existsSync(join(root, file.replace(built, '.ts'))))
}

function filesBelow (folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}
