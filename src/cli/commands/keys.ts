import { exitCodes } from '../../exit-codes.ts'
import type { Command, Invocation } from '../command.ts'
import { complain, print } from '../print.ts'

const keys: Command = {
  usage: 'keys list [FILE] | rotate NAME [FILE]',
  summary: 'Say how old the API keys of a file are, or replace one.',
  description: `"list" shows each key with its age and its end, and which need attention: those that
have expired, expire within 14 days or are older than 90 days. Keys and their hashes
are never shown.

"rotate" makes a new key for a name and says what to write into FILE so that both
count for a while. It changes no file itself.

Without FILE, the file is found as by "gantry start".`,
  maxArguments: 3,
  options: {
    grace: { value: 'TIME', does: 'rotate: how long the old key still counts: 7d (as without it), 12h, 0d' },
    expires: { value: 'WHEN', does: 'rotate: when the new key ends: 90d, 12h, 4w, 2027-01-31 or never' },
    json: 'print one JSON document for programs'
  },
  examples: [
    { command: 'gantry keys list', does: 'shows the keys of the file of this directory' },
    { command: 'gantry keys list server.yaml || notify', does: 'for a daily job: fails when a key needs attention' },
    { command: 'gantry keys rotate ci --grace 3d --expires 90d', does: 'makes a new key for "ci"' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'no key needs attention, or the new key was made' },
    { code: exitCodes.failed, meaning: 'list: a key needs attention' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong, or there is no key of this name' },
    { code: exitCodes.badConfiguration, meaning: 'the keys of the file cannot be read, or API_KEY_SALT is not set' }
  ],
  async run (invocation) {
    const [action, ...rest] = invocation.arguments
    if (action === 'list') return await list(rest, invocation)
    if (action === 'rotate') return await rotateKey(rest, invocation)
    return misused([action === undefined ? 'Say what to do: list or rotate.' : `"${action}" is neither "list" nor "rotate".`])
  }
}

async function list ([file, ...more]: readonly string[], { has }: Invocation): Promise<number> {
  if (more.length > 0) return misused([`"${more[0]}" is one argument too many.`])
  for (const option of ['grace', 'expires']) if (has(option)) return misused([`--${option} belongs to "gantry keys rotate".`])
  const [{ readKeyFile }, { reviewKeys }, { dueOf, listForPeople, listForPrograms }] = await Promise.all([import('../key-file.ts'), import('../key-review.ts'), import('../key-listing.ts')])
  const read = await readKeyFile(file)
  if ('problem' in read) return refuse(read.problem)
  if (!read.isSound) complain('Note: with the environment that is set here, the file would not be served. "gantry validate" says why.')
  const reviews = reviewKeys(read.keys, Date.now())
  await print(has('json') ? listForPrograms(read.file, reviews) : listForPeople(reviews))
  return dueOf(reviews) === 0 ? exitCodes.done : exitCodes.failed
}

async function rotateKey ([name, file]: readonly string[], { has, valueOf }: Invocation): Promise<number> {
  if (name === undefined) return misused(['Say whose key is to be replaced: gantry keys rotate NAME'])
  const [{ readKeyFile }, { rotate }, { saltProblem }, { rotationForPeople, rotationForPrograms }, { readDuration }] = await Promise.all([
    import('../key-file.ts'), import('../key-rotation.ts'), import('../key-entry.ts'), import('../key-report.ts'), import('../moments.ts')
  ])
  const grace = valueOf('grace') ?? '7d'
  const graceMs = readDuration(grace)
  if (graceMs === undefined) return misused([`--grace: expected a time such as 7d or 12h, found "${grace}".`])
  const read = await readKeyFile(file)
  if ('problem' in read) return refuse(read.problem)
  const { salt = '' } = read
  const problem = saltProblem(salt)
  if (problem !== undefined) return refuse(problem)
  const rotation = rotate({ name, expires: valueOf('expires'), graceMs }, read.keys, salt, Date.now())
  if ('problems' in rotation) return misused(rotation.problems)
  await print(has('json') ? rotationForPrograms(rotation, read.file) : rotationForPeople(rotation, read.file))
  return exitCodes.done
}

function refuse (problem: string): number {
  complain(problem)
  return exitCodes.badConfiguration
}

function misused (problems: readonly string[]): number {
  complain(`${problems.join('\n')}\nUsage: gantry ${keys.usage}\n"gantry help keys" says more.`)
  return exitCodes.badUsage
}

export default keys
