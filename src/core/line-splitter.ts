/**
 * Cuts text that comes in parts into lines, at line feeds and nothing else: JSON may hold U+2028 and U+2029 as they are, and Node's readline
 * takes these for ends of lines from version 24 on. Of a line that is longer than `maxLength` UTF-16 units only the beginning is kept, of
 * one unit more, so that whoever gets it sees that it is too long.
 */
export class LineSplitter {
  readonly #maxLength: number
  #rest = ''

  constructor (maxLength: number) { this.#maxLength = maxLength }

  /** The lines that end in this part, without their ends. */
  take (part: string): string[] {
    const pieces = part.split('\n')
    const last = pieces.pop() ?? ''
    const lines = pieces.map((piece) => {
      this.#add(piece)
      return this.end()
    })
    this.#add(last)
    return lines
  }

  /** What came after the last line feed. */
  end (): string {
    const line = this.#rest
    this.#rest = ''
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }

  #add (piece: string): void {
    const room = this.#maxLength + 1 - this.#rest.length
    if (room > 0) this.#rest += piece.length > room ? piece.slice(0, room) : piece
  }
}
