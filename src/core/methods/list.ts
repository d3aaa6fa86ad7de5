import type { CacheHint } from '../cache-hints.ts'
import type { Method } from '../dispatcher.ts'
import { KeptByGrants } from '../kept-by-grants.ts'
import { grantsOf, type Grants } from '../permissions.ts'
import { pageOf, type Registry } from '../registry.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Revision } from '../versions.ts'
import type { Wire } from '../wire.ts'

export interface ListOptions<Entry> {
  registry: Registry<Entry>
  /** The member of the result that holds the entries. */
  key: string
  describe: (entry: Entry, revision: Revision) => unknown
  /** Whether callers with these rights see an entry. */
  isListed: (grants: Grants, entry: Entry) => boolean
  hint: CacheHint
  wire: Wire
  pageSize: number
  tolerance: Tolerance
}

/** What callers of equal rights see: the entries, and the text of each page by revision and cursor. */
interface Seen<Entry> { entries: readonly Entry[], texts: Map<string, string> }

/** A list method. Each page is made into text once for each revision and set of rights, and kept until the registry changes. */
export function createListMethod<Entry> ({ registry, key, describe, isListed, hint, wire, pageSize, tolerance }: ListOptions<Entry>): Method {
  const kept = new KeptByGrants<Seen<Entry>>(registry)

  return function listPage ({ cursor: given }, exchange) {
    const { revision, principal: { permissions } } = exchange
    const grants = grantsOf(permissions)
    const seen = kept.of(grants, () => ({ entries: registry.list.filter((entry) => isListed(grants, entry)), texts: new Map() }))
    const isNone = (given === null && tolerance.bears('cursor-null', exchange.clientName)) || (given === '' && tolerance.bears('cursor-empty', exchange.clientName))
    const cursor = isNone ? undefined : given
    // The empty cursor is one that no list gives: it must not find what is kept for none.
    const keptAs = cursor === undefined ? revision : typeof cursor === 'string' ? `${revision} ${cursor}` : undefined
    const known = keptAs === undefined ? undefined : seen.texts.get(keptAs)
    if (known !== undefined) return known
    const { entries, nextCursor } = pageOf(seen.entries, cursor, pageSize)
    const page = { [key]: entries.map((entry) => describe(entry, revision)), ...(nextCursor !== undefined && { nextCursor }) }
    const text = wire.result(page, revision, hint)
    if (keptAs !== undefined) seen.texts.set(keptAs, text)
    return text
  }
}
