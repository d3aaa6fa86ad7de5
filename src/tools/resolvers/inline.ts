import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerContext, HandlerResolver } from '../../core/ports.ts'
import type { InlineHandler } from '../../../schemas/handler.ts'
import type { Sandbox, SandboxEvent } from '../sandbox/index.ts'

/** Bounds what one call can make this process parse. */
const MAX_OUTPUT_BYTES = 10 * 1024 * 1024

export interface InlineResolverOptions { readonly sandbox: Pick<Sandbox, 'check' | 'run'> }

/** Resolves `inline` handlers: code of the configuration file, which runs in the sandbox. */
export function createInlineResolver ({ sandbox }: InlineResolverOptions): HandlerResolver<InlineHandler> {
  return {
    type: 'inline',
    async resolve ({ code, timeout: timeoutMs, memoryLimit: memoryLimitBytes }) {
      const checked = await sandbox.check(code)
      if (!checked.ok) throw new HandlerLoadError(['code'], `The code does not load: ${checked.message} (line ${checked.line}, column ${checked.column}).`)
      return (args, context) => sandbox.run({
        code,
        args,
        info: context,
        timeoutMs,
        memoryLimitBytes,
        maxOutputBytes: MAX_OUTPUT_BYTES,
        signal: context.signal,
        onEvent: (event) => { report(event, context) }
      })
    }
  }
}

function report (event: SandboxEvent, context: HandlerContext): void {
  switch (event.type) {
    case 'progress': return context.progress(event.progress, event.total, event.message)
    case 'log': return context.log(event.level, event.data, event.logger)
    case 'logger': return event.facts === undefined ? context.logger[event.level](event.sentence ?? '') : context.logger[event.level](event.facts, event.sentence)
    case 'dropped': return context.logger.warn({ dropped: event.count }, 'Inline code reported more than a call may: the rest was dropped.')
    default: return event satisfies never
  }
}
