import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'
import { complain, print } from '../print.ts'

const keygen: Command = {
  usage: 'keygen --name NAME [OPTIONS]',
  summary: 'Make an API key and its entry for the configuration.',
  description: `Prints a new key, which is shown this once and kept nowhere, and the entry to paste
into security.authentication.apiKeys. The entry holds no more than a hash of the key:
who reads the file cannot call.

The hash fits under the API_KEY_SALT of the server only. It is taken from the
environment, in development from the file .env too.`,
  maxArguments: 0,
  options: {
    name: { value: 'NAME', does: 'whose key it is; shown in logs and in the audit' },
    permissions: { value: 'LIST', does: 'what it may do, with commas: tools:call:report-*,tools:list' },
    tier: { value: 'TIER', does: 'the name of a limit in security.rateLimit.perApiKey' },
    expires: { value: 'WHEN', does: 'when it ends: 90d, 12h, 4w, 2027-01-31 or never (as without it)' },
    json: 'print one JSON document for programs: key, entry'
  },
  examples: [
    { command: 'gantry keygen --name ci --permissions "tools:*" --expires 90d', does: 'makes a key for all tools that ends in 90 days' },
    { command: 'gantry keygen --name ci --json | jq .entry', does: 'prints the entry only; the key is lost' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'the key was made' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong: a name is missing, a permission permits nothing' },
    { code: exitCodes.badConfiguration, meaning: 'API_KEY_SALT is not set' }
  ],
  async run ({ has, valueOf }) {
    const name = valueOf('name')
    if (name === undefined) return misused(['A key needs a name: --name NAME'])
    const [{ createEntry, saltProblem }, { newKeyForPeople }, { readEnvironment }] = await Promise.all([import('../key-entry.ts'), import('../key-report.ts'), import('../../config/environment.ts')])
    const { env } = await readEnvironment(process.env, process.cwd())
    const salt = env['API_KEY_SALT'] ?? ''
    const problem = saltProblem(salt)
    if (problem !== undefined) {
      complain(problem)
      return exitCodes.badConfiguration
    }
    const made = createEntry({ name, permissions: listOf(valueOf('permissions')), tier: valueOf('tier'), expires: valueOf('expires') }, salt, Date.now())
    if ('problems' in made) return misused(made.problems)
    await print(has('json') ? `${JSON.stringify(made, null, 2)}\n` : newKeyForPeople(made))
    return exitCodes.done
  }
}

function listOf (text = ''): string[] {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '')
}

function misused (problems: readonly string[]): number {
  complain(`${problems.join('\n')}\nUsage: gantry ${keygen.usage}\n"gantry help keygen" says more.`)
  return exitCodes.badUsage
}

export default keygen
