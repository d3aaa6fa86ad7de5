import type { Method } from '../dispatcher.ts'
import type { CacheHint } from '../entries.ts'
import { pageOf, type Registry } from '../registry.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Revision } from '../versions.ts'
import type { Wire } from '../wire.ts'

export interface ListOptions<Entry> {
  registry: Registry<Entry>
  /** The member of the result that holds the entries. */
  key: string
  describe: (entry: Entry, revision: Revision) => unknown
  wire: Wire
  pageSize: number
  tolerance: Tolerance
}

/** The same for everyone as long as nothing depends on who asks; five minutes, since a list changes with a deployment. */
const listHint: CacheHint = { ttlMs: 300_000, cacheScope: 'public' }

/** A list method. Each page is made into text once for each revision and kept until the registry changes. */
export function createListMethod<Entry> ({ registry, key, describe, wire, pageSize, tolerance }: ListOptions<Entry>): Method {
  let texts = new Map<string, string>()
  registry.onChange(() => { texts = new Map() })

  return function listPage ({ cursor: given }, exchange) {
    const { revision } = exchange
    const isNone = (given === null && tolerance.bears('cursor-null', exchange.clientName)) || (given === '' && tolerance.bears('cursor-empty', exchange.clientName))
    const cursor = isNone ? undefined : given
    // The empty cursor is one that no list gives: it must not find what is kept for none.
    const keptAs = cursor === undefined ? revision : typeof cursor === 'string' ? `${revision} ${cursor}` : undefined
    const known = keptAs === undefined ? undefined : texts.get(keptAs)
    if (known !== undefined) return known
    const { entries, nextCursor } = pageOf(registry.list, cursor, pageSize)
    const page = { [key]: entries.map((entry) => describe(entry, revision)), ...(nextCursor !== undefined && { nextCursor }) }
    const text = wire.result(page, revision, listHint)
    if (keptAs !== undefined) texts.set(keptAs, text)
    return text
  }
}
