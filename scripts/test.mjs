// The whole check, in order: what the machine must have, build, lint and types, tests. The first step that fails ends it.
// With file names (npm test -- test/foo.test.ts) it only runs these tests. The last line is "N passed, N failed": the
// assertions, as tap counted them.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)

/** What tap prints last, at the start of a line; the output of a test file is always indented. */
const totals = /^# \{ total: \d+, pass: (?<passed>\d+)(?:, fail: (?<failed>\d+))?/

/** Without the certificates of this machine: no test speaks with anything outside of it, and Node reads them all at each start. */
const { NODE_EXTRA_CA_CERTS: _certificates, ...env } = process.env

const testArguments = process.argv.slice(2)
/** What stands together runs beside each other. */
const steps = testArguments.length > 0
  ? []
  : [
      [['What the tests need', [join(root, 'scripts/system-packages.mjs')]]],
      [
        ['Build', [join(root, 'scripts/build.mjs')]],
        // By itself tap does this, too, when it runs tests: but then the first run after an installation has all its plugins in each test.
        ['Plugins of the tests', [binOf('tap', 'tap'), 'build']]
      ],
      [
        ['Lint', [binOf('eslint', 'eslint'), '.', '--max-warnings=0']],
        ['Types', [binOf('typescript', 'tsc'), '-p', 'tsconfig.json']]
      ]
    ]

process.exitCode = await runSteps() || await runTests()

async function runSteps () {
  for (const together of steps) {
    const runs = together.map(([heading, command]) => ({ heading, ended: runStep(command) }))
    let exitCode = 0
    for (const { heading, ended } of runs) {
      console.log(`\n== ${heading}`)
      const { output, error, code, signal, took } = await ended
      process.stdout.write(output)
      if (error !== undefined) console.error(error.message)
      if (code !== 0) {
        console.error(`\nStopped: the step "${heading}" failed${signal === null ? '' : ` (${signal})`}. The tests were not run.`)
        exitCode ||= code ?? 1
      } else {
        console.log(`   done in ${took}`)
      }
    }
    if (exitCode !== 0) return exitCode
  }
  return 0
}

/** What a step prints comes in one piece, so that it does not stand in that of its neighbour. */
async function runStep (command) {
  const started = Date.now()
  const step = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  for (const stream of [step.stdout, step.stderr]) stream.on('data', (part) => { output.push(part) })
  return await new Promise((resolve) => {
    step.on('error', (error) => { resolve({ output: '', error, code: 1, signal: null, took: seconds(started) }) })
    step.on('close', (code, signal) => { resolve({ output: Buffer.concat(output), code, signal, took: seconds(started) }) })
  })
}

async function runTests () {
  const started = Date.now()
  console.log('\n== Tests')
  const tap = spawn(process.execPath, [binOf('tap', 'tap'), '--reporter=tap', ...testArguments], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
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
