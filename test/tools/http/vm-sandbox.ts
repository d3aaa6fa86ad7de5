import { createContext, runInContext, Script } from 'node:vm'
import type { TransformSandbox } from '../../../src/tools/http/transform.ts'

type Job = Parameters<TransformSandbox['run']>[0]

/** Stands in for the sandbox: same contract (a function, JSON in, JSON out), no walls. `jobs` holds what it was asked to run. */
export function vmSandbox (): TransformSandbox & { readonly jobs: Job[] } {
  const jobs: Job[] = []
  return {
    jobs,
    async run (job) {
      jobs.push(job)
      const context = createContext({ input: JSON.stringify(job.args) })
      const outcome: unknown = await runInContext(`(async () => {
        try { return JSON.stringify({ value: await (${job.code})(JSON.parse(input), {}) }) } catch (error) { return JSON.stringify({ error: error.message }) }
      })()`, context, { timeout: 1000 })
      const { value, error } = JSON.parse(String(outcome))
      if (error !== undefined) throw new Error(error)
      return value
    },
    async check (code) {
      const fault = faultOf(`(${code}\n)`) === undefined ? undefined : faultOf(`(async function (args, context) {${code}\n})`)
      return fault === undefined ? { ok: true } : { ok: false, message: fault, line: 1, column: 1 }
    }
  }
}

function faultOf (code: string): string | undefined {
  try {
    return new Script(code) && undefined
  } catch (error) {
    return String(error)
  }
}
