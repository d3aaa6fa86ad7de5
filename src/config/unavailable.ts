import { elements, member, type Fault, type Path } from './fault.ts'

/**
 * What the configuration format has and this version does not do. Each entry is refused where it stands, because accepting a control that
 * nothing enforces would be worse. A feature that lands removes its line.
 */

interface UnavailableSection {
  /** Where it stands; `*` is any index. */
  path: readonly string[]
  /** Whether what stands there asks for something, so that leaving it out would change what happens. */
  asks: (value: unknown) => boolean
}

const unlessOff = (value: unknown): boolean => member(value, 'enabled') !== false

export const unavailableSections: readonly UnavailableSection[] = [
  { path: ['cluster'], asks: unlessOff }
]

/** Environment variables; a `*` at the end stands for any rest. */
export const unavailableVariables: readonly { name: string, feature: string }[] = [
  { name: 'SENTRY_DSN', feature: 'error tracking' },
  { name: 'OTEL_*', feature: 'tracing' }
]

/** One fault for each thing in the configuration that this version cannot do. */
export function findUnavailable (config: unknown): Fault[] {
  return unavailableSections.flatMap(({ path, asks }) => places(config, path).filter(({ value }) => asks(value)).map((place) => refusal(place.path, nameOf(path))))
}

/** How a section is named. */
export function nameOf (path: readonly string[]): string {
  return `"${path.filter((step) => step !== '*').join('.')}"`
}

function refusal (path: Path, name: string): Fault {
  return { path, message: `${name} is not available in this version of Gantry: remove it; nothing would enforce it.`, atKey: true }
}

/** Everything that a path with `*` leads to. */
function places (config: unknown, path: readonly string[]): { path: Path, value: unknown }[] {
  let found: { path: Path, value: unknown }[] = [{ path: [], value: config }]
  for (const step of path) {
    found = found.flatMap(({ path: parent, value }) => step === '*'
      ? elements(value).map((child, index) => ({ path: [...parent, index], value: child }))
      : [{ path: [...parent, step], value: member(value, step) }].filter((place) => place.value !== undefined))
  }
  return found
}
