import { extname } from 'node:path'
import { HandlerLoadError } from '../core/errors.ts'
import type { ToolHandler } from '../core/ports.ts'

type Module = Readonly<Record<string, unknown>>

const javascript: ReadonlySet<string> = new Set(['.js', '.mjs', '.cjs'])
const typescript: ReadonlySet<string> = new Set(['.ts', '.mts'])

/** Which function of which module. */
export interface HandlerModule {
  /** The file URL of the module. */
  readonly url: string
  /** As the configuration names it, for messages. */
  readonly path: string
  readonly exportName: string
}

/** Whether a path names a module that can be loaded, by its ending. */
export function isModulePath (path: string): boolean {
  return javascript.has(extname(path)) || typescript.has(extname(path))
}

/** Loads a module and finds the function that it exports. Rejects with a HandlerLoadError. */
export async function loadHandler ({ url, path, exportName }: HandlerModule): Promise<ToolHandler> {
  return pick(await importModule(url, path), exportName, path)
}

async function importModule (url: string, path: string): Promise<Module> {
  try {
    if (javascript.has(extname(url))) return await import(url) as Module
    // Only files in TypeScript pay for its compiler.
    const { tsImport } = await import('tsx/esm/api')
    return await tsImport(url, import.meta.url) as Module
  } catch (error) {
    throw new HandlerLoadError(['path'], `${JSON.stringify(path)} could not be loaded: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function pick (module: Module, exportName: string, path: string): ToolHandler {
  const exports = [module, inner(module)]
  const found = exports.map((each) => ownFunction(each, exportName)).find((candidate) => candidate !== undefined)
  if (found !== undefined) return found
  const functions = new Set(exports.flatMap((each) => Object.keys(each).filter((key) => ownFunction(each, key) !== undefined)))
  const hint = functions.size === 0 ? 'It exports no function at all.' : `It exports these functions: ${[...functions].join(', ')}.`
  throw new HandlerLoadError(['export'], `${JSON.stringify(path)} does not export a function as ${JSON.stringify(exportName)}. ${hint}`)
}

/** The exports of a CommonJS module: Node gives them as the default export, and by name only where it can tell the names from the text. */
function inner ({ default: exported }: Module): Module {
  return typeof exported === 'object' && exported !== null ? exported as Module : {}
}

function ownFunction (module: Module, name: string): ToolHandler | undefined {
  const value = Object.hasOwn(module, name) ? module[name] : undefined
  return typeof value === 'function' ? value as ToolHandler : undefined
}
