import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gantry } from '../helpers/command-line.ts'
import { commandLine, root } from '../helpers/server.ts'

const commands = ['start', 'stdio', 'validate', 'init', 'keygen', 'keys', 'audit', 'logs']

t.test('the help names every command, shows how to begin, and lists the exit codes', async (t) => {
  const { code, stdout, stderr } = await gantry(t, ['--help'])
  t.equal(code, 0)
  t.equal(stderr, '')
  for (const command of commands) t.match(stdout, new RegExp(`^ {2}${command} `, 'm'))
  t.match(stdout, 'gantry init my-server')
  for (const exitCode of [0, 1, 2, 78]) t.match(stdout, new RegExp(`^ {2}${exitCode} +\\w`, 'm'))
  for (const args of [['-h'], ['help']]) t.same(await gantry(t, args), { code, stdout, stderr })
})

for (const command of commands) {
  t.test(`the help of ${command} has a usage line, examples and exit codes, however it is asked for`, async (t) => {
    const { code, stdout, stderr } = await gantry(t, ['help', command])
    t.equal(code, 0)
    t.equal(stderr, '')
    t.match(stdout, new RegExp(`^Usage:\n {2}gantry ${command} `))
    t.match(stdout, /^Examples:\n {2}\S/m)
    t.match(stdout, /^Exit codes:\n {2}0 {2}/m)
    for (const args of [[command, '--help'], [command, '-h'], ['--help', command]]) t.same(await gantry(t, args), { code, stdout, stderr })
  })
}

t.test('without a command the help goes to standard error and the exit code says that nothing was done', async (t) => {
  const { code, stdout, stderr } = await gantry(t, [])
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, 'Usage:')
})

t.test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  for (const option of ['--version', '-v']) t.same(await gantry(t, [option]), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('a command line that is wrong gets exit code 2 and a sentence that mends it', async (t) => {
  const cases: [args: string[], text: RegExp][] = [
    [['strat'], /gantry has no command "strat"\. Did you mean "gantry start"\?/],
    [['zzzzzzzz'], /gantry has no command "zzzzzzzz"\.\n"gantry --help" lists/],
    [['server.yaml'], /Did you mean "gantry start server\.yaml"\?/],
    [['constructor'], /gantry has no command "constructor"/],
    [['--verison'], /gantry has no option "--verison"\. Did you mean "gantry --version"\?/],
    [['help', 'valdate'], /gantry has no command "valdate"\. Did you mean "gantry validate"\?/],
    [['help', 'start', 'stdio'], /"stdio" after "gantry help" is one argument too many/],
    [['validate', '--jsn'], /There is no option --jsn here\. Did you mean "--json"\?\nUsage: gantry validate \[FILE\] \[--json\]/],
    [['start', '--json'], /There is no option --json here\./],
    [['start', '-x'], /There is no option -x here\./],
    [['validate', '--json=yes'], /--json takes no value\./],
    [['start', 'a.json', 'b.json'], /"b\.json" is one argument too many\.\nUsage: gantry start \[FILE\]\n"gantry help start" says more/],
    [['start', ''], /An argument is empty\./]
  ]
  for (const [args, text] of cases) {
    const { code, stdout, stderr } = await gantry(t, args)
    t.equal(code, 2, args.join(' '))
    t.equal(stdout, '')
    t.match(stderr, text)
  }
})

t.test('a file whose name begins with a dash can be given after "--"', async (t) => {
  const { code, stderr } = await gantry(t, ['validate', '--', '--json'], { cwd: t.testdir() })
  t.equal(code, 78)
  t.equal(stderr, '')
})

t.test('the built command can be run by its name: it begins with the line that says so', async (t) => {
  t.match(readFileSync(commandLine, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  t.equal(join(root, bin['gantry'] ?? ''), commandLine)
})
