import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import type { Call } from './calls.ts'
import type { Door } from './doors.ts'

/** What came of the calls of one stretch of time. */
export interface Stretch {
  sent: number
  answered: number
  misbehaved: number
  /** Answers that are not what they have to be, and calls without one. */
  readonly wrong: string[]
  /** Milliseconds that well-behaved calls took, from the moment they were due. */
  readonly latencies: number[]
}

const maxWrong = 20

/** Sends calls at a steady rate, whether or not those before were answered; `next` says which. Resolves when all have come to an end. */
export async function sendSteadily (doors: readonly Door[], perSecond: number, seconds: number, next: (number: number) => Call, first = 0): Promise<Stretch> {
  const stretch = emptyStretch()
  const pending = new Set<Promise<void>>()
  const began = performance.now()
  for (let number = 0; number < perSecond * seconds; number++) {
    const dueMs = began + number * 1_000 / perSecond
    while (performance.now() < dueMs) await pause(1)
    const ended = send(stretch, doors, next(first + number), first + number, dueMs).finally(() => { pending.delete(ended) })
    pending.add(ended)
    if (number % 20 === 0) await turn() // Answers are read also where the rate is not kept.
  }
  await Promise.all(pending)
  return stretch
}

/** Sends calls as fast as `lanes` callers get their answers. */
export async function sendClosely (doors: readonly Door[], lanes: number, seconds: number, next: (number: number) => Call): Promise<Stretch> {
  const stretch = emptyStretch()
  const endMs = performance.now() + seconds * 1_000
  let number = 0
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (performance.now() < endMs) await send(stretch, doors, next(number), number++, performance.now())
  }))
  return stretch
}

function emptyStretch (): Stretch { return { sent: 0, answered: 0, misbehaved: 0, wrong: [], latencies: [] } }

async function send (stretch: Stretch, doors: readonly Door[], call: Call, number: number, dueMs: number): Promise<void> {
  stretch.sent++
  if (!call.behaves) stretch.misbehaved++
  try {
    const wrong = await (doors[number % doors.length] as Door)(call)
    stretch.answered++
    if (wrong !== undefined) note(stretch, wrong)
    if (call.behaves) stretch.latencies.push(performance.now() - dueMs)
  } catch (error) {
    note(stretch, `${call.tool} ${JSON.stringify(call.args)} got no answer: ${String(error)}`)
  }
}

function note ({ wrong }: Stretch, text: string): void { if (wrong.length < maxWrong) wrong.push(text) }

export function percentile (values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
