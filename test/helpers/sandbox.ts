import { createSandbox, type RunRequest, type Sandbox, type SandboxOptions } from '../../src/tools/sandbox/index.ts'

interface Teardown { teardown (work: () => Promise<void>): void }

/** A sandbox that the test closes, and a short way to call code in it. */
export interface OpenSandbox {
  readonly sandbox: Sandbox
  run (code: string, args?: unknown, more?: Partial<RunRequest>): Promise<unknown>
  /** The message of the error that the code ends with. */
  fail (code: string, args?: unknown, more?: Partial<RunRequest>): Promise<string>
}

export const mib = 1024 * 1024

export function openSandbox (t: Teardown, options: SandboxOptions = {}): OpenSandbox {
  const sandbox = createSandbox(options)
  t.teardown(() => sandbox.close())

  function run (code: string, args: unknown = {}, more: Partial<RunRequest> = {}): Promise<unknown> {
    return sandbox.run({
      code,
      args,
      info: { requestId: 'request-1', metadata: { toolName: 'sandboxed' } },
      timeoutMs: 10_000,
      memoryLimitBytes: 64 * mib,
      maxOutputBytes: mib,
      ...more
    })
  }

  return {
    sandbox,
    run,
    async fail (code, args, more) {
      const result = await run(code, args, more).then((value) => ({ value }), (error: unknown) => ({ error }))
      if ('error' in result) return result.error instanceof Error ? result.error.message : String(result.error)
      throw new Error(`The code was expected to fail, and returned ${JSON.stringify(result.value)}.`)
    }
  }
}
