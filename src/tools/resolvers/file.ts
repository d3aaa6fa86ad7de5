import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerResolver, ToolHandler } from '../../core/ports.ts'
import type { FileHandler } from '../../../schemas/handler.ts'
import { FileRefusedError, findAllowedFile, type FileBounds } from '../allowed-file.ts'

type Module = Readonly<Record<string, unknown>>

const javascript: ReadonlySet<string> = new Set(['.js', '.mjs', '.cjs'])
const typescript: ReadonlySet<string> = new Set(['.ts', '.mts'])

/** Resolves `file` handlers: a function that a module below an allowed root exports. TypeScript needs no build step. */
export function createFileResolver (bounds: FileBounds): HandlerResolver<FileHandler> {
  return {
    type: 'file',
    async resolve ({ path, export: exportName }) {
      const handler = pick(await load(locate(path, bounds), path), exportName, path)
      return handler
    }
  }
}

function locate (path: string, bounds: FileBounds): string {
  const extension = extname(path)
  if (!javascript.has(extension) && !typescript.has(extension)) {
    throw new HandlerLoadError(['path'], `${JSON.stringify(path)} must end in .js, .mjs, .cjs, .ts or .mts.`)
  }
  try {
    return findAllowedFile(path, bounds)
  } catch (error) {
    if (error instanceof FileRefusedError) throw new HandlerLoadError(['path'], error.message, { cause: error })
    throw error
  }
}

async function load (file: string, path: string): Promise<Module> {
  const url = pathToFileURL(file).href
  try {
    if (javascript.has(extname(file))) return await import(url) as Module
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
