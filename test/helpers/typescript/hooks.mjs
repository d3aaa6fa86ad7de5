// Loads the project's TypeScript modules, for two hundred test files that each load most of src/ in a process of its own. tsx does
// that as well, but looks at every module, those of node_modules included, which costs half a second of processor time for each
// process. So this looks only at what ends in ".ts", and hands on everything else.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'

/** What was compiled before. One file for each source, which the next version of the source replaces. */
const cache = join(import.meta.dirname, '../../../.tap/typescript')

const sources = /^file:\/\/(?!.*\/node_modules\/).*\.ts$/
const relative = /^\.{1,2}\/.*\.ts$/

export async function resolve (specifier, context, nextResolve) {
  const { parentURL = '' } = context
  if (relative.test(specifier) && sources.test(parentURL)) return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true }
  return await nextResolve(specifier, context)
}

export async function load (url, context, nextLoad) {
  if (sources.test(url)) return { format: 'module', source: await compiled(fileURLToPath(url)), shortCircuit: true }
  return await nextLoad(url, context)
}

async function compiled (file) {
  const source = readFileSync(file)
  const kept = join(cache, `${digest(file)}.js`)
  const mark = `\n// ${digest(source)}\n`
  const before = readIfThere(kept)
  if (before?.endsWith(mark)) return before

  const { code } = await compiler().transform(source, {
    loader: 'ts',
    format: 'esm',
    target: 'node20.19',
    sourcefile: file,
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } }
  })
  keep(kept, code + mark)
  return code
}

/** The compiler that tsx brings. */
function compiler () {
  const require = createRequire(import.meta.url)
  return createRequire(require.resolve('tsx/package.json'))('esbuild')
}

/** Whole or not at all: other processes read it at the same time. Who may not write here compiles each time. */
function keep (file, text) {
  const unfinished = `${file}.${process.pid}.${threadId}`
  try {
    mkdirSync(cache, { recursive: true })
    writeFileSync(unfinished, text)
    renameSync(unfinished, file)
  } catch {
    rmSync(unfinished, { force: true })
  }
}

function readIfThere (file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function digest (text) {
  return createHash('sha1').update(text).digest('hex')
}
