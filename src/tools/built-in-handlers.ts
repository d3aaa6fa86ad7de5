import { ArgumentsInvalidError } from '../core/call-errors.ts'
import type { HandlerContext, JsonObject, ToolHandler } from '../core/ports.ts'

/** Names that begin like this belong to Gantry, so that a later version can add to them. */
const reservedPrefix = 'gantry.'

/** The functions that `registry` handlers may name in every program, the gantry command included. */
export const builtInHandlers: ReadonlyMap<string, ToolHandler> = new Map<string, ToolHandler>([
  ['gantry.echo', echo],
  ['gantry.time', time]
])

/** The built-in functions together with those of an embedding program. Throws for a name that Gantry keeps for itself. */
export function withBuiltInHandlers (own: ReadonlyMap<string, ToolHandler>): ReadonlyMap<string, ToolHandler> {
  const taken = [...own.keys()].find((name) => name.startsWith(reservedPrefix))
  if (taken !== undefined) throw new TypeError(`The handler ${JSON.stringify(taken)} needs another name: names that begin with "${reservedPrefix}" are Gantry's own.`)
  return new Map([...builtInHandlers, ...own])
}

/** Returns its arguments. As a full result, because arguments may look like one. */
function echo (args: JsonObject): unknown {
  return { structuredContent: args }
}

/** The time of day, ISO 8601, in the time zone of the argument `timeZone` (an IANA name); without one, UTC. */
function time ({ timeZone }: JsonObject, { metadata }: HandlerContext): unknown {
  if (timeZone === undefined) return { time: timeIn('UTC'), timeZone: 'UTC' }
  try {
    if (typeof timeZone === 'string') return { time: timeIn(timeZone), timeZone }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw new ArgumentsInvalidError(metadata.toolName, [{ path: '/timeZone', message: 'must be an IANA time zone such as "Europe/Paris" or "UTC"' }])
}

function timeIn (timeZone: string): string {
  const format = new Intl.DateTimeFormat('en', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'longOffset'
  })
  const parts = new Map(format.formatToParts().map(({ type, value }) => [type, value]))
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
  // "GMT+02:00"; for none "GMT" or "GMT+00:00", depending on the version of Node.
  const offset = part('timeZoneName').slice('GMT'.length)
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}${offset === '' || offset === '+00:00' ? 'Z' : offset}`
}
