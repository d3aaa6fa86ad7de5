import { createReadStream } from 'node:fs'
import { LineSplitter } from '../core/line-splitter.ts'

/** Of a longer line, only the beginning is read: it is none of a log. */
const maxLineChars = 1_048_576

/** The lines of a file, without their ends; of the standard input for `-`. Throws what the file system throws. */
export async function * readLogLines (file: string): AsyncGenerator<string, void> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const splitter = new LineSplitter(maxLineChars)
  input.setEncoding('utf8')
  for await (const part of input) yield * splitter.take(part as string)
  const last = splitter.end()
  if (last !== '') yield last
}
