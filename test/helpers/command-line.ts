import { commandLine, run, type ProgramOptions, type Teardown } from './server.ts'

/** What a command printed, and how it ended. */
export interface Outcome { code: number | null, stdout: string, stderr: string }

/** Runs the built `gantry` with arguments, to its end. */
export async function gantry (t: Teardown, args: readonly string[], options?: ProgramOptions): Promise<Outcome> {
  const program = run(t, [commandLine, ...args], options)
  program.endInput()
  const { code } = await program.exited
  return { code, stdout: text(program.stdout), stderr: text(program.stderr) }
}

function text (lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
