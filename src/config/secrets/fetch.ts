import { setMaxListeners } from 'node:events'
import { isSet } from '../environment.ts'
import { describeValue, type Fault, type Notice } from '../fault.ts'
import { pickField, type SecretContent } from './field.ts'
import { isRefusal, type Outcome, type Refusal } from './outcome.ts'
import { readReference, type SecretReference, type SecretScheme } from './reference.ts'
import type { OpenStore, SecretStore } from './store.ts'

/** What became of the references of a configuration. */
export interface FetchedSecrets {
  /** The text that a reference stands for, by what stands inside of its placeholder. */
  lookUp (inner: string): Outcome<string>
  faults: readonly Fault[]
  notices: readonly Notice[]
}

export const defaultTimeoutMs = 10_000
const maxTimeoutMs = 600_000
/** A request that hangs leaves time for another one. */
const attemptMs = 3_000

const openers: Readonly<Record<SecretScheme, () => Promise<OpenStore>>> = {
  vault: async () => (await import('./vault.ts')).openVault,
  aws: async () => (await import('./aws.ts')).openAws
}

/**
 * Fetches every secret that is referred to, once each and all at a time, within SECRETS_TIMEOUT. Never rejects. Without a reference,
 * nothing is loaded and nothing is asked.
 */
export async function fetchSecrets (references: ReadonlySet<string>, env: NodeJS.ProcessEnv): Promise<FetchedSecrets> {
  const outcomes = new Map<string, Outcome<string>>()
  const told: Told = { faults: [], notices: [] }
  const lookUp = (inner: string): Outcome<string> => outcomes.get(inner) ?? { problem: 'it was not fetched.' }
  if (references.size === 0) return { lookUp, ...told }

  const byScheme = new Map<SecretScheme, Asked[]>()
  for (const inner of references) {
    const read = readReference(inner)
    if (isRefusal(read)) outcomes.set(inner, read)
    else byScheme.set(read.value.scheme, [...byScheme.get(read.value.scheme) ?? [], { inner, ...read.value }])
  }
  const timeoutMs = readTimeout(env, told.faults)
  await Promise.all([...byScheme].map(async ([scheme, asked]) => {
    for (const [inner, outcome] of await fetchAll(scheme, asked, { env, timeoutMs, notices: told.notices })) outcomes.set(inner, outcome)
  }))
  return { lookUp, ...told }
}

/** For what cannot wait: there, each reference is refused by name. */
export function unfetchedSecrets (refusal: Refusal): FetchedSecrets {
  return { lookUp: () => refusal, faults: [], notices: [] }
}

interface Told { faults: Fault[], notices: Notice[] }
interface Asked extends SecretReference { inner: string }
interface FetchOptions { env: NodeJS.ProcessEnv, timeoutMs: number, notices: Notice[] }

/** What one store says to all that is asked of it. */
async function fetchAll (scheme: SecretScheme, asked: readonly Asked[], { env, timeoutMs, notices }: FetchOptions): Promise<[string, Outcome<string>][]> {
  const signal = AbortSignal.timeout(timeoutMs)
  setMaxListeners(0, signal) // Some for each secret: that is no leak.
  const late: Refusal = { problem: `there was no answer within ${timeoutMs} ms.`, suggestion: 'See why it takes so long, or set SECRETS_TIMEOUT to more milliseconds.' }
  const opening = openers[scheme]().then((open) => open({ env, attemptMs, signal }))
  const opened = await within(opening, signal, late)
  if (isRefusal(opened)) {
    closeLater(opening)
    return asked.map(({ inner }) => [inner, opened])
  }
  const store = opened.value
  notices.push(...store.notices ?? [])
  const contents = new Map<string, Promise<Outcome<SecretContent>>>()
  for (const { id } of asked) if (!contents.has(id)) contents.set(id, within(store.read(id), signal, late))
  try {
    return await Promise.all(asked.map(async ({ inner, id, field }): Promise<[string, Outcome<string>]> => {
      const content = await contents.get(id) ?? late
      return [inner, isRefusal(content) ? content : pickField(content.value, field)]
    }))
  } finally {
    store.close()
  }
}

/** A store that opens after all. */
function closeLater (opening: Promise<Outcome<SecretStore>>): void {
  opening.then((opened) => { if (!isRefusal(opened)) opened.value.close() }, () => { /* it could not be opened: there is nothing to close */ })
}

async function within<Value> (work: Promise<Outcome<Value>>, signal: AbortSignal, late: Refusal): Promise<Outcome<Value>> {
  return await new Promise((resolve, reject) => {
    const end = (): void => { resolve(late) }
    if (signal.aborted) return end()
    signal.addEventListener('abort', end, { once: true })
    work.then(resolve, reject)
  })
}

function readTimeout ({ SECRETS_TIMEOUT: text }: NodeJS.ProcessEnv, faults: Fault[]): number {
  if (!isSet(text)) return defaultTimeoutMs
  const timeoutMs = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (timeoutMs >= 1 && timeoutMs <= maxTimeoutMs) return timeoutMs
  const expected = `a whole number of milliseconds from 1 to ${maxTimeoutMs}`
  faults.push({ path: [], message: `The environment variable SECRETS_TIMEOUT does not fit: expected ${expected}, found ${describeValue(text)}.`, found: describeValue(text), expected })
  return defaultTimeoutMs
}
