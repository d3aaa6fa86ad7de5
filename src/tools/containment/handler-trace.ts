import { AsyncLocalStorage } from 'node:async_hooks'
import { fileURLToPath } from 'node:url'
import { ToolFailedError } from '../../core/call-errors.ts'
import { CallContext } from '../../core/context.ts'
import { logThrown } from '../../core/thrown.ts'
import type { HandlerContext, JsonObject, Logger, ToolHandler } from '../../core/ports.ts'

/** What running code was begun by: a call of a handler, or the loading of a handler's module. */
type Origin = HandlerContext | LoadedModule
class LoadedModule {
  readonly file: string
  constructor (file: string) { this.file = file }
}

/**
 * Knows, of whatever runs, by which handler it was begun: also in timers, events and promises that nobody waits for. Costs nothing until
 * the first module is loaded; from then on, Node keeps account of what begins what.
 */
export class HandlerTrace {
  readonly #origins = new AsyncLocalStorage<Origin>()
  readonly #files = new Set<string>()

  /** Runs a handler. What it begins belongs to this call. */
  call (handler: ToolHandler, args: JsonObject, context: HandlerContext): unknown {
    return this.#origins.run(context, handler, args, context)
  }

  /** Runs the import of a handler's module (a file URL). What the module begins while it loads belongs to its file. */
  load<Module> (url: string, importModule: () => Promise<Module>): Promise<Module> {
    const file = fileURLToPath(url)
    this.#files.add(file)
    return this.#origins.run(new LoadedModule(file), importModule)
  }

  /** Throws a ToolFailedError where a handler, or what one has begun, does what ends the server. */
  refuse (what: string): void {
    if (this.#origins.getStore() !== undefined) throw new ToolFailedError(`${what} was called by a handler: it may not end the server.`)
  }

  /**
   * For an uncaught exception, in the event that tells of it: whether it comes from a handler. If so, it has its line in the log, and the
   * call fails if it was still running.
   */
  contain (thrown: unknown, logger: Logger): boolean {
    const origin = this.#origins.getStore() ?? this.#fileIn(thrown)
    if (origin === undefined) return false
    if (origin instanceof LoadedModule) {
      logThrown(logger, thrown, { file: origin.file }, 'A handler left something running that failed, and nobody was there to catch it.', 'error')
      return true
    }
    const { requestId, metadata: { toolName } } = origin
    logThrown(logger, thrown, { requestId }, `The handler of ${toolName} left something running that failed, and nobody was there to catch it.`, 'error')
    if (origin instanceof CallContext) origin.abort(new ToolFailedError(`${toolName} failed: something that it began threw an error which it did not catch. The server log has the reason under request ${requestId}.`))
    return true
  }

  /** Microtasks carry no origin in each version of Node; the stack of what they throw leads to the file. */
  #fileIn (thrown: unknown): LoadedModule | undefined {
    const stack = stackOf(thrown)
    const file = [...this.#files].find((each) => stack.includes(each))
    return file === undefined ? undefined : new LoadedModule(file)
  }
}

function stackOf (thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.stack) : ''
  } catch {
    return '' // a getter, a proxy
  }
}
