import { hostname } from 'node:os'
import { accessText, type Access, type AccessLog } from '../core/access.ts'
import type { LogOutput } from './log-output.ts'

export interface AccessLogOptions {
  output: LogOutput
  /** The share of the requests that succeeded that is written, from 0 to 1. All others are. */
  sample: number
  /** Whether lines of level `info` are written now. */
  isInfoOn: () => boolean
  /** Takes secrets out of a line that is to be written. */
  redactLine: (line: string) => string
}

/** Lines of requests, beside those of pino and in its form, at level `info`. Its own way costs several times as much. */
export function createAccessLog ({ output, sample, isInfoOn, redactLine }: AccessLogOptions): AccessLog {
  const process = `,"pid":${globalThis.process.pid},"hostname":${JSON.stringify(hostname())},"msg":"access",`
  // Who counts lines has to know what each stands for.
  const sampled = sample < 1 ? `"sample":${sample},` : ''

  return {
    get isOn () { return isInfoOn() },
    write (access: Access) {
      const isOk = access.outcome === 'ok'
      if (isOk && sample < 1 && Math.random() >= sample) return
      output.writeSoon(redactLine(`{"level":30,"time":${Date.now()}${process}${isOk ? sampled : ''}${accessText(access)}}\n`))
    }
  }
}
