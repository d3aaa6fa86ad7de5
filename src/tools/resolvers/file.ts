import { pathToFileURL } from 'node:url'
import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerOwner, HandlerResolver, ToolHandler } from '../../core/ports.ts'
import type { FileHandler } from '../../../schemas/handler.ts'
import { FileRefusedError, findAllowedFile, type FileBounds } from '../allowed-file.ts'
import type { HandlerTrace } from '../containment/handler-trace.ts'
import { isModulePath, loadHandler, type HandlerModule } from '../handler-module.ts'

export interface FileResolverOptions {
  bounds: FileBounds
  /** Of a program that answers for what handlers leave running. */
  trace: HandlerTrace | undefined
  /** Gives the handler a thread of its own. Rejects with a HandlerLoadError. */
  isolate (module: HandlerModule, memoryLimitBytes: number | undefined, owner: HandlerOwner): Promise<ToolHandler>
}

/** Resolves `file` handlers: a function that a module below an allowed root exports. TypeScript needs no build step. */
export function createFileResolver ({ bounds, trace, isolate }: FileResolverOptions): HandlerResolver<FileHandler> {
  return {
    type: 'file',
    async resolve ({ path, export: exportName, isolation, memoryLimit }, owner) {
      const module: HandlerModule = { url: pathToFileURL(locate(path, bounds)).href, path, exportName }
      if (isolation === 'worker') return await isolate(module, memoryLimit, owner)
      if (memoryLimit !== undefined) {
        throw new HandlerLoadError(['memoryLimit'], 'The memory of a handler that runs in the server cannot be limited: set "isolation" to "worker", or remove `memoryLimit`.')
      }
      trace?.note(module.url)
      const handler = await loadHandler(module)
      return trace === undefined ? handler : (args, context) => trace.call(handler, args, context)
    }
  }
}

function locate (path: string, bounds: FileBounds): string {
  if (!isModulePath(path)) throw new HandlerLoadError(['path'], `${JSON.stringify(path)} must end in .js, .mjs, .cjs, .ts or .mts.`)
  try {
    return findAllowedFile(path, bounds)
  } catch (error) {
    if (error instanceof FileRefusedError) throw new HandlerLoadError(['path'], error.message, { cause: error })
    throw error
  }
}
