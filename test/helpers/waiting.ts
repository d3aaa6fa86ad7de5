/** A promise that is settled from outside. */
export interface Deferred<Value> { readonly promise: Promise<Value>, resolve (value: Value): void, reject (error: unknown): void }

export function deferred<Value = void> (): Deferred<Value> {
  let settle: Omit<Deferred<Value>, 'promise'> | undefined
  const promise = new Promise<Value>((resolve, reject) => { settle = { resolve, reject } })
  if (settle === undefined) throw new Error('A promise runs its executor at once.')
  return { promise, ...settle }
}

const maxWaitMs = 5_000

/** Waits for what has no event to await, for five seconds at most. Rejects with what was awaited. */
export async function until (what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + maxWaitMs
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`Waited ${maxWaitMs} ms in vain until ${what}.`)
    await new Promise((resolve) => { setTimeout(resolve, 2) })
  }
}

/** Lets everything run that is ready to run. */
export async function turn (): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve) })
}
