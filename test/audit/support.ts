import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFileSink, type FileSink, type FileSinkOptions } from '../../src/audit/file-sink.ts'
import { verify, type Verdict, type VerifyOptions } from '../../src/audit/verify.ts'
import type { AuditEvent } from '../../src/core/audit-event.ts'
import { createRecorder, type Recorder } from '../helpers/log-recorder.ts'

interface TestWithFolder { teardown (fn: () => unknown): unknown, testdir (content?: Record<string, string>): string }

export interface OpenedSink { sink: FileSink, file: string, log: Recorder }
export interface SinkChanges extends Partial<Omit<FileSinkOptions, 'section'>> { section?: Partial<FileSinkOptions['section']> }

/** Opens a sink in a folder of its own, unless another file is named, and closes it with the test. */
export function openSink (t: TestWithFolder, { section = {}, ...changes }: SinkChanges = {}): OpenedSink {
  const log = createRecorder()
  const file = changes.file ?? join(t.testdir({}), 'audit.log')
  const sink = openFileSink({
    file,
    section: { events: [], maxFileSize: 1_000_000, maxFiles: 5, includeArguments: false, onFull: 'block', fsync: false, ...section },
    key: undefined,
    redact: (text) => text,
    logger: log.logger,
    clock: { now: () => Date.parse('2026-01-02T03:04:05.678Z') },
    ...changes
  })
  t.teardown(() => { sink.close() })
  return { sink, file, log }
}

/** A call that went well. */
export function called (name: string, changes: Partial<AuditEvent> = {}): AuditEvent {
  return { event: 'tool.call', outcome: 'ok', durationMs: 1.5, subject: { name }, ...changes }
}

export interface RecordedLine { seq: number, event: string, outcome: string, name?: string, [member: string]: unknown }

/** The lines of a file, in their order. Throws for one that is no JSON. */
export function linesIn (file: string): RecordedLine[] {
  return textsIn(file).map((line) => JSON.parse(line) as RecordedLine)
}

export function textsIn (file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}

export function check (file: string, options: Partial<VerifyOptions> = {}): Verdict {
  return verify(file, { alone: false, key: undefined, expected: undefined, ...options })
}
