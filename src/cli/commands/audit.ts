import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'
import { complain, print } from '../print.ts'

const audit: Command = {
  usage: 'audit verify FILE [LAST] [--alone] [--json]',
  summary: 'Check that an audit log is as it was written.',
  description: `Follows the chain of FILE and of the files that were put aside before it (FILE.1,
FILE.2, …), and names the first line that was changed, removed, reordered, inserted
or torn. The file may be in use meanwhile.

The chain by itself cannot tell that its end was cut away. LAST is what you know of
it: the seal (64 hexadecimal digits) or the number of a line that has to be there.

Lines that were sealed with a key need the same one in AUDIT_KEY.`,
  maxArguments: 3,
  options: { alone: 'check FILE only, without those before it', json: 'print one JSON document for programs' },
  examples: [
    { command: 'gantry audit verify audit.log', does: 'checks it, with all that was put aside' },
    { command: 'gantry audit verify --alone audit.log.7', does: 'checks one file' },
    { command: 'AUDIT_KEY="$(cat key)" gantry audit verify audit.log 123456', does: 'checks with a key that there are that many lines at least' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'every line is as it was written' },
    { code: exitCodes.failed, meaning: 'a line is not, or the file cannot be read' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong' }
  ],
  async run ({ arguments: [action, file, expected], has }) {
    if (action !== 'verify' || file === undefined) return misused('Say what to do with which file.')
    if (expected !== undefined && !/^(?:[0-9a-f]{64}|[1-9]\d{0,15})$/.test(expected)) return misused(`"${expected}" is neither the seal of a line (64 hexadecimal digits) nor its number.`)
    const [{ verifyFile }, { readEnvironment }] = await Promise.all([import('../audit-report.ts'), import('../../config/environment.ts')])
    const { env } = await readEnvironment(process.env, process.cwd())
    const key = env['AUDIT_KEY']
    const report = verifyFile(file, { alone: has('alone'), key: key === '' ? undefined : key, expected })
    if ('problem' in report) {
      complain(report.problem)
      return exitCodes.failed
    }
    await print(has('json') ? report.forPrograms : report.forPeople)
    return report.isSound ? exitCodes.done : exitCodes.failed
  }
}

function misused (problem: string): number {
  complain(`${problem}\nUsage: gantry ${audit.usage}\n"gantry help audit" says more.`)
  return exitCodes.badUsage
}

export default audit
