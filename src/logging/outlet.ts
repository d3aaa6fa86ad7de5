/** Where bytes go. `append` writes them at once, or throws and writes nothing of them. */
export interface Target {
  append (lines: Buffer): void
  /** Whether it is still where it was made; where it is not, the next lines begin another one. */
  isInPlace (): boolean
  close (): void
}

export interface OutletOptions {
  target: Target
  /** What it is called in messages. */
  name: string
  /** Tells the person at the terminal. */
  complain: (text: string) => void
  /** The line that says how many are missing. */
  tellMissing: (count: number) => string
}

/** What is kept while nothing can be written; some thousand lines. */
const maxHeldChars = 1_048_576
/** How often it is tried at most whether lines can be written again. */
const retryMs = 250
/** How often it is looked at most whether the file was moved. */
const lookMs = 1_000

interface Trouble {
  /** Lines that wait, oldest first. */
  readonly held: string[]
  heldChars: number
  /** Lines that are lost. */
  lost: number
  triedAt: number
}

/** Writes lines to a target, and outlasts it: what cannot be written waits, and what is too much for that is counted. Never throws. */
export class Outlet {
  readonly #options: OutletOptions
  #trouble: Trouble | undefined
  #lookedAt = performance.now()

  constructor (options: OutletOptions) { this.#options = options }

  /** Whole lines, each with its line break. */
  write (lines: string): void {
    if (this.#trouble !== undefined && !this.#recover(this.#trouble)) return this.#hold(this.#trouble, lines)
    try {
      this.#look()
      this.#append(lines)
    } catch (error) {
      this.#trouble = { held: [], heldChars: 0, lost: 0, triedAt: performance.now() }
      this.#options.complain(`The log cannot be written to ${this.#options.name}: ${problemOf(error)} The server goes on; lines are kept as far as there is room for them.`)
      this.#hold(this.#trouble, lines)
    }
  }

  /** A last attempt for what waits. */
  close (): void {
    const trouble = this.#trouble
    if (trouble !== undefined) {
      trouble.triedAt = -Infinity
      this.#recover(trouble)
    }
    this.#options.target.close()
  }

  #append (lines: string): void { this.#options.target.append(Buffer.from(lines)) }

  #look (): void {
    const now = performance.now()
    if (now - this.#lookedAt < lookMs) return
    this.#lookedAt = now
    this.#options.target.isInPlace()
  }

  #hold (trouble: Trouble, lines: string): void {
    if (trouble.heldChars + lines.length > maxHeldChars) {
      trouble.lost += countLines(lines)
      return
    }
    trouble.held.push(lines)
    trouble.heldChars += lines.length
  }

  #recover (trouble: Trouble): boolean {
    if (performance.now() - trouble.triedAt < retryMs) return false
    trouble.triedAt = performance.now()
    try {
      for (let lines = trouble.held[0]; lines !== undefined; lines = trouble.held[0]) {
        this.#append(lines)
        trouble.held.shift()
        trouble.heldChars -= lines.length
      }
      if (trouble.lost > 0) this.#append(this.#options.tellMissing(trouble.lost))
    } catch {
      return false
    }
    this.#trouble = undefined
    return true
  }
}

function countLines (lines: string): number {
  let count = 0
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count++
  return count
}

function problemOf (error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT': return 'the disk is full.'
    case 'EACCES':
    case 'EPERM': return 'this user may not write there.'
    case 'EROFS': return 'the file system is read-only.'
    case 'EAGAIN': return 'what reads it is too slow.'
    case 'EPIPE': return 'nothing reads it any more.'
    default: return `${message}.`
  }
}
