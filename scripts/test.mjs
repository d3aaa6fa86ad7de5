// The whole check, in order: what the machine must have, build, lint, types, tests. The first step that fails ends it.
// With file names (npm test -- test/foo.test.ts) it only runs these tests. The last line is "N passed, N failed": the
// assertions, as tap counted them.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)

/** What tap prints last, at the start of a line; the output of a test file is always indented. */
const totals = /^# \{ total: \d+, pass: (?<passed>\d+)(?:, fail: (?<failed>\d+))?/

const testArguments = process.argv.slice(2)
const steps = testArguments.length > 0
  ? []
  : [
      ['What the tests need', [join(root, 'scripts/system-packages.mjs')]],
      ['Build', [join(root, 'scripts/build.mjs')]],
      ['Lint', [binOf('eslint', 'eslint'), '.', '--max-warnings=0']],
      ['Types', [binOf('typescript', 'tsc'), '-p', 'tsconfig.json']]
    ]

process.exitCode = runSteps() || await runTests()

function runSteps () {
  for (const [heading, command] of steps) {
    const started = Date.now()
    console.log(`\n== ${heading}`)
    const run = spawnSync(process.execPath, command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    if (run.error !== undefined) console.error(run.error.message)
    if (run.status !== 0) {
      console.error(`\nStopped: the step "${heading}" failed${run.signal === null ? '' : ` (${run.signal})`}. The tests were not run.`)
      return run.status || 1
    }
    console.log(`   done in ${seconds(started)}`)
  }
  return 0
}

async function runTests () {
  const started = Date.now()
  console.log('\n== Tests')
  const tap = spawn(process.execPath, [binOf('tap', 'tap'), '--reporter=tap', ...testArguments], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve, reject) => {
    tap.on('error', reject)
    tap.on('close', (code, signal) => resolve({ code, signal }))
  })
  const counted = await report(tap.stdout)
  const { code, signal } = await ended

  console.log(`   done in ${seconds(started)}`)
  if (counted === undefined) {
    console.error(`tap ended ${signal === null ? `with exit code ${code}` : `by ${signal}`} and gave no totals: nothing can be said about the tests.`)
    return code || 1
  }
  if (code !== 0 && counted.failed === 0) console.error(`tap ended with exit code ${code} although it counted no failure: see above.`)
  console.log(`\n${counted.passed} passed, ${counted.failed} failed`)
  return code ?? 1
}

/** Prints one line for a test file that passed and everything but its passes for one that failed. */
async function report (stdout) {
  let counted
  let file
  let block = []
  for await (const line of createInterface({ input: stdout })) {
    const opening = /^# Subtest: (?<file>.+)$/.exec(line)?.groups.file
    if (opening !== undefined) {
      file = opening
      block = []
    } else if (/^\s/.test(line)) {
      block.push(line)
      // The details of a file that failed come after its verdict.
      if (file === undefined) console.log(line)
    } else if (/^(?:not )?ok /.test(line)) {
      const passed = line.startsWith('ok ')
      const took = /# time=(?<took>\S+)$/.exec(line)?.groups.took
      console.log(`${passed ? 'ok  ' : 'FAIL'} ${file ?? line}${took === undefined ? '' : ` (${took})`}`)
      if (!passed) for (const detail of block) if (!/^\s*(?:ok \d.*)?$/.test(detail)) console.log(detail)
      file = undefined
    } else if (totals.test(line)) {
      const { passed, failed } = totals.exec(line).groups
      counted = { passed: Number(passed), failed: Number(failed ?? 0) }
    } else if (line !== '' && !/^(?:TAP version 14|1\.\.\d+|# No coverage generated|# time=.*)$/.test(line)) {
      console.log(line)
    }
  }
  return counted
}

function binOf (name, command) {
  const manifest = require.resolve(`${name}/package.json`)
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[command])
}

function seconds (since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}
