import type { Inquiry } from '../inquiry.ts'
import { isObject } from '../json-rpc.ts'
import type { JsonObject } from '../ports.ts'

/** The extension io.modelcontextprotocol/tasks (SEP-2663): calls that go on in the background while their client asks how they are. */

export const tasksExtension = 'io.modelcontextprotocol/tasks'

/** What a request has to declare to be answered with a task, in the form of an error's `requiredCapabilities`. */
export const tasksCapability = { extensions: { [tasksExtension]: {} } }

/** Whether a request of the 2026 era may be answered with a task. */
export function declaresTasks ({ extensions }: JsonObject): boolean {
  return isObject(extensions) && isObject(extensions[tasksExtension])
}

/** How a tool uses tasks. */
export interface TaskRule {
  readonly support: 'optional' | 'required'
  /** Who starts the task: the call, before the handler runs, or the handler. */
  readonly start: 'call' | 'handler'
  /** Milliseconds that the handler may work in a task; while it waits for its client, the time stands still. */
  readonly timeoutMs: number
}

/** The part of a call that its task needs. */
export interface TaskedCall {
  readonly abortReason: Error | undefined
  abort (reason: Error): void
  /** Gives the handler this much time from now on. */
  retime (limitMs: number): void
}

/** How a call reaches the task that it may become. */
export interface TaskLane {
  /** True from the moment at which the task is asked for: from then on, questions wait for it. */
  readonly started: boolean
  /** Of the task, as soon as there is one. */
  readonly taskId: string | undefined
  /** Bytes that the result of the call may have, as far as that depends on its task. */
  readonly maxResultBytes: number
  enter (call: TaskedCall, rule: TaskRule, toolName: string): void
  /** Makes the task and hands it to the client; a second time does nothing. Rejects with TaskLimitError or StateUnavailableError. */
  start (): Promise<void>
  /** Lets the client answer through its task. The signal ends the wait. */
  inquire (key: string, inquiry: Inquiry, signal: AbortSignal): Promise<unknown>
  /** Shows progress in the state of the task. False while there is none. */
  report (progress: number, total: number | undefined, message: string | undefined): boolean
}
