import type { Config } from '../../schemas/config/index.ts'
import { elements, member } from './fault.ts'
import type { LoadedConfig } from './load.ts'

type EntrySection = 'tools' | 'prompts' | 'resources'

export interface SoundEntry<S extends EntrySection> { index: number, entry: Config[S][number] }

/** The entries of a section that have no fault themselves, so that their handlers can be checked even when the file has faults elsewhere. */
export function soundEntries<S extends EntrySection> ({ candidate, faults }: Pick<LoadedConfig, 'candidate' | 'faults'>, section: S): SoundEntry<S>[] {
  // A fault of the whole file, of the list, or of a list entry.
  const unsound = (index: number) => faults.some(({ path: [first, second] }) => first === undefined || (first === section && (second === undefined || second === index)))
  return elements(member(candidate, section)).flatMap((entry, index) => {
    // Without a fault, it fits its schema.
    return unsound(index) ? [] : [{ index, entry: entry as Config[S][number] }]
  })
}
