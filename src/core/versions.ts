/**
 * The protocol revisions, and what sets them apart. Checks elsewhere ask for the feature by name, never for a date.
 * Sources: the changelog of each revision in the MCP specification.
 */

export const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const
export type Revision = typeof revisions[number]

/** A session opened by `initialize` (legacy), or every request for itself (modern). */
export type Era = 'legacy' | 'modern'

export const modernRevisions: readonly Revision[] = ['2026-07-28']

/** What a request without an MCP-Protocol-Version header is taken for. 2025-11-25 basic/transports, Protocol Version Header. */
export const assumedRevision: Revision = '2025-03-26'

const known: ReadonlySet<string> = new Set(revisions)

export function isRevision (value: unknown): value is Revision {
  return typeof value === 'string' && known.has(value)
}

export function isModern (revision: string): boolean {
  return revision >= '2026-07-28'
}

/** The revision to speak after `initialize` asked for one: the same when we have it in the legacy era, else our latest there. */
export function negotiate (requested: unknown): Revision {
  return isRevision(requested) && !isModern(requested) ? requested : '2025-11-25'
}

export function supportsBatches (revision: Revision): boolean { return revision === '2025-03-26' }
export function supportsAudio (revision: Revision): boolean { return revision >= '2025-03-26' }
export function supportsProgressMessage (revision: Revision): boolean { return revision >= '2025-03-26' }
export function supportsToolAnnotations (revision: Revision): boolean { return revision >= '2025-03-26' }
export function supportsCompletionsCapability (revision: Revision): boolean { return revision >= '2025-03-26' }
export function supportsResourceLink (revision: Revision): boolean { return revision >= '2025-06-18' }
export function supportsTitles (revision: Revision): boolean { return revision >= '2025-06-18' }
export function supportsDescriptionMeta (revision: Revision): boolean { return revision >= '2025-06-18' }
export function supportsLastModified (revision: Revision): boolean { return revision >= '2025-06-18' }
export function supportsVersionHeader (revision: Revision): boolean { return revision >= '2025-06-18' }
export function supportsElicitation (revision: Revision): boolean { return revision >= '2025-06-18' }
/** Before, any client that could be sampled could be asked for context. */
export function supportsSamplingContext (revision: Revision): boolean { return revision >= '2025-11-25' }
export function supportsUrlElicitation (revision: Revision): boolean { return revision >= '2025-11-25' }
export function supportsPriming (revision: Revision): boolean { return revision >= '2025-11-25' }
export function supportsStructuredContent (revision: Revision): boolean { return revision >= '2025-06-18' }
export function supportsAnyStructuredContent (revision: Revision): boolean { return isModern(revision) }
export function supportsIcons (revision: Revision): boolean { return revision >= '2025-11-25' }
export function supportsServerDescription (revision: Revision): boolean { return revision >= '2025-11-25' }
