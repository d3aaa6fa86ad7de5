import { join } from 'node:path'
import { loadConfig, type Fault, type LoadedConfig } from '../../src/config/load.ts'
import { pathText } from '../../src/config/fault.ts'

interface TestWithFolder { testdir (content: Record<string, string>): string }

export interface LoadTextOptions { name?: string, env?: NodeJS.ProcessEnv, files?: Record<string, string> }

/** Loads a configuration that is given as text, from a folder of its own that is also the working directory. */
export async function loadText (t: TestWithFolder, text: string, { name = 'config.json', env = {}, files = {} }: LoadTextOptions = {}): Promise<LoadedConfig> {
  const folder = t.testdir({ ...files, [name]: text })
  return await loadConfig({ file: join(folder, name), env, cwd: folder })
}

/** Loads a configuration that is given as a value. */
export async function loadValue (t: TestWithFolder, value: unknown, options: LoadTextOptions = {}): Promise<LoadedConfig> {
  return await loadText(t, JSON.stringify(value, null, 2), options)
}

/** The paths of faults, in their order. */
export function pathsOf (faults: readonly Fault[]): string[] {
  return faults.map(({ path }) => pathText(path))
}

/** A tool that has nothing wrong with it. */
export function soundTool (name: string, more: object = {}): object {
  return { name, handler: { type: 'registry', name: 'f' }, ...more }
}
