import { CallClock } from './call-clock.ts'
import type { CallSlots } from './call-slots.ts'
import type { KeepRule } from './cache/keep-rule.ts'
import type { CallContext, CallSubject } from './context.ts'
import { NotAvailableError, ToolCallError, ToolFailedError, ToolOutputInvalidError, type Mismatch } from './call-errors.ts'
import { GantryError, MissingCapabilityError } from './errors.ts'
import { tasksCapability, tasksExtension, type TaskRule } from './tasks/lane.ts'
import { logThrown } from './thrown.ts'
import { timeOut } from './time-out.ts'
import { isModern } from './versions.ts'
import type { JsonObject } from './ports.ts'

/**
 * The one way to call a tool, a prompt or a resource. Concerns that act on a call are stages; each is composed into a target's
 * function once, when the target is registered. A stage that a target does not need is not in its function at all.
 */

/**
 * The order, outermost first. Audit stands outside all that decides, so that refusals are recorded; validation stands before the cache, so that keys
 * are canonical; what a call makes obsolete is dropped as soon as its handler has succeeded, also if its caller did not wait for that.
 * Permissions are judged earlier, where a name becomes an entry (lookup.ts): what a caller may not use is not there for it. Rate limits are
 * judged earlier still, for whole messages (rate-limits.ts).
 */
export const stageOrder = ['trace', 'metrics', 'audit', 'validate', 'cache', 'task', 'timeout', 'queue', 'invalidate', 'run'] as const
export type StageName = typeof stageOrder[number]

/** Calls a target. Throws or rejects with a GantryError; never with anything else. */
export type Invoke<Result> = (args: JsonObject, context: CallContext) => Result | Promise<Result>

/** What can be called: its handler, with what the stages need to know of it. */
export interface CallTarget<Result> extends CallSubject {
  readonly timeoutMs: number
  /** Undefined for what never runs as a task. */
  readonly task?: TaskRule | undefined
  /** How many calls may run at once. Undefined where that is not limited. */
  readonly slots?: CallSlots | undefined
  /** How its results are kept. Undefined where they are not. */
  readonly cache?: KeepRule | undefined
  /** The tags of kept results that are dropped when it has succeeded. */
  readonly invalidates?: readonly string[] | undefined
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
    for (const stage of [validateStage, taskStage, timeoutStage, queueStage, createRunStage(options)]) this.use(stage)
  }

  use (stage: CallStage): this {
    if (this.#composed) throw new Error(`The stage ${stage.name} came after the first target: targets registered before would lack it.`)
    if (this.#stages.has(stage.name)) throw new Error(`The stage ${stage.name} is there already.`)
    this.#stages.set(stage.name, stage)
    return this
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
    const { timeoutMs, task } = target
    return function limitTime (args, context) {
      const outcome = next(args, context)
      // A handler that answers at once needs no clock.
      if (!(outcome instanceof Promise)) return outcome
      return new Promise<Result>((resolve, reject) => {
        const givenMs = task !== undefined && context.lane?.started === true ? task.timeoutMs : timeoutMs
        const clock = new CallClock(givenMs, (limitMs) => { timeOut(context, target, limitMs) })
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

/**
 * Lets so many calls run at once; others wait, and the time of a call goes on while it does. A place is free when the handler has ended:
 * one that goes on after its caller was answered still keeps it.
 */
const queueStage: CallStage = {
  name: 'queue',
  wrap<Result> ({ slots }: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> | undefined {
    if (slots === undefined) return undefined
    function runInSlot (args: JsonObject, context: CallContext): Result | Promise<Result> {
      let outcome
      try {
        outcome = next(args, context)
      } catch (error) {
        slots?.release()
        throw error
      }
      if (outcome instanceof Promise) return outcome.finally(() => { slots?.release() })
      slots?.release()
      return outcome
    }
    return function awaitSlot (args, context) {
      if (slots.take()) return runInSlot(args, context)
      return slots.wait(context).then(() => {
        const { abortReason } = context
        if (abortReason === undefined) return runInSlot(args, context)
        slots.release()
        throw abortReason
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
        let failure: GantryError
        try {
          failure = failureOf(error, context)
        } catch (fault) {
          // Not even looking at what was thrown went well: a getter, a proxy.
          report(error, context)
          failure = wordless(target.name, fault)
        }
        try {
          return withoutSecrets(failure)
        } catch (fault) {
          return wordless(target.name, fault) // it was frozen
        }
      }
      function failureOf (error: unknown, context: CallContext): GantryError {
        // What a tool meets on its way (a resource that is not there) is the failure of that tool, not of its caller's request.
        if (error instanceof GantryError && !(error instanceof ToolFailedError) && (error instanceof ToolCallError || error instanceof MissingCapabilityError || target.kind !== 'tool')) {
          // No fault of its caller, so nobody would hear of it who can mend it.
          if (error instanceof ToolOutputInvalidError) report(error, context)
          return error
        }
        const { abortReason } = context
        // What a handler throws because its signal fired is the echo of that, not a failure of its own.
        if (abortReason instanceof GantryError) return abortReason
        const failure = toldOf(error, context)
        report(error, context)
        return failure
      }
      function toldOf (error: unknown, { requestId }: CallContext): GantryError {
        if (maskHandlerErrors) return new ToolFailedError(`${target.name} failed. The server log has the reason under request ${requestId}.`, { cause: error })
        if (error instanceof ToolFailedError && error.message.length <= maxFailureChars) return error
        return new ToolFailedError(failureText(error, target.name), { cause: error })
      }
      function report (error: unknown, { logger, requestId }: CallContext): void {
        logThrown(logger, error, { requestId }, `The ${target.kind} ${target.name} failed.`)
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

/** What a client is told of a failure is for people and models to read. */
const maxFailureChars = 10_000

/** The handler's own words for its caller; a stack never. */
function failureText (error: unknown, name: string): string {
  const message: unknown = error instanceof Error ? error.message : error
  return typeof message !== 'string' || message === '' ? wordlessText(name) : message.slice(0, maxFailureChars)
}

function wordless (name: string, cause: unknown): ToolFailedError {
  return new ToolFailedError(wordlessText(name), { cause })
}

function wordlessText (name: string): string {
  return `${name} failed without saying why.`
}
