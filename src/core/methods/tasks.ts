import type { Exchange } from '../exchange.ts'
import type { Method } from '../dispatcher.ts'
import type { ToolEntry } from '../entries.ts'
import { InvalidParamsError, MethodNotFoundError, MissingCapabilityError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import type { Registry } from '../registry.ts'
import { factsOf, withPayload } from '../tasks/description.ts'
import { declaresTasks, tasksCapability, tasksExtension } from '../tasks/lane.ts'
import type { WriteFailure } from '../tasks/running-task.ts'
import type { TaskCall } from '../tasks/task-call.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { isModern } from '../versions.ts'
import type { Wire } from '../wire.ts'

export interface TaskParts {
  tasks: Tasks
  wire: Wire
  offersTasks: () => boolean
}

/** `tasks/get`, `tasks/update` and `tasks/cancel`. Where no tool may run as a task, these methods do not exist. SEP-2663. */
export function createTaskMethods ({ tasks, wire, offersTasks }: TaskParts): [string, Method][] {
  function guarded (name: string, method: Method): [string, Method] {
    return [name, function serveTask (params, exchange) {
      if (!offersTasks()) throw new MethodNotFoundError(name)
      if (!declaresTasks(exchange.clientCapabilities)) throw new MissingCapabilityError(tasksExtension, tasksCapability)
      return method(params, exchange)
    }]
  }

  return [
    guarded('tasks/get', async ({ taskId }, { principal, revision }) => {
      const record = await tasks.get(taskId, principal.name)
      return withPayload(wire.result(factsOf(record), revision), record)
    }),
    guarded('tasks/update', async ({ taskId, inputResponses }, { principal, revision }) => {
      if (!isObject(inputResponses)) throw new InvalidParamsError('params.inputResponses must be an object.')
      await tasks.answer(taskId, principal.name, inputResponses)
      return wire.result({}, revision)
    }),
    guarded('tasks/cancel', async ({ taskId }, { principal, revision }) => {
      await tasks.cancel(taskId, principal.name)
      return wire.result({}, revision)
    })
  ]
}

/** Whether any tool may run as a task. */
export function offersTasks (tools: Registry<ToolEntry>): () => boolean {
  let generation = -1
  let isOffered = false
  return () => {
    if (generation !== tools.generation) {
      generation = tools.generation
      isOffered = tools.list.some(({ target }) => target.task !== undefined)
    }
    return isOffered
  }
}

/** Whether this call of a tool may be answered with a task. */
export function mayBecomeTask ({ target }: ToolEntry, { revision, clientCapabilities }: Exchange): boolean {
  return target.task !== undefined && isModern(revision) && declaresTasks(clientCapabilities)
}

/** Answers a call that may become a task: with its result, or, as soon as there is one, with the task. */
export async function answerWithTask (call: TaskCall, outcome: Promise<string>, wire: Wire, writeFailure: WriteFailure): Promise<string> {
  const answer = await Promise.race([call.announced, call.conclude(outcome, writeFailure)])
  return typeof answer === 'string' ? answer : wire.task(factsOf(answer))
}
