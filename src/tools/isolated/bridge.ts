import type { HandlerContext } from '../../core/ports.ts'
import { askMethods, type AnswerMessage, type AskMethod, type CallEvent, type ThrownOutcome } from './messages.ts'

/** What of a call happens on this side of its thread. */
export interface Bridge {
  /** Does with the context what the handler did with its own. */
  readonly deliver: (event: CallEvent, answer: (message: AnswerMessage) => void) => void
  /** The error that a handler failed by: the very one that it got as an answer, or one with its words. */
  errorOf (outcome: ThrownOutcome): unknown
}

export function createBridge (context: HandlerContext): Bridge {
  const refusals = new Map<number, unknown>()

  async function ask (id: number, method: AskMethod, args: readonly unknown[], answer: (message: AnswerMessage) => void): Promise<void> {
    try {
      answer({ type: 'answer', id, value: await run(method, args) })
    } catch (error) {
      refusals.set(id, error)
      answer({ type: 'answer', id, error: { message: error instanceof Error ? error.message : String(error), code: codeOf(error) } })
    }
  }

  /** Each method checks what it is given. */
  async function run (method: AskMethod, args: readonly unknown[]): Promise<unknown> {
    if (method === 'queryDatabase') {
      const [name, ...query] = args as [string, string, unknown[]?]
      return await context.db(name).query(...query)
    }
    if (method === 'useCache') return await runInCache(context, args)
    if (!askMethods.includes(method)) throw new TypeError(`A context has no ${String(method)}.`)
    return await (context[method] as (...args: readonly unknown[]) => Promise<unknown>).apply(context, [...args])
  }

  return {
    deliver (event, answer) {
      switch (event.type) {
        case 'progress': return context.progress(event.progress, event.total, event.message)
        case 'log': return context.log(event.level, event.data, event.logger)
        case 'logger': return context.logger[event.level](event.facts, event.sentence)
        case 'suspend': return context.suspend(event.retryMs)
        case 'ask':
          void ask(event.id, event.method, event.args, answer)
          return
        default: return event satisfies never
      }
    },
    errorOf ({ message, stack, answerId }) {
      if (answerId !== undefined && refusals.has(answerId)) return refusals.get(answerId)
      const error = new Error(message)
      if (stack !== undefined) error.stack = stack
      return error
    }
  }
}

/** What is done with it, then the arguments of that. */
async function runInCache ({ cache }: HandlerContext, [operation, key, ...rest]: readonly unknown[]): Promise<unknown> {
  switch (operation) {
    case 'get': return await cache.get(key as string)
    case 'set': return await cache.set(key as string, ...rest as [unknown, number?])
    case 'delete': return await cache.delete(key as string)
    default: throw new TypeError(`context.cache has no ${String(operation)}.`)
  }
}

function codeOf (error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
