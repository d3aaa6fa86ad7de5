import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { AuditFileError, AuditUnavailableError } from '../core/errors.ts'
import type { AuditedArguments, AuditEvent, AuditSink } from '../core/audit-event.ts'
import type { Clock, JsonObject, Logger } from '../core/ports.ts'
import { hiddenName } from '../files/aside.ts'
import { areaOf, auditEventNames, type AuditEventName } from '../../schemas/audit.ts'
import type { AuditSection } from '../../schemas/config/observability.ts'
import { createArgumentDigest } from './arguments.ts'
import { AuditFile } from './audit-file.ts'
import { keyedSealer, plainSealer } from './chain.ts'
import { writeMembers, type Redact } from './line.ts'
import { Lock } from './lock.ts'
import { Reserve } from './reserve.ts'

export interface FileSinkOptions {
  /** Absolute. */
  file: string
  section: Pick<AuditSection, 'events' | 'maxFileSize' | 'maxFiles' | 'includeArguments' | 'onFull' | 'fsync'>
  /** Makes a chain that nobody else can make. */
  key: string | undefined
  redact: Redact
  logger: Logger
  clock: Clock
}

/** Room for the lines of the calls that run when the disk becomes full; some hundreds. */
const reserveBytes = 262_144
/** How often it is tried at most whether lines can be written again. */
const retryMs = 250
/** How often the lock is renewed and the place of the file looked at. */
const watchMs = 10_000
const minKeyLength = 16

/** A time in which lines cannot be written. */
interface Trouble {
  readonly since: number
  /** Lines that are lost. */
  dropped: number
  /** Calls that were refused. */
  refused: number
}

/** Opens the file that the section names. Throws AuditFileError. */
export function openFileSink (options: FileSinkOptions): FileSink {
  const { file, key } = options
  if (key !== undefined && key.length < minKeyLength) throw new AuditFileError(`AUDIT_KEY is too short: a key has at least ${minKeyLength} characters.`)
  try {
    mkdirSync(dirname(file), { recursive: true })
    const lock = Lock.take(hiddenName(file, 'lock'))
    if (!(lock instanceof Lock)) throw new AuditFileError(`The audit log ${file} is written by ${lock.holder}: every process needs a file of its own. Name another one ("security.audit.logFile" in the configuration, or AUDIT_LOG_FILE).`, { inUse: true })
    try {
      return new FileSink(options, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    if (error instanceof AuditFileError) throw error
    throw new AuditFileError(`The audit log ${file} cannot be written: ${problemOf(error)} Name another file ("security.audit.logFile" in the configuration, or AUDIT_LOG_FILE).`, { cause: error })
  }
}

/** Writes events to a file, and knows what to do while it cannot. */
export class FileSink implements AuditSink {
  readonly digest: (args: JsonObject) => AuditedArguments
  /** What is missing in the file, in all. */
  readonly missing = { dropped: 0, refused: 0 }
  readonly #options: FileSinkOptions
  readonly #wanted: ReadonlySet<AuditEventName>
  readonly #lock: Lock
  readonly #file: AuditFile
  /** Where nothing may happen unrecorded. */
  readonly #reserve: Reserve | undefined
  readonly #watch: NodeJS.Timeout
  /** Lines of calls that ran, and of which none may be missing. */
  readonly #held: string[] = []
  #trouble: Trouble | undefined
  #triedAt = 0
  #isClosed = false

  constructor (options: FileSinkOptions, lock: Lock) {
    const { file, section: { events, maxFileSize, maxFiles, includeArguments, onFull, fsync }, key, redact } = options
    const sealer = key === undefined ? plainSealer : keyedSealer(key)
    this.#options = options
    this.#lock = lock
    this.#wanted = new Set(auditEventNames.filter((name) => events.length === 0 || name.startsWith('audit.') || events.includes(name) || events.includes(areaOf(name))))
    this.digest = createArgumentDigest({ sealer, include: includeArguments, redact })
    this.#file = new AuditFile({
      file, sealer, maxBytes: maxFileSize, maxFiles, fsync, tellTorn: (torn) => this.#write({ event: 'audit.torn', outcome: 'ok', facts: { ...torn } })
    })
    this.#reserve = onFull === 'block' ? fullReserve(file, Math.min(reserveBytes, maxFileSize)) : undefined
    this.#watch = setInterval(() => { this.#look() }, watchMs).unref()
  }

  records (event: AuditEventName): boolean { return this.#wanted.has(event) }

  admit (): void {
    if (!this.#isClosed && (this.#reserve === undefined || this.#isSound())) return
    this.#count('refused')
    throw new AuditUnavailableError()
  }

  record (event: AuditEvent): void {
    if (!this.#wanted.has(event.event)) return
    if (this.#isClosed) throw new AuditUnavailableError()
    const members = this.#write(event)
    const blocks = this.#reserve !== undefined
    // Lines stand in the order in which things happened.
    if ((this.#isSound() || (blocks && this.#held.length === 0)) && this.#append(members)) return
    if (!blocks) return this.#count('dropped')
    this.#held.push(members)
    throw new AuditUnavailableError()
  }

  note (event: AuditEvent): void {
    if (!this.#wanted.has(event.event) || this.#isClosed || (this.#isSound() && this.#append(this.#write(event)))) return
    this.#count('dropped')
  }

  /** Whatever comes later is not written any more: the file may be somebody else's. A second time does nothing. */
  close (): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#watch)
    this.#triedAt = -Infinity
    if (!this.#isSound()) this.#options.logger.error({ lines: this.#held.length + (this.#trouble?.dropped ?? 0) }, 'The audit log is not complete: lines at its end could not be written.')
    this.#file.close()
    this.#reserve?.remove()
    this.#lock.release()
  }

  #write (event: AuditEvent): string { return writeMembers(event, this.#options.clock.now(), this.#options.redact) }

  #append (members: string): boolean {
    try {
      this.#file.append(members)
      return true
    } catch (error) {
      this.#fail(error)
    }
    if (this.#reserve?.release() !== true) return false
    try {
      this.#file.append(members)
      return true
    } catch {
      return false
    }
  }

  #fail (error: unknown): void {
    if (this.#trouble !== undefined) return
    this.#trouble = { since: this.#options.clock.now(), dropped: 0, refused: 0 }
    this.#triedAt = performance.now()
    const consequence = this.#reserve === undefined ? 'its lines are dropped' : 'calls are refused'
    this.#options.logger.error({ err: error }, `The audit log cannot be written: until it can, ${consequence} (security.audit.onFull).`)
  }

  #isSound (): boolean { return this.#trouble === undefined || this.#recover(this.#trouble) }

  /** Tries whether lines can be written again; then the first ones are those that were held, and one that says what is missing. */
  #recover ({ since, dropped, refused }: Trouble): boolean {
    if (performance.now() - this.#triedAt < retryMs) return false
    this.#triedAt = performance.now()
    try {
      for (let members = this.#held[0]; members !== undefined; members = this.#held[0]) {
        this.#file.append(members)
        this.#held.shift()
      }
      this.#reserve?.fill()
      if (dropped + refused > 0) this.#file.append(this.#write({ event: 'audit.dropped', outcome: 'ok', facts: { dropped, refused, since: new Date(since).toISOString() } }))
    } catch {
      return false
    }
    this.#trouble = undefined
    this.#options.logger.warn({ dropped, refused }, 'The audit log can be written again.')
    return true
  }

  #count (what: 'dropped' | 'refused'): void {
    this.missing[what]++
    if (this.#trouble !== undefined) this.#trouble[what]++
  }

  #look (): void {
    this.#lock.renew()
    if (!this.#file.isInPlace()) this.#options.logger.warn({ file: this.#options.file }, 'The audit log was moved or removed: a new file is begun.')
  }
}

function fullReserve (file: string, bytes: number): Reserve {
  const reserve = new Reserve(hiddenName(file, 'reserve'), bytes)
  try {
    reserve.fill()
  } catch (error) {
    reserve.remove()
    throw error
  }
  return reserve
}

function problemOf (error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EACCES':
    case 'EPERM': return 'this user may not write there.'
    case 'EROFS': return 'the file system is read-only.'
    case 'ENOSPC':
    case 'EDQUOT': return 'the disk is full.'
    case 'ENOTDIR':
    case 'EEXIST': return 'a part of its path is a file.'
    default: return `${message}.`
  }
}
