import { AsyncLocalStorage } from 'node:async_hooks'
import { dirname, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ToolFailedError } from '../../core/call-errors.ts'
import { CallContext } from '../../core/context.ts'
import { logThrown } from '../../core/thrown.ts'
import type { HandlerContext, JsonObject, Logger, ToolHandler } from '../../core/ports.ts'

/** Before this version, Node's own account of what begins what makes every call dearer; from then on it is cheap. */
const cheapFromMajor = 24
/** The server's own code: what of it is in a stack says nothing of handlers. */
const own = dirname(dirname(dirname(fileURLToPath(import.meta.url)))) + sep
const stackFrames = 50

/**
 * Knows, of whatever fails without anybody to catch it, whether a handler began it. At first by the stack alone, which costs calls nothing;
 * from the first such failure on, each call is traced, so that whatever it began leads back to it: timers, events, promises.
 */
export class HandlerTrace {
  readonly #calls = new AsyncLocalStorage<HandlerContext>()
  /** The files of handlers, and how their folders and the files in them begin in a stack. */
  readonly #files = new Set<string>()
  readonly #folders = new Set<string>()
  #isTracing = Number.parseInt(process.versions.node) >= cheapFromMajor

  /** Runs a handler. */
  call (handler: ToolHandler, args: JsonObject, context: HandlerContext): unknown {
    return this.#isTracing ? this.#calls.run(context, handler, args, context) : handler(args, context)
  }

  /** Notes the module of a handler (a file URL), before it is loaded. */
  note (url: string): void {
    const file = fileURLToPath(url)
    this.#files.add(file)
    const folder = dirname(file) + sep
    this.#folders.add(folder).add(pathToFileURL(folder).href)
  }

  /** Throws a ToolFailedError where a handler, or what one has begun, does what ends the server. */
  refuse (what: string): void {
    if (this.#files.size === 0) return
    if (this.#calls.getStore() !== undefined || this.#placeIn(stackHere()) !== undefined) throw new ToolFailedError(`${what} was called by a handler: it may not end the server.`)
  }

  /**
   * For an uncaught exception, in the event that tells of it: whether it comes from a handler. If so, it has its line in the log, and the
   * call fails if it is known and still running.
   */
  contain (thrown: unknown, logger: Logger): boolean {
    if (this.#files.size === 0) return false
    const context = this.#calls.getStore()
    if (context === undefined) return this.#containUntraced(thrown, logger)
    const { requestId, metadata: { toolName } } = context
    logThrown(logger, thrown, { requestId }, `The handler of ${toolName} left something running that failed, and nobody was there to catch it.`, 'error')
    if (context instanceof CallContext) context.abort(new ToolFailedError(`${toolName} failed: something that it began threw an error which it did not catch. The server log has the reason under request ${requestId}.`))
    return true
  }

  #containUntraced (thrown: unknown, logger: Logger): boolean {
    const stack = stackOf(thrown)
    const file = this.#placeIn(stack)
    // A socket, a stream or a rejection without a reason leads to nobody: the server's own are all listened to.
    if (file === undefined && hasFrames(stack)) return false
    this.#isTracing = true
    logThrown(logger, thrown, { file }, 'A handler left something running that failed, and nobody was there to catch it.', 'error')
    return true
  }

  /** The file of a handler, or the folder of one, that a stack leads to. */
  #placeIn (stack: string): string | undefined {
    const lines = framesOf(stack).filter((line) => !line.includes(own) && !line.includes(pathToFileURL(own).href))
    const isIn = (place: string): boolean => lines.some((line) => line.includes(place))
    return [...this.#files].find((file) => isIn(file) || isIn(pathToFileURL(file).href)) ?? [...this.#folders].find(isIn)
  }
}

/** The frames that are not Node's. */
function framesOf (stack: string): string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line) && !/\(?node:|\(native\)|<anonymous>\)?$/.test(line))
}

function hasFrames (stack: string): boolean { return framesOf(stack).length > 0 }

function stackHere (): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = stackFrames
  const { stack = '' } = new Error('Here.')
  Error.stackTraceLimit = stackTraceLimit
  return stack
}

function stackOf (thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.stack) : ''
  } catch {
    return '' // a getter, a proxy
  }
}
