import { ToolOutputInvalidError, type Mismatch } from '../core/call-errors.ts'
import { InvalidParamsError } from '../core/errors.ts'
import { isObject } from '../core/json-rpc.ts'
import type { PromptEntry } from '../core/entries.ts'
import type { CallTarget, Pipeline } from '../core/pipeline.ts'
import { compileCheck } from '../core/validation.ts'
import type { JsonObject, ToolHandler } from '../core/ports.ts'
import { GetPromptResult } from '../../schemas/mcp.ts'
import type { PromptArgumentConfig, PromptConfig } from '../../schemas/prompt.ts'
import { whenReady } from './await.ts'
import { compileTemplateValue } from './template-text.ts'

const checkResult = lazily(() => compileCheck(GetPromptResult, { defaults: false }))

/** Compiles a prompt. `handler` is its resolved handler, when it has one. */
export function buildPromptEntry (config: PromptConfig, handler: ToolHandler | undefined, timeoutMs: number, pipeline: Pipeline): PromptEntry {
  const { name, title, description, arguments: args, icons, _meta } = config
  const target: CallTarget<GetPromptResult> = {
    kind: 'prompt',
    name,
    timeoutMs,
    checkArguments: createArgumentCheck(args),
    refuseArguments: (mismatches) => new InvalidParamsError(`Invalid arguments for the prompt ${name}: ${mismatches.map(({ path, message }) => `${path.slice(1)} ${message}`).join('; ')}.`),
    run: handler === undefined ? createTemplateRun(config) : (values, context) => whenReady(handler(values, context), (output) => shapeResult(config, output))
  }
  return {
    description: {
      name,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      arguments: args.map(({ enum: _enum, complete: _complete, ...shown }) => shown),
      ...(icons !== undefined && { icons }),
      ...(_meta !== undefined && { _meta })
    },
    target,
    invoke: pipeline.compose(target),
    completions: new Map(args.flatMap((arg) => {
      const values = arg.enum ?? arg.complete
      return values === undefined ? [] : [[arg.name, values]]
    }))
  }
}

/** Arguments of prompts are strings. 2026-07-28 server/prompts. */
function createArgumentCheck (declared: readonly PromptArgumentConfig[]): (args: JsonObject) => Mismatch[] | undefined {
  const names = new Set(declared.map(({ name }) => name))
  return function checkArguments (args) {
    const mismatches: Mismatch[] = []
    for (const { name, required, enum: values } of declared) {
      const value = Object.hasOwn(args, name) ? args[name] : undefined
      if (value === undefined) {
        if (required) mismatches.push({ path: `/${name}`, message: 'is required' })
      } else if (typeof value !== 'string') {
        mismatches.push({ path: `/${name}`, message: 'must be a string' })
      } else if (values !== undefined && !values.includes(value)) {
        mismatches.push({ path: `/${name}`, message: `must be one of ${values.map((known) => JSON.stringify(known)).join(', ')}` })
      }
    }
    for (const name of Object.keys(args)) if (!names.has(name)) mismatches.push({ path: `/${name}`, message: 'is not an argument of this prompt' })
    return mismatches.length === 0 ? undefined : mismatches
  }
}

function createTemplateRun ({ description, template, messages = [] }: PromptConfig): (args: JsonObject) => GetPromptResult {
  const sources = template === undefined ? messages.map(withContentBlock) : [{ role: 'user', content: { type: 'text', text: template } }]
  const fill = compileTemplateValue(sources)
  // The schema of the configuration says that these are messages; filling changes strings only.
  return (args) => ({ ...(description !== undefined && { description }), messages: fill(args) as GetPromptResult['messages'] })
}

/** In the file, a plain string stands for a text block. */
function withContentBlock ({ role, content }: { role: string, content: unknown }): { role: string, content: unknown } {
  return { role, content: typeof content === 'string' ? { type: 'text', text: content } : content }
}

/** A handler returns a full result, a list of messages, or the text of one user message. */
function shapeResult ({ name, description }: PromptConfig, output: unknown): GetPromptResult {
  const messages = typeof output === 'string' ? [{ role: 'user', content: output }] : Array.isArray(output) ? output : undefined
  const full = messages === undefined ? output : { ...(description !== undefined && { description }), messages }
  const result = isObject(full) && Array.isArray(full['messages'])
    ? { ...full, messages: full['messages'].map((message: unknown) => isObject(message) ? { ...message, content: textBlock(message['content']) } : message) }
    : full
  const mismatches = checkResult()(result)
  if (mismatches !== undefined) throw new ToolOutputInvalidError(`The prompt ${name}`, mismatches)
  return result as GetPromptResult // the check above says so
}

function textBlock (content: unknown): unknown {
  return typeof content === 'string' ? { type: 'text', text: content } : content
}

function lazily<Value> (make: () => Value): () => Value {
  let value: Value | undefined
  return () => (value ??= make())
}
