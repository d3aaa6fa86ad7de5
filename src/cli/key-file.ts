import { formatFaults } from '../config/format-faults.ts'
import { elements, member, valueAt, type Path } from '../config/fault.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import { takesColor } from '../logging/color.ts'

/** The keys of a configuration file. */

export interface FiledKey {
  /** As it stands in the file, with its defaults. May hold the key itself. */
  readonly entry: ApiKey
  /** 1-based. */
  readonly line: number | undefined
  /** Whether the key itself stands in the file. */
  readonly isPlain: boolean
  /** Keys of the entry whose values came from placeholders: they are not shown. */
  readonly hidden: ReadonlySet<keyof ApiKey>
}

export interface KeyFile {
  /** Absolute. */
  readonly file: string
  readonly keys: readonly FiledKey[]
  readonly salt: string | undefined
  /** Whether a server would start with the file, here. */
  readonly isSound: boolean
}

const keysPath: Path = ['security', 'authentication', 'apiKeys']
/** What these hold does not matter for a list: the environment of the server may be needed for it. */
const unseen: ReadonlySet<unknown> = new Set(['key', 'keyHash'])

/** Reads the keys of a file, though other parts of it may have faults. What is wrong with the keys comes back as a text. */
export async function readKeyFile (file: string | undefined): Promise<KeyFile | { problem: string }> {
  const loaded = await loadConfig({ file })
  const faults = loaded.faults.filter(({ path }) => isAboutKeys(path))
  if (faults.length > 0) return { problem: formatFaults(faults, loaded.file, { color: takesColor(process.stderr) }) }
  const keys = elements(valueAt(loaded.candidate, keysPath)).map((entry, index) => readEntry(entry as ApiKey, [...keysPath, index], loaded)) // no fault, so it fits
  return { file: loaded.file, keys, salt: loaded.env['API_KEY_SALT'], isSound: loaded.faults.length === 0 }
}

/** A fault of the keys, or of something that they stand in. */
function isAboutKeys (path: Path): boolean {
  return path.every((step, index) => index >= keysPath.length || step === keysPath[index]) && !unseen.has(path[4])
}

function readEntry (entry: ApiKey, path: Path, { locate, isSecret }: LoadedConfig): FiledKey {
  const hidden = (Object.keys(entry) as (keyof ApiKey)[]).filter((key) => isSecret([...path, key]) || elements(member(entry, key)).some((_, index) => isSecret([...path, key, index])))
  return { entry, line: locate(path)?.line, isPlain: entry.key !== undefined && !hidden.includes('key'), hidden: new Set(hidden) }
}
