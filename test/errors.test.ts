import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import * as callErrors from '../src/core/call-errors.ts'
import * as generalErrors from '../src/core/errors.ts'
import { exitCodes } from '../src/exit-codes.ts'
import { filesBelow } from './helpers/imports.ts'

const errors = { ...generalErrors, ...callErrors }
const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

/** What a client can see of an error, and how its failure is delivered. */
interface Entry { code: string, name: string, status: number, rpcCode: number, isFailedCall: boolean }

/** Bases for others: no code of their own. */
const bases = new Set<unknown>([errors.GantryError, errors.ToolCallError])

t.test('the page and the code name the same errors, with the same classes and numbers', async (t) => {
  t.strictSame(differences(page), [])
})

t.test('a changed number, a lost line, a doubled line and an invented line are each noticed', async (t) => {
  const standing = differences(page)
  const noticed = (text: string) => differences(text).filter((fault) => !standing.includes(fault))
  const line = rowOf('MCP_TOOL_TIMEOUT')
  t.strictSame(noticed(page.replace(line, line.replace(' 504 ', ' 500 '))), ['MCP_TOOL_TIMEOUT: the page differs from the code'])
  t.strictSame(noticed(page.replace(line, line.replace(' -32603 ', ' -32600 '))), ['MCP_TOOL_TIMEOUT: the page differs from the code'])
  t.strictSame(noticed(page.replace(`${line}\n`, '')), ['MCP_TOOL_TIMEOUT: not in the page'])
  t.strictSame(noticed(page.replace(line, `${line}\n${line}`)), ['MCP_TOOL_TIMEOUT: more than once in the page'])
  t.strictSame(noticed(page.replace(line, `${line}\n${line.replace('TIMEOUT', 'TIRED')}`)), ['MCP_TOOL_TIRED: not in the code'])
  t.equal(noticed(page.replace('## Failed calls', '## Other')).length, thrown().filter(({ isFailedCall }) => isFailedCall).length)
})

t.test('no two errors share a code', async (t) => {
  const codes = thrown().map(({ code }) => code)
  t.strictSame(codes, [...new Set(codes)])
})

t.test('each line of the page says what the error means and what to do', async (t) => {
  for (const [code, , , , meaning, action] of rows(page, '`MCP_')) {
    t.match(meaning, /^[A-Z].+\.$/, `${code}: its meaning is a sentence`)
    t.match(action, /^[A-Z].+\.$/, `${code}: what to do is a sentence`)
  }
})

t.test('no other source file makes up a code', async (t) => {
  const codes = new Set(thrown().map(({ code }) => code))
  const strangers = filesBelow(root, 'src').flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/['"`](MCP_[A-Z_]+)['"`]/g)]
      .filter(([, code]) => code !== undefined && !codes.has(code))
      .map(([, code]) => `${file}: ${code}`))
  t.strictSame(strangers, [])
})

t.test('the exit codes are the ones that scripts and service managers rely on', async (t) => {
  const published = [0, 1, 2, 78]
  t.strictSame(Object.values(exitCodes), published)
  t.strictSame(rows(page, '\\d').map(([code]) => Number(code)), published)
})

t.test('no source file ends the process with an exit code that the page does not have', async (t) => {
  const known = new Set(rows(page, '\\d').map(([code]) => code))
  const strangers = filesBelow(root, 'src').flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:process\.exit\(|exitCode = )(\d+)/g)]
      .filter(([, code]) => !known.has(code))
      .map(([found]) => `${file}: ${found}`))
  t.strictSame(strangers, [])
})

function differences (text: string): string[] {
  const inCode = thrown()
  const inPage = documented(text)
  const faults = inCode.flatMap((entry) => {
    const [line, double] = inPage.filter(({ code }) => code === entry.code)
    if (line === undefined) return [`${entry.code}: not in the page`]
    if (double !== undefined) return [`${entry.code}: more than once in the page`]
    return isDeepStrictEqual(line, entry) ? [] : [`${entry.code}: the page differs from the code`]
  })
  const invented = inPage.filter(({ code }) => !inCode.some((entry) => entry.code === code))
  return [...faults, ...invented.map(({ code }) => `${code}: not in the code`)]
}

function rowOf (code: string): string {
  const line = page.split('\n').find((text) => text.startsWith(`| \`${code}\``))
  if (line === undefined) throw new Error(`The page has no line for ${code}.`)
  return line
}

/** Made with values that every constructor of the catalogue can take; what they say does not matter here. */
function thrown (): Entry[] {
  return Object.values(errors).filter(isErrorClass).filter((value) => !bases.has(value)).map((value) => {
    const error: unknown = Reflect.construct(value, ['x', [], {}])
    if (!(error instanceof errors.GantryError)) throw new Error(`${value.name} does not make a GantryError.`)
    return { code: error.code, name: value.name, status: error.status, rpcCode: error.rpcCode, isFailedCall: error instanceof errors.ToolCallError }
  })
}

function isErrorClass (value: unknown): value is typeof generalErrors.GantryError {
  return typeof value === 'function' && (value === errors.GantryError || value.prototype instanceof errors.GantryError)
}

function documented (text: string): Entry[] {
  const failedCalls = rows(section(text, '## Failed calls'), '`MCP_').map(([code]) => code)
  return rows(text, '`MCP_').map(([code = '', name = '', status, rpcCode]) => ({
    code: code.replaceAll('`', ''),
    name,
    status: Number(status),
    rpcCode: Number(rpcCode),
    isFailedCall: failedCalls.includes(code)
  }))
}

function section (text: string, heading: string): string {
  const start = text.indexOf(`${heading}\n`)
  const end = text.indexOf('\n## ', start + 1)
  return start === -1 ? '' : text.slice(start, end === -1 ? undefined : end)
}

/** The cells of each table row whose first cell begins so. */
function rows (text: string, beginning: string): string[][] {
  const row = new RegExp(`^\\| ${beginning}.*\\|$`)
  return text.split('\n').filter((line) => row.test(line)).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()))
}
