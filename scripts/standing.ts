import { once } from 'node:events'
import { join } from 'node:path'
import { root, type ServerProcess } from './built-server.ts'

/** How a server stands. Memory after a collection; the longest time its event loop stood still since it was asked last. */
export interface Standing { readonly rssBytes: number, readonly heapBytes: number, readonly maxStallMs: number }

/** What Node is started with so that a server can be asked how it stands. */
export const probeFlags: readonly string[] = ['--expose-gc', `--import=${join(root, 'scripts/probe.mjs')}`]

export async function standingOf ({ child }: ServerProcess): Promise<Standing> {
  const told = once(child, 'message') as Promise<[Standing]>
  child.send('report')
  const [standing] = await told
  return standing
}

export function megabytes (bytes: number): string { return (bytes / 2 ** 20).toFixed(1) }
