import { CallClock } from './call-clock.ts'
import type { CallContext, CallSubject } from './context.ts'
import { NotAvailableError, ToolCallError, ToolFailedError, ToolTimeoutError, type Mismatch } from './call-errors.ts'
import { GantryError, MissingCapabilityError } from './errors.ts'
import { tasksCapability, tasksExtension, type TaskRule } from './tasks/lane.ts'
import { isModern } from './versions.ts'
import type { JsonObject } from './ports.ts'

/**
 * The one way to call a tool, a prompt or a resource. Concerns that act on a call are stages; each is composed into a target's
 * function once, when the target is registered. A stage that a target does not need is not in its function at all.
 */

/**
 * The order, outermost first. Audit stands outside all, so that refusals are recorded; validation stands before the cache, so that keys
 * are canonical. Permissions are judged earlier, where a name becomes an entry (lookup.ts): what a caller may not use is not there for it. Rate
 * limits are judged earlier still, for whole messages (rate-limits.ts).
 */
export const stageOrder = ['trace', 'metrics', 'audit', 'validate', 'cache', 'task', 'timeout', 'run'] as const
export type StageName = typeof stageOrder[number]

/** Calls a target. Throws or rejects with a GantryError; never with anything else. */
export type Invoke<Result> = (args: JsonObject, context: CallContext) => Result | Promise<Result>

/** What can be called: its handler, with what the stages need to know of it. */
export interface CallTarget<Result> extends CallSubject {
  readonly timeoutMs: number
  /** Undefined for what never runs as a task. */
  readonly task?: TaskRule | undefined
  /** Fills in defaults and says what does not fit. */
  readonly checkArguments: ((args: JsonObject) => readonly Mismatch[] | undefined) | undefined
  /** The error for arguments that do not fit. */
  readonly refuseArguments: (mismatches: readonly Mismatch[]) => GantryError
  /** Runs the handler and shapes its result. */
  readonly run: Invoke<Result>
}

/** One concern of a call. */
export interface CallStage {
  readonly name: StageName
  /** Puts the stage around `next`, or returns undefined when it has nothing to do for this target. */
  wrap<Result> (target: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> | undefined
}

export interface PipelineOptions {
  /** Hide what handlers throw from clients; the log has it. */
  maskHandlerErrors: boolean
  /** Takes secrets out of what clients are told of a failure. */
  redact?: ((text: string) => string) | undefined
}

/** Holds the stages and composes targets. Stages are added while the server is built, before the first target. */
export class Pipeline {
  readonly #stages = new Map<StageName, CallStage>()
  #composed = false

  constructor (options: PipelineOptions) {
    for (const stage of [validateStage, taskStage, timeoutStage, createRunStage(options)]) this.use(stage)
  }

  use (stage: CallStage): void {
    if (this.#composed) throw new Error(`The stage ${stage.name} came after the first target: targets registered before would lack it.`)
    if (this.#stages.has(stage.name)) throw new Error(`The stage ${stage.name} is there already.`)
    this.#stages.set(stage.name, stage)
  }

  compose<Result> (target: CallTarget<Result>): Invoke<Result> {
    this.#composed = true
    return stageOrder.reduceRight<Invoke<Result>>(
      (next, name) => this.#stages.get(name)?.wrap(target, next) ?? next,
      target.run
    )
  }
}

const validateStage: CallStage = {
  name: 'validate',
  wrap (target, next) {
    const { checkArguments } = target
    if (checkArguments === undefined) return undefined
    return function validate (args, context) {
      const mismatches = checkArguments(args)
      if (mismatches !== undefined) throw target.refuseArguments(mismatches)
      return next(args, context)
    }
  }
}

/**
 * Makes the task of a call before its handler runs, or leaves that to the handler. Who cannot have a task gets the result itself. The
 * stages outside of this one go on until the handler ends, whoever gets its result.
 */
const taskStage: CallStage = {
  name: 'task',
  wrap (target, next) {
    const { task: rule, name } = target
    if (rule === undefined) return undefined
    return function runAsTask (args, context) {
      const { lane } = context
      if (lane === undefined) {
        if (rule.support === 'required') throw taskRequired(name, context)
        return next(args, context)
      }
      lane.enter(context, rule, name)
      return rule.start === 'handler' ? next(args, context) : lane.start().then(() => next(args, context))
    }
  }
}

function taskRequired (name: string, { revision }: CallContext): GantryError {
  if (isModern(revision)) return new MissingCapabilityError(tasksExtension, tasksCapability)
  return new NotAvailableError(name, 'it only runs as a task, and revisions before 2026-07-28 have none of that kind.')
}

const timeoutStage: CallStage = {
  name: 'timeout',
  wrap<Result> (target: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> {
    const { name, timeoutMs, task } = target
    return function limitTime (args, context) {
      const outcome = next(args, context)
      // A handler that answers at once needs no clock.
      if (!(outcome instanceof Promise)) return outcome
      return new Promise<Result>((resolve, reject) => {
        const givenMs = task !== undefined && context.lane?.started === true ? task.timeoutMs : timeoutMs
        const clock = new CallClock(givenMs, (limitMs) => { context.abort(new ToolTimeoutError(name, limitMs)) })
        context.timedBy(clock)
        context.whenAborted((reason) => { clock.end(); reject(reason) })
        outcome.then(
          (result) => { clock.end(); resolve(result) },
          (error: unknown) => { clock.end(); reject(error as Error) }
        )
      })
    }
  }
}

/** Innermost: whatever a handler throws becomes one ToolFailedError, and the log has the rest. */
function createRunStage ({ maskHandlerErrors, redact }: PipelineOptions): CallStage {
  return {
    name: 'run',
    wrap<Result> (target: CallTarget<Result>, run: Invoke<Result>): Invoke<Result> {
      function translate (error: unknown, context: CallContext): GantryError {
        try {
          return withoutSecrets(failureOf(error, context))
        } catch (fault) {
          // Not even looking at what was thrown went well: a getter, a proxy.
          return new ToolFailedError(`${target.name} failed without saying why.`, { cause: fault })
        }
      }
      function failureOf (error: unknown, context: CallContext): GantryError {
        // What a tool meets on its way (a resource that is not there) is the failure of that tool, not of its caller's request.
        if (error instanceof GantryError && !(error instanceof ToolFailedError) && (error instanceof ToolCallError || error instanceof MissingCapabilityError || target.kind !== 'tool')) return error
        const { abortReason } = context
        // What a handler throws because its signal fired is the echo of that, not a failure of its own.
        if (abortReason instanceof GantryError) return abortReason
        context.logger.warn({ err: error, requestId: context.requestId }, `The ${target.kind} ${target.name} failed.`)
        if (maskHandlerErrors) return new ToolFailedError(`${target.name} failed. The server log has the reason under request ${context.requestId}.`, { cause: error })
        return error instanceof ToolFailedError ? error : new ToolFailedError(failureText(error, target.name), { cause: error })
      }
      /** What a driver or an API says of its failure may quote what it was given. */
      function withoutSecrets (error: GantryError): GantryError {
        if (redact !== undefined) error.message = redact(error.message)
        return error
      }
      return function runHandler (args, context) {
        try {
          const outcome = run(args, context)
          if (!(outcome instanceof Promise)) return outcome
          return outcome.catch((error: unknown) => { throw translate(error, context) })
        } catch (error) {
          throw translate(error, context)
        }
      }
    }
  }
}

/** The handler's own words for its caller; a stack never. */
function failureText (error: unknown, name: string): string {
  const message: unknown = error instanceof Error ? error.message : error
  return typeof message !== 'string' || message === '' ? `${name} failed without saying why.` : message.slice(0, 10_000)
}
