/** Times as they are given on a command line. */

export const dayMs = 86_400_000
const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: dayMs, w: 7 * dayMs }

/** The milliseconds that a text such as "90d" means: minutes, hours, days or weeks. Undefined for anything else. */
export function readDuration (text: string): number | undefined {
  const [, amount, unit = ''] = /^([0-9]{1,5})([mhdw])$/.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * (unitsMs[unit] ?? 0)
}

/** A moment as configuration files have it, to the second. */
export function momentText (ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** When something ends that "90d", a date or "never" was said of: undefined for never. What is no length of time is left for others to judge. */
export function endText (text: string, nowMs: number): string | undefined {
  if (text === 'never') return undefined
  const durationMs = readDuration(text)
  return durationMs === undefined ? text : momentText(nowMs + durationMs)
}
