import { Type, type Static } from '@sinclair/typebox'
import { closedObject, milliseconds, oneOfWords } from './primitives.ts'

/** How long, and for whom, clients may keep what they were given. Names and meaning: MCP 2026-07-28 server/utilities/caching. */

const facts = {
  ttlMs: 'How long a client may take it for fresh. 0: it asks each time.',
  cacheScope: '`public`: a cache that several callers share may keep it, too. `private`: only the caller\'s own. Where callers show who they are (`security.authentication`), `public` counts as `private`.'
}
const scopes = ['public', 'private'] as const

/** A hint with its defaults. */
export function cacheHint ({ description, ...defaults }: CacheHint & { description: string }) {
  return closedObject({
    ttlMs: milliseconds({ minimum: 0, default: defaults.ttlMs, description: facts.ttlMs }),
    cacheScope: oneOfWords(scopes, { default: defaults.cacheScope, description: facts.cacheScope })
  }, { default: {}, description })
}
export interface CacheHint { ttlMs: number, cacheScope: typeof scopes[number] }

/** What one entry says of itself. */
export const OwnCacheHint = closedObject({
  ttlMs: Type.Optional(milliseconds({ minimum: 0, description: facts.ttlMs, reloadable: true })),
  cacheScope: Type.Optional(oneOfWords(scopes, { description: facts.cacheScope, reloadable: true }))
})
export type OwnCacheHint = Static<typeof OwnCacheHint>

export const CacheHintsSection = closedObject({
  lists: cacheHint({ ttlMs: 300_000, cacheScope: 'public', description: 'The lists of tools, prompts, resources and templates, and `server/discover`.' }),
  content: cacheHint({ ttlMs: 300_000, cacheScope: 'public', description: 'Resources whose content stands in the configuration (`content`, `blob`).' }),
  resources: cacheHint({ ttlMs: 0, cacheScope: 'private', description: 'All other resources: files, and what handlers give. A resource can say something else (`cacheHint`).' })
}, { default: {}, description: 'What clients of revision 2026-07-28 are told of keeping results: `ttlMs` and `cacheScope`. A list that changes is told to those who listen, whatever stands here. What a client had to answer questions for is never to be kept.' })
export type CacheHintsSection = Static<typeof CacheHintsSection>
