import t from 'tap'
import { answeredHint, CacheHints, hintFor } from '../../src/core/cache-hints.ts'

const section = {
  lists: { ttlMs: 1, cacheScope: 'public' },
  content: { ttlMs: 2, cacheScope: 'public' },
  resources: { ttlMs: 3, cacheScope: 'private' }
} as const

t.test('each kind of result has the hint of its group, and a resource may say something else', async (t) => {
  const hints = new CacheHints(section, false)
  t.strictSame(hints.lists, { ttlMs: 1, cacheScope: 'public' })
  t.strictSame(hints.ofResource({ group: 'content', own: undefined }), { ttlMs: 2, cacheScope: 'public' })
  t.strictSame(hints.ofResource({ group: 'resources', own: undefined }), { ttlMs: 3, cacheScope: 'private' })
  t.strictSame(hints.ofResource({ group: 'resources', own: { cacheScope: 'public' } }), { ttlMs: 3, cacheScope: 'public' })
  t.strictSame(hints.ofResource({ group: 'content', own: { ttlMs: 0 } }), { ttlMs: 0, cacheScope: 'public' })
  t.strictSame(hints.ofResource({ group: 'content', own: { ttlMs: 5, cacheScope: 'private' } }), { ttlMs: 5, cacheScope: 'private' })
  t.strictSame(hints.ofResource({ group: 'content', own: {} }), { ttlMs: 2, cacheScope: 'public' })
})

t.test('where results depend on who asks, all is private, whatever the configuration says', async (t) => {
  const hints = new CacheHints(section, true)
  t.strictSame(hints.lists, { ttlMs: 1, cacheScope: 'private' })
  for (const group of ['content', 'resources'] as const) {
    for (const own of [undefined, {}, { cacheScope: 'public' }, { ttlMs: 9, cacheScope: 'public' }] as const) t.equal(hints.ofResource({ group, own }).cacheScope, 'private')
  }
  t.equal(hints.ofResource({ group: 'content', own: { ttlMs: 9 } }).ttlMs, 9, 'how long is another matter')
  t.strictSame(section.lists, { ttlMs: 1, cacheScope: 'public' }, 'the configuration is left as it is')
})

t.test('one function decides it', async (t) => {
  t.strictSame(hintFor({ ttlMs: 7, cacheScope: 'public' }, true), { ttlMs: 7, cacheScope: 'private' })
  t.strictSame(hintFor({ ttlMs: 7, cacheScope: 'public' }, false), { ttlMs: 7, cacheScope: 'public' })
  t.strictSame(hintFor({ ttlMs: 7, cacheScope: 'private' }, false), { ttlMs: 7, cacheScope: 'private' })
  t.strictSame(hintFor(answeredHint, false), { ttlMs: 0, cacheScope: 'private' })
})
