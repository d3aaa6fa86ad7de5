import { inspect } from 'node:util'
import type { Logger } from '../../src/core/ports.ts'

export interface LogLine { level: keyof Logger, facts: object, sentence: string }

/** A logger that keeps what it is told. */
export interface Recorder {
  readonly logger: Logger
  readonly lines: readonly LogLine[]
  /** The sentences so far. */
  sentences (): string[]
  /** Everything, errors with their causes and all that hangs on them, as one text. */
  text (): string
}

export function createRecorder (): Recorder {
  const lines: LogLine[] = []
  const at = (level: keyof Logger) => (first: object | string, sentence?: string): void => {
    lines.push(typeof first === 'string' ? { level, facts: {}, sentence: first } : { level, facts: first, sentence: sentence ?? '' })
  }
  return {
    logger: { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    lines,
    sentences: () => lines.map(({ sentence }) => sentence),
    text: () => inspect(lines, { depth: 20, showHidden: true })
  }
}
