import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { HandlerLoadError } from '../../core/errors.ts'
import { guardKill } from '../containment/guard-exits.ts'
import { loadHandler } from '../handler-module.ts'
import type { Reply } from '../threads/pool.ts'
import type { CallRequest, IsolatedWork, Message, Outcome, ThreadData } from './messages.ts'
import { ThreadContext } from './thread-context.ts'
import { thrownOf, unsendable } from './thrown.ts'

/** A thread of one handler module: serves one request after the other. Started by threads/pool.ts. */

if (parentPort === null) throw new Error('This file is the entry of a worker thread: it cannot be run by itself.')
const port = parentPort
const { url, path } = workerData as ThreadData

/** A call on its way. */
interface Running { readonly context: ThreadContext, end (outcome: Outcome): void }
let running: Running | undefined
/** By which call whatever runs was begun. */
const calls = new AsyncLocalStorage<Running>()

guardKill((what) => { throw new Error(`${what} was called by a handler: it may not end the server.`) })
process.on('uncaughtException', (error: unknown) => {
  const call = calls.getStore()
  const outcome = thrownOf(error)
  if (call !== undefined && call === running) return call.end(outcome)
  const cause = new Error(outcome.message)
  if (outcome.stack !== undefined) cause.stack = outcome.stack
  post({ type: 'stray', cause })
})
port.on('message', (message: IsolatedWork['request'] | Message) => {
  switch (message.type) {
    case 'check':
      void check(message.exportName)
      return
    case 'call':
      void call(message)
      return
    case 'abort': return running?.context.abort()
    case 'answer': return running?.context.receive(message)
    default: return message satisfies never
  }
})
post({ type: 'ready' })

async function check (exportName: string): Promise<void> {
  try {
    await loadHandler({ url, path, exportName })
    done({ type: 'checked' })
  } catch (error) {
    done({ type: 'faulty', path: error instanceof HandlerLoadError ? error.path : ['path'], message: thrownOf(error).message })
  }
}

/** The call ends once, by its handler or by what its handler left running. */
async function call ({ exportName, args, facts }: CallRequest): Promise<void> {
  const context = new ThreadContext(facts, (event) => { post({ type: 'event', event }) })
  const current: Running = {
    context,
    end (outcome) {
      if (running !== current) return
      running = undefined
      context.finish()
      done(outcome)
    }
  }
  running = current
  try {
    const handler = await loadHandler({ url, path, exportName })
    const value: unknown = await calls.run(current, handler, args, context)
    current.end({ type: 'value', value })
  } catch (error) {
    current.end({ ...thrownOf(error), answerId: context.answerIdOf(error) })
  }
}

function done (outcome: Outcome): void {
  try {
    post({ type: 'done', outcome, droppedEvents: 0 })
  } catch (error) {
    post({ type: 'done', outcome: unsendable(error), droppedEvents: 0 })
  }
}

function post (reply: Reply<IsolatedWork>): void {
  port.postMessage(reply)
}
