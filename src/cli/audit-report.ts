import { KeyNeededError, verify, type Verdict, type VerifyOptions } from '../audit/verify.ts'
import { fileProblem } from './file-problem.ts'

/** What `gantry audit verify` says about a file. */
export interface AuditReport {
  isSound: boolean
  forPeople: string
  forPrograms: string
}

export function verifyFile (file: string, options: VerifyOptions): AuditReport | { problem: string } {
  try {
    const verdict = verify(file, options)
    return { isSound: verdict.fault === undefined, forPeople: forPeople(file, verdict), forPrograms: forPrograms(verdict) }
  } catch (error) {
    return { problem: `${file} cannot be checked. ${error instanceof KeyNeededError ? error.message : fileProblem(error)}` }
  }
}

function forPeople (file: string, { fault, files, lines, first, last, torn, unkeyed }: Verdict): string {
  const notes = [
    ...(first === undefined || first.seq === 1 ? [] : [`note: it begins with line number ${first.seq}; those before it are not here.`]),
    ...torn.map((place) => `note: ${place.file}:${place.line} was cut off when a process died; its successor tells of it.`),
    ...(unkeyed === 0 || unkeyed === lines ? [] : [`note: the first ${unkeyed} lines are sealed without a key.`])
  ]
  const verdict = fault === undefined
    ? [`${file} is sound: ${count(lines, 'line')} in ${count(files.length, 'file')}.`, ...(last === undefined ? [] : [`  last line  number ${last.seq}, seal ${last.seal}`])]
    : [`${fault.file}:${fault.line}  ${fault.kind}`, `  ${fault.message}`, '', `${count(lines, 'line')} before it ${lines === 1 ? 'is' : 'are'} as written.`]
  return `${[...verdict, ...notes].join('\n')}\n`
}

/** One JSON document. `fault` is null for a file that is sound. */
function forPrograms ({ fault, files, lines, first, last, torn, unkeyed }: Verdict): string {
  const link = (line: Verdict['last']): object | null => line === undefined ? null : { seq: line.seq, seal: line.seal }
  return `${JSON.stringify({ sound: fault === undefined, files, lines, first: link(first), last: link(last), torn, unkeyed, fault: fault ?? null }, null, 2)}\n`
}

function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
