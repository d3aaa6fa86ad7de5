import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { packageRoot } from './package.ts'

/** The starter's files, below the folder of this module and below the directory that is made. */
const files = ['gantry.yaml', 'handlers/hello.mjs'] as const
const templates = join(import.meta.dirname, 'starter')
const schemaLine = /^(# yaml-language-server: \$schema=).*$/m

export type StarterOutcome = { written: string[] } | { problem: string }

/** Writes the starter into a directory. All or nothing: without `force`, a file that is there already stops it. */
export async function writeStarter (directory: string, { force }: { force: boolean }): Promise<StarterOutcome> {
  const there = files.filter((file) => existsSync(resolve(directory, file)))
  if (there.length > 0 && !force) {
    return { problem: `Nothing was written: ${there.map((file) => join(directory, file)).join(' and ')} ${there.length === 1 ? 'is' : 'are'} there already. Choose another directory, or write over with --force.` }
  }
  const written: string[] = []
  try {
    for (const file of files) {
      const target = resolve(directory, file)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, await contentOf(file, directory), { flag: force ? 'w' : 'wx' })
      written.push(join(directory, file))
    }
  } catch (error) {
    const rest = written.length === 0 ? '' : ` Written before that: ${written.join(', ')}.`
    return { problem: `The starter could not be written: ${error instanceof Error ? error.message : String(error)}.${rest}` }
  }
  return { written }
}

/** The editor's schema is that of this installation, so that it always fits the version in use. */
async function contentOf (file: string, directory: string): Promise<string> {
  const text = await readFile(join(templates, file), 'utf8')
  const way = relative(resolve(directory), join(packageRoot(), 'schemas', 'config.schema.json')).split(sep).join('/')
  return text.replace(schemaLine, (_line, key: string) => key + (way.startsWith('.') ? way : `./${way}`))
}
