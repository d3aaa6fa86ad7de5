/** What a command is: how it is described, and what it does. Describing it must cost nothing; `run` loads what it needs. */
export interface Command {
  /** After `gantry`, for the usage line. */
  usage: string
  /** One line, for the list of commands. */
  summary: string
  /** What it does, in whole sentences. Lines are as wide as they are shown. */
  description: string
  /** The most arguments it takes. */
  maxArguments: number
  /** Its own options, without the dashes, and what each does. */
  options: Readonly<Record<string, string | ValuedOption>>
  examples: readonly Example[]
  exitCodes: readonly ExitCode[]
  /** Resolves with the exit code. */
  run (invocation: Invocation): Promise<number>
}

/** An option that takes a value: `--name VALUE` or `--name=VALUE`. */
export interface ValuedOption { value: string, does: string }

export interface Example { command: string, does: string }
export interface ExitCode { code: number, meaning: string }

/** What the user asked of a command. */
export interface Invocation {
  arguments: readonly string[]
  /** Whether a switch was given. */
  has (option: string): boolean
  /** The value of an option; undefined when it was not given. */
  valueOf (option: string): string | undefined
}
