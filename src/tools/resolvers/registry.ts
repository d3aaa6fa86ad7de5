import { HandlerLoadError } from '../../core/errors.ts'
import type { HandlerResolver, ToolHandler } from '../../core/ports.ts'
import type { RegistryHandler } from '../../../schemas/handler.ts'

/** Resolves `registry` handlers: functions that the embedding program gave a name. */
export function createRegistryResolver (handlers: ReadonlyMap<string, ToolHandler>): HandlerResolver<RegistryHandler> {
  return {
    type: 'registry',
    async resolve ({ name }) {
      const handler = handlers.get(name)
      if (handler !== undefined) return handler
      const known = `Registered are: ${[...handlers.keys()].join(', ')}. Functions of your own need a program that embeds Gantry; with the gantry command, use a file handler.`
      throw new HandlerLoadError(['name'], `No handler is registered as ${JSON.stringify(name)}. ${known}`)
    }
  }
}
