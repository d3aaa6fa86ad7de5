import { begun, ending, left, returned, thrown } from '../../test/e2e/fixtures/handlers/wild.mjs'

/** What the soak calls, and what has to come back. */
export interface Call {
  readonly tool: string
  readonly args: object
  /** The text of the answer; undefined for a call that has to fail, `anything` for one that may do either. */
  readonly answer: string | undefined
  readonly behaves: boolean
}

/** For what handlers answer that no client can read as they meant it. */
export const anything = '*'

const wild = (groups: object, answer: string | undefined): Call[] => Object.entries(groups).flatMap(([group, faults]) =>
  Object.keys(faults as object).map((name) => ({ tool: 'wild', args: { group, name }, answer, behaves: false })))

const failing = ['never', 'stuck-inline', 'eat-inline', 'stuck-thread', 'exit-thread', 'hang-upstream', 'drop-upstream', 'flood-upstream']

const misbehaving: readonly Call[] = [
  ...wild({ thrown, begun, ending }, undefined),
  ...wild({ returned }, anything),
  ...wild({ left }, 'answered'),
  ...failing.map((tool) => ({ tool, args: {}, answer: undefined, behaves: false }))
]

export const behaving = ['add', 'add-inline', 'add-thread', 'add-upstream']

/** Every tenth call misbehaves, each time in another way; the others take turns. */
export function callOf (number: number): Call {
  if (number % 10 === 9) return misbehaving[Math.floor(number / 10) % misbehaving.length] as Call
  return goodCall(behaving[number % behaving.length] as string, number)
}

export function goodCall (tool: string, number: number): Call {
  return { tool, args: { a: number, b: 1 }, answer: String(number + 1), behaves: true }
}
