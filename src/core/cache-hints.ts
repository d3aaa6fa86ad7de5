import type { CacheHint, CacheHintsSection, OwnCacheHint } from '../../schemas/cache-hint.ts'

export type { CacheHint }

/** How a resource stands to caching: the group it belongs to, and what it says of itself. */
export interface ResourceCaching {
  readonly group: 'content' | 'resources'
  readonly own: OwnCacheHint | undefined
}

/** How long, and for whom, clients may keep what they are given. MCP 2026-07-28 server/utilities/caching. */
export class CacheHints {
  /** One for every page of every list. */
  readonly lists: CacheHint
  readonly #groups: Readonly<Record<ResourceCaching['group'], CacheHint>>
  readonly #dependsOnCaller: boolean

  constructor ({ lists, content, resources }: CacheHintsSection, dependsOnCaller: boolean) {
    this.lists = hintFor(lists, dependsOnCaller)
    this.#groups = { content: hintFor(content, dependsOnCaller), resources: hintFor(resources, dependsOnCaller) }
    this.#dependsOnCaller = dependsOnCaller
  }

  ofResource ({ group, own }: ResourceCaching): CacheHint {
    const hint = this.#groups[group]
    return own === undefined ? hint : hintFor({ ...hint, ...own }, this.#dependsOnCaller)
  }
}

/**
 * The one place where results turn private: where it may depend on the caller what they are, or whether there are any, no cache may hand
 * them to another one, whatever the configuration says.
 */
export function hintFor (hint: CacheHint, dependsOnCaller: boolean): CacheHint {
  return dependsOnCaller ? { ...hint, cacheScope: 'private' } : hint
}

/** Of what was given after questions: it holds for these answers, and clients look for what they kept without them. */
export const answeredHint: CacheHint = { ttlMs: 0, cacheScope: 'private' }
