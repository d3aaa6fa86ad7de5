import type { Command } from '../command.ts'

/** The commands, in the order of the help. Each is loaded when it is asked for. */
const loaders: Readonly<Record<string, () => Promise<{ default: Command }>>> = {
  start: () => import('./start.ts'),
  stdio: () => import('./stdio.ts'),
  validate: () => import('./validate.ts'),
  explain: () => import('./explain.ts'),
  init: () => import('./init.ts'),
  keygen: () => import('./keygen.ts'),
  keys: () => import('./keys.ts'),
  audit: () => import('./audit.ts'),
  logs: () => import('./logs.ts')
}

export const commandNames: readonly string[] = Object.keys(loaders)

/** The command of this name, or undefined when there is none. */
export async function loadCommand (name: string): Promise<Command | undefined> {
  return Object.hasOwn(loaders, name) ? (await loaders[name]?.())?.default : undefined
}
