import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { isObject } from '../core/json-rpc.ts'
import { environmentTable } from './environment-table.ts'
import { describeValue, member, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { fromText } from './scalar-text.ts'
import { schemaAt } from './schema-node.ts'
import { closestWord } from './suggestion.ts'
import { unavailableVariables } from './unavailable.ts'
import { validateValue } from './validate.ts'

type Place = readonly [string, ...string[]]

/** The environment, with what `.env` of the working directory adds in development. */
export async function readEnvironment (env: NodeJS.ProcessEnv, cwd: string): Promise<{ env: NodeJS.ProcessEnv, notices: Notice[] }> {
  if (isSet(env['NODE_ENV']) && env['NODE_ENV'] !== 'development') return { env, notices: modeNotices(env) }
  try {
    const merged = { ...parseEnv(await readFile(join(cwd, '.env'), 'utf8')), ...env }
    return { env: merged, notices: modeNotices(merged) }
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { env, notices: absent ? modeNotices(env) : [{ message: 'The file .env in the working directory cannot be read; it has no effect.' }] }
  }
}

/** A mode that was misspelt would be taken for development, with its laxer rules. */
function modeNotices ({ NODE_ENV: mode }: NodeJS.ProcessEnv): Notice[] {
  if (!isSet(mode) || mode === 'test' || mode === 'staging') return []
  const meant = closestWord(mode, ['production', 'development']) ?? ({ prod: 'production', dev: 'development' }[mode.toLowerCase()])
  return meant === undefined || meant === mode ? [] : [{ message: `NODE_ENV is ${JSON.stringify(mode)}, which means nothing here. Did you mean "${meant}"?` }]
}

/** Puts what the environment says into the configuration. Returns the variable of each place that it decided, by its name. */
export function applyEnvironment (config: { [key: string]: unknown }, env: NodeJS.ProcessEnv): { faults: Fault[], decided: { path: Path, variable: string }[] } {
  const faults: Fault[] = []
  const decided: { path: Path, variable: string }[] = []
  for (const { variable, path: declared, completes = false } of environmentTable) {
    const text = env[variable]
    const path = placeOf(declared, config)
    if (!isSet(text) || path === undefined || (completes && valueAt(config, path.slice(0, -1)) === undefined)) continue
    const schema = schemaAt(path, config)
    if (schema === undefined) throw new Error(`${variable} is said to set ${path.join('.')}, which the schema does not have`)
    const value = fromText(text, schema)
    const [fault] = validateValue(value ?? text, schema, path)
    if (fault === undefined) {
      if (assign(config, path, value)) decided.push({ path, variable })
    } else {
      const found = schema.secret === true ? 'a value that is not shown' : describeValue(text)
      faults.push({ path, message: `The environment variable ${variable} does not fit: expected ${fault.expected ?? 'another value'}, found ${found}.`, found, ...(fault.expected === undefined ? {} : { expected: fault.expected }), ...(fault.suggestion === undefined ? {} : { suggestion: fault.suggestion }) })
    }
  }
  return { faults, decided }
}

/** The place that a path with `*` means; undefined where that cannot be told. */
function placeOf (path: Place, config: unknown): Place | undefined {
  const database = path.includes('*') ? meantDatabase(config) : ''
  return database === undefined ? undefined : path.map((step) => step === '*' ? database : step) as [string, ...string[]]
}

/** The database that variables mean: the one called `default`, or the only one. Undefined where there are several others. */
function meantDatabase (config: unknown): string | undefined {
  const databases = member(config, 'databases')
  const names = isObject(databases) ? Object.keys(databases) : []
  return names.length === 0 || names.includes('default') ? 'default' : names.length === 1 ? names[0] : undefined
}

/** Whether it could be assigned: a section that is no object is a fault of the file. */
function assign (config: { [key: string]: unknown }, [first, ...rest]: Place, value: unknown): boolean {
  const [next, ...others] = rest
  if (next === undefined) {
    config[first] = value
    return true
  }
  const section = Object.hasOwn(config, first) ? config[first] : (config[first] = {})
  return isObject(section) && assign(section, [next, ...others], value)
}

/** Says of each variable whose feature is missing that it has no effect, but for those that the file asks for. */
export function unavailableVariableNotices (env: NodeJS.ProcessEnv, asked: ReadonlySet<string>): Notice[] {
  return Object.keys(env).sort().flatMap((name) => {
    const entry = unavailableVariables.find((each) => each.name.endsWith('*') ? name.startsWith(each.name.slice(0, -1)) : each.name === name)
    if (entry === undefined || asked.has(name) || !isSet(env[name])) return []
    return [{ message: `${name} is set, but ${entry.feature} is not available in this version; it has no effect.` }]
  })
}

/** Says of each variable for a database that it has no effect when nobody can tell which database is meant. */
export function unclearDatabaseNotices (env: NodeJS.ProcessEnv, config: unknown): Notice[] {
  if (meantDatabase(config) !== undefined) return []
  return environmentTable.filter(({ variable, path }) => path.includes('*') && isSet(env[variable])).map(({ variable }) => {
    return { message: `${variable} is set, but there are several databases and none is called "default"; it has no effect.` }
  })
}

export function isSet (value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
