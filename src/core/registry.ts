import { InvalidParamsError } from './errors.ts'

/** Things with a name, in the order they were added, with pages for lists. One registry for tools, one for prompts, two for resources. */
export class Registry<Entry> {
  #entries = new Map<string, Entry>()
  #order: readonly Entry[] = []
  #generation = 0
  readonly #listeners = new Set<() => void>()

  get (name: string): Entry | undefined { return this.#entries.get(name) }

  get size (): number { return this.#entries.size }

  /** All entries in order. The array is never changed: a new one takes its place. */
  get list (): readonly Entry[] { return this.#order }

  /** Grows with each change; what was derived from an older generation is stale. */
  get generation (): number { return this.#generation }

  /** Adds one entry. Throws when the name is taken. */
  add (name: string, entry: Entry): void {
    if (this.#entries.has(name)) throw new Error(`${JSON.stringify(name)} is registered twice.`)
    this.#entries.set(name, entry)
    this.#changed()
  }

  /** Puts a whole new set in place of the old one, in one step. Calls that run keep the entry they have. */
  replaceAll (entries: Iterable<readonly [name: string, entry: Entry]>): void {
    this.#entries = new Map(entries)
    this.#changed()
  }

  /** Tells the listener after each change; returns the function that ends that. */
  onChange (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  #changed (): void {
    this.#order = [...this.#entries.values()]
    this.#generation++
    for (const listener of this.#listeners) listener()
  }
}

/** One page of a list. MCP 2026-07-28 server/utilities/pagination. */
export interface Page<Entry> { entries: readonly Entry[], nextCursor: string | undefined }

/** Cuts the page that a cursor names out of a list. Throws InvalidParamsError for a cursor that this list never gave. */
export function pageOf<Entry> (list: readonly Entry[], cursor: unknown, pageSize: number): Page<Entry> {
  const start = cursor === undefined ? 0 : readCursor(cursor, list.length, pageSize)
  const end = start + pageSize
  return {
    entries: start === 0 && end >= list.length ? list : list.slice(start, end),
    nextCursor: end < list.length ? writeCursor(end) : undefined
  }
}

function writeCursor (start: number): string {
  return Buffer.from(`from:${start}`).toString('base64url')
}

/** Only what `writeCursor` made for this list: pages are kept as text, and other spellings or starts would be kept beside them. */
function readCursor (cursor: unknown, length: number, pageSize: number): number {
  if (typeof cursor === 'string' && cursor.length <= 24) {
    const start = Number(/^from:([1-9]\d{0,9})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1] ?? length)
    if (start < length && start % pageSize === 0 && cursor === writeCursor(start)) return start
  }
  throw new InvalidParamsError('The cursor is not one that this list returned: start again without a cursor.')
}
