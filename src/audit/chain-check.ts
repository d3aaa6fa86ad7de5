import { isObject } from '../core/json-rpc.ts'
import { beginning, keyedSealer, plainSealer, readLine, type Link, type ReadLine, type Sealer } from './chain.ts'
import type { Place, StoredLine } from './read-lines.ts'
import { tornLine } from './tail.ts'

/** What can be wrong: what a line says, its place, that it is there or that others are not, that it ends early, or that the chain does. */
export type AuditFaultKind = 'changed' | 'removed' | 'reordered' | 'inserted' | 'torn' | 'truncated'

export interface AuditFault extends Place {
  readonly kind: AuditFaultKind
  readonly message: string
}

export interface CheckOptions {
  /** What the lines were sealed with, if there was a key. */
  key: string | undefined
  /** The seal or the number of a line that has to be there: the chain by itself cannot tell that its end is missing. */
  expected: string | undefined
}

/** Lines that need a key to be checked, and none was given. */
export class KeyNeededError extends Error {
  override get name (): string { return 'KeyNeededError' }
}

type CheckedLine = ReadLine & Place

/** Checks lines in their order, until one is wrong. */
export class ChainCheck {
  /** Lines that were cut off when a process died, and that its successor has told of. */
  readonly torn: Place[] = []
  /** How many lines are as they were written. */
  lines = 0
  /** Of those, how many are from before there was a key. */
  unkeyed = 0
  first: Link | undefined
  last: CheckedLine | undefined
  readonly #sealer: Sealer | undefined
  readonly #expected: string | undefined
  #isExpectedThere = false
  /** What the last line comes after. */
  #before: Link | undefined
  /** What is no line of ours: what it was, the next one tells. */
  #stranger: StoredLine | undefined

  constructor ({ key, expected }: CheckOptions) {
    this.#sealer = key === undefined ? undefined : keyedSealer(key)
    this.#expected = expected
  }

  /** Takes the next line. `rest` are those after it, which may show what kind of fault one is. Throws KeyNeededError. */
  take (stored: StoredLine, rest: Iterable<StoredLine>): AuditFault | undefined {
    const { file, line } = stored
    const read = readLine(stored.bytes.toString('latin1'))
    if (read === undefined) return this.#takeStranger(stored)
    const unsealed = this.#sealFault(read, stored)
    const strange = this.#strangerFault(read, unsealed === undefined)
    const fault = strange ?? unsealed ?? this.#orderFault(read, stored, rest)
    if (fault !== undefined) {
      // It may be the last one that was wrong, as this one shows.
      if (fault.line === this.last?.line && fault.file === this.last.file) this.lines--
      return fault
    }
    this.#before = this.last
    this.first ??= read
    this.last = { ...read, file, line }
    this.lines++
    if (read.member === 'hash') this.unkeyed++
    if (read.seal === this.#expected || String(read.seq) === this.#expected) this.#isExpectedThere = true
    return undefined
  }

  /** What is wrong with the end. */
  end (file: string): AuditFault | undefined {
    const stranger = this.#stranger
    const last = this.last ?? { file, line: 1 }
    if (stranger !== undefined) return stranger.isWhole ? notOurs(stranger) : cutOff(stranger)
    if (this.#sealer !== undefined && this.last?.member === 'hash') return at(last, 'changed', 'This line is sealed without the key.')
    if (this.#expected === undefined || this.#isExpectedThere) return undefined
    return at(last, 'truncated', 'The expected line is not there: the chain ends before it, or is another one.')
  }

  #takeStranger (stored: StoredLine): AuditFault | undefined {
    if (this.#stranger !== undefined) return notOurs(this.#stranger)
    this.#stranger = stored
    return undefined
  }

  #sealFault ({ body, seal, member }: ReadLine, place: Place): AuditFault | undefined {
    if (member === 'hash') {
      if (this.#sealer !== undefined && this.last?.member === 'mac') return at(place, 'changed', 'This line is sealed without the key.')
      return plainSealer.seal(body) === seal ? undefined : at(place, 'changed', 'This line does not say what was sealed.')
    }
    if (this.#sealer === undefined) throw new KeyNeededError('These lines are sealed with a key: set AUDIT_KEY to it.')
    return this.#sealer.seal(body) === seal ? undefined : at(place, 'changed', 'This line does not say what was sealed, or was sealed with another key.')
  }

  /** What is no line of ours is a torn one when its successor says so. */
  #strangerFault (next: ReadLine, isSealed: boolean): AuditFault | undefined {
    const stranger = this.#stranger
    if (stranger === undefined) return undefined
    this.#stranger = undefined
    const { file, line } = stranger
    if (!stranger.isWhole) return cutOff(stranger)
    if (isSealed && tellsTorn(next, stranger)) {
      this.torn.push({ file, line })
      return undefined
    }
    const continues = this.last === undefined ? next.seq === 1 : follows(next, this.last)
    return isSealed && continues ? at(stranger, 'inserted', 'This is no line of the audit, and the lines around it belong together.') : notOurs(stranger)
  }

  #orderFault (read: ReadLine, place: Place, rest: Iterable<StoredLine>): AuditFault | undefined {
    const { last } = this
    if (last === undefined) return read.seq === 1 && read.previous !== beginning.seal ? at(place, 'changed', 'The first line says that there was one before it.') : undefined
    if (follows(read, last)) return undefined
    const { seq } = read
    if (seq > last.seq + 1) {
      const isLater = readable(rest).some((other) => other.seq > last.seq && other.seq < seq)
      return isLater
        ? at(place, 'reordered', `Line number ${seq} stands here, after number ${last.seq}; what belongs between them stands later.`)
        : at(place, 'removed', `${numbers(last.seq + 1, seq - 1)} missing before this one.`)
    }
    if (seq === last.seq + 1) return at(last, 'changed', 'This is not the line that the next one was written after: it was sealed anew.')
    if (this.first !== undefined && seq < this.first.seq) return at(place, 'reordered', `Line number ${seq} stands after number ${last.seq}.`)
    // Two lines for one number: the one that nothing was written after is not the true one.
    const isRival = seq === last.seq && read.seal !== last.seal && read.previous === (this.#before?.seal ?? beginning.seal)
    const isTrue = isRival && readable(rest).some(({ previous }) => previous === read.seal)
    return at(isTrue ? last : place, 'inserted', `There is another line of number ${seq}.`)
  }
}

function follows (read: ReadLine, last: Link): boolean {
  return read.seq === last.seq + 1 && read.previous === last.seal
}

function tellsTorn ({ members }: ReadLine, { bytes }: StoredLine): boolean {
  try {
    const told: unknown = JSON.parse(`{${members}}`)
    return isObject(told) && told['event'] === 'audit.torn' && told['digest'] === tornLine(bytes).digest
  } catch {
    return false
  }
}

function readable (lines: Iterable<StoredLine>): { some (fits: (read: ReadLine) => boolean): boolean } {
  return {
    some (fits) {
      for (const { bytes } of lines) {
        const read = readLine(bytes.toString('latin1'))
        if (read !== undefined && fits(read)) return true
      }
      return false
    }
  }
}

function notOurs (place: Place): AuditFault {
  return at(place, 'changed', 'This is no line of an audit, or it was changed beyond recognition.')
}

function cutOff (place: Place): AuditFault {
  return at(place, 'torn', 'This line was cut off: the process that wrote it died, or the file was cut. A server that starts on it tells of it and goes on.')
}

function at ({ file, line }: Place, kind: AuditFaultKind, message: string): AuditFault {
  return { kind, file, line, message }
}

function numbers (from: number, to: number): string {
  return from === to ? `Line number ${from} is` : `Lines number ${from} to ${to} are`
}
