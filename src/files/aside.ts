import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * The files of one log. A full one is put aside under a number that only grows, so that a file keeps its name for as long as it is
 * there, and the order of the numbers is that of the lines.
 */

/** The numbers of the files that were put aside, oldest first. */
export function asideNumbers (file: string): number[] {
  const beginning = `${basename(file)}.`
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(beginning) && /^[1-9]\d{0,14}$/.test(name.slice(beginning.length)))
    .map((name) => Number(name.slice(beginning.length)))
    .sort((one, other) => one - other)
}

export function asideName (file: string, number: number): string {
  return `${file}.${number}`
}

/** A file of ours beside it, out of the way of patterns such as `audit.log*`. */
export function hiddenName (file: string, purpose: 'lock' | 'reserve'): string {
  return join(dirname(file), `.${basename(file)}.${purpose}`)
}
