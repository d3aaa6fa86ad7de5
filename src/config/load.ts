import { readFile, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Config } from '../../schemas/config/index.ts'
import { isObject } from '../core/json-rpc.ts'
import { createRedactor, type Redactor } from '../core/redaction.ts'
import { maxFileBytes } from './bounds.ts'
import { applyEnvironment, isSet, readEnvironment, unavailableVariableNotices, unclearDatabaseNotices } from './environment.ts'
import { describeValue, pathKey, quote, type Fault, type Notice, type Path, type Place } from './fault.ts'
import { nearestPlace, type Locate } from './lines.ts'
import { neededSecrets } from './needed-secrets.ts'
import { normalize } from './normalize.ts'
import { configEndings, parseText } from './parse.ts'
import { resolvePlaceholders } from './placeholders.ts'
import { SecretTexts } from './secret-texts.ts'
import { fetchSecrets, unfetchedSecrets, type FetchedSecrets } from './secrets/fetch.ts'
import { findReferences } from './secrets/reference.ts'
import { checkSemantics } from './semantics.ts'
import { findUnavailable } from './unavailable.ts'
import { validate } from './validate.ts'

export type { Fault, Notice, Path, Place } from './fault.ts'

export interface LoadOptions {
  /** The configuration file. Without it, CONFIG_PATH, then the usual names in the working directory. */
  file?: string | undefined
  env?: NodeJS.ProcessEnv
  cwd?: string
}

/** What a configuration file says. It may be served when `config` is there: then there is no fault. */
export interface LoadedConfig {
  /** Absolute. Empty when no file was found. */
  file: string
  /** The directory of the file. */
  baseDir: string
  /** Complete: placeholders resolved, environment applied, defaults filled in. Undefined when there is any fault. */
  config: Config | undefined
  /** What could be read, for further checks of parts that are sound. May hold secrets. */
  candidate: unknown
  faults: Fault[]
  notices: Notice[]
  /** Where a place is in the file, or its key; for what is not in the file, what would hold it. */
  locate (path: Path, what?: 'value' | 'key'): Place | undefined
  /** Whether a value came from the environment or a secret: it must not be shown. */
  isSecret (path: Path): boolean
  /** The environment that was used, with `.env` in development. */
  env: NodeJS.ProcessEnv
  /** Takes the secrets of the file and of the environment out of what others may read. */
  redactor: Redactor
  /** Takes whatever placeholders brought out of the message of a fault that is found later. */
  redactFault (message: string): string
}

/** The names that are looked for when none is given. */
export const usualNames: readonly string[] = ['gantry.yaml', 'gantry.yml', 'gantry.json', 'config.json']

/**
 * Loads a configuration file and fetches the secrets that it refers to. Never throws for what the file, the environment, the file system or
 * the network holds: that comes back as faults.
 */
export async function loadConfig (options: LoadOptions = {}): Promise<LoadedConfig> {
  const cwd = options.cwd ?? process.cwd()
  const { env, notices } = await readEnvironment(options.env ?? process.env, cwd)
  const file = findFile(options.file, env, cwd)
  if (file === undefined) {
    return unread('', cwd, env, notices, `No configuration file: none is named, and there is no ${usualNames.join(', ')} in the working directory.`, 'Name one, set CONFIG_PATH, or make one with "gantry init".')
  }
  const baseDir = dirname(file)
  const read = await readText(file)
  if ('problem' in read) return unread(file, baseDir, env, notices, read.problem, read.suggestion)
  const { value, faults, locate } = await parseText(read.text, file)
  if (value === undefined && faults.length > 0) return { ...unread(file, baseDir, env, notices, ''), faults, locate }
  const secrets = await fetchSecrets(findReferences(value), env)
  const inspected = inspect(value, { env, baseDir, cwd, locate, faults, secrets })
  return { file, baseDir, env, locate, ...inspected, notices: [...notices, ...inspected.notices] }
}

export interface ObjectOptions {
  /** What placeholders are filled in from, and where Vault and AWS are; nothing unless given. */
  env?: NodeJS.ProcessEnv
  cwd?: string
}

/**
 * Checks a configuration that a program holds, in the same way, at once: for programs that embed Gantry, and for tests. To fetch a secret
 * takes time, so that `${vault:…}` and `${aws:…}` are faults here.
 */
export function configFromObject (value: unknown, options: ObjectOptions = {}): LoadedConfig {
  return fromObject(value, options, unfetchedSecrets({ problem: 'configFromObject does not wait for the network.', suggestion: 'Use loadConfigFromObject, which does.' }))
}

/** The same for a configuration that may refer to secrets of other servers: waits until they are there. */
export async function loadConfigFromObject (value: unknown, options: ObjectOptions = {}): Promise<LoadedConfig> {
  return fromObject(value, options, await fetchSecrets(findReferences(value), options.env ?? {}))
}

function fromObject (value: unknown, { env = {}, cwd = process.cwd() }: ObjectOptions, secrets: FetchedSecrets): LoadedConfig {
  const locate = nowhere()
  return { file: '', baseDir: cwd, env, locate, ...inspect(value, { env, baseDir: cwd, cwd, locate, faults: [], secrets }) }
}

interface Source { env: NodeJS.ProcessEnv, baseDir: string, cwd: string, locate: Locate, faults: readonly Fault[], secrets: FetchedSecrets }

function inspect (value: unknown, { env, baseDir, cwd, locate, faults: unparsed, secrets }: Source): Pick<LoadedConfig, 'config' | 'candidate' | 'faults' | 'notices' | 'isSecret' | 'redactor' | 'redactFault'> {
  const earlier = [...unparsed, ...secrets.faults]
  const resolved = resolvePlaceholders(value, { env, baseDir, cwd, lookUp: secrets.lookUp })
  const candidate = resolved.value
  const secretTexts = new SecretTexts(env, resolved.secrets)
  const isSecret = (path: Path): boolean => resolved.written.has(pathKey(path))
  if (!isObject(candidate)) {
    const fault: Fault = { path: [], message: `Expected an object with the configuration, found ${describeValue(value)}.`, ...locate([]), found: describeValue(value), expected: 'an object' }
    return { config: undefined, candidate, faults: [...earlier, fault], notices: [], isSecret, ...redactorsOf(secretTexts, resolved.texts) }
  }
  const mask = (path: Path): string | undefined => {
    const text = resolved.written.get(pathKey(path))
    return text === undefined ? undefined : `the value of ${quote(text)}`
  }
  const environment = applyEnvironment(candidate, env)
  const decided = new Map(environment.decided.map(({ path, variable }) => [pathKey(path), variable]))
  for (const key of decided.keys()) resolved.written.delete(key)
  const unavailable = findUnavailable(candidate)
  // A place whose placeholder failed is not judged by what stands there instead.
  const unresolved = new Set(resolved.faults.map(({ path }) => pathKey(path)))
  const misfits = validate(candidate, mask, (text, path) => { if (!unresolved.has(pathKey(path))) secretTexts.add(text, path) })
  const semantic = checkSemantics(candidate, { locate, mask, variableOf: (path) => decided.get(pathKey(path)) })
  const needed = neededSecrets(candidate, env)
  const found = [...misfits, ...unavailable, ...semantic.faults, ...needed.faults].filter(({ path }) => !unresolved.has(pathKey(path)))
  const notInFile = new Set([...decided.keys(), ...environment.faults.map(({ path }) => pathKey(path))])
  const faults = [...earlier, ...resolved.faults, ...environment.faults, ...found].map((fault) => {
    return fault.line !== undefined || notInFile.has(pathKey(fault.path)) ? fault : { ...fault, ...locate(fault.path, fault.atKey === true ? 'key' : 'value') }
  })
  normalize(candidate)
  return {
    // The schema of every part was checked above.
    config: faults.length === 0 ? candidate as unknown as Config : undefined,
    candidate,
    faults,
    notices: [...secrets.notices, ...resolved.notices, ...semantic.notices, ...needed.notices, ...unclearDatabaseNotices(env, candidate), ...unavailableVariableNotices(env, resolved.variables)],
    isSecret,
    ...redactorsOf(secretTexts, resolved.texts)
  }
}

function redactorsOf (secrets: Iterable<string>, brought: Iterable<string> = []): Pick<LoadedConfig, 'redactor' | 'redactFault'> {
  return { redactor: createRedactor(secrets), redactFault: createRedactor([...secrets, ...brought]).text }
}

function findFile (named: string | undefined, env: NodeJS.ProcessEnv, cwd: string): string | undefined {
  const given = isSet(named) ? named : env['CONFIG_PATH']
  if (isSet(given)) return resolve(cwd, given)
  return usualNames.map((name) => resolve(cwd, name)).find((path) => existsSync(path))
}

type ReadText = { text: string } | { problem: string, suggestion?: string }

async function readText (file: string): Promise<ReadText> {
  try {
    // Asked before it is opened: opening a pipe would wait for its writer.
    const stats = await stat(file)
    if (stats.isDirectory()) return { problem: 'This is a directory, not a configuration file.', suggestion: `Name a file in it that ends in ${configEndings.join(', ')}.` }
    if (!stats.isFile()) return { problem: 'This is not a regular file.' }
    if (stats.size > maxFileBytes) return { problem: `This file is larger than ${maxFileBytes} bytes, which no configuration needs.` }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)) }
  } catch (error) {
    return { problem: readProblem(error) }
  }
}

function readProblem (error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR': return 'There is no such file.'
    case 'EACCES':
    case 'EPERM': return 'This file may not be read by this user.'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA': return 'This file is not UTF-8 text.'
    default: return `This file cannot be read${typeof code === 'string' ? ` (${code})` : ''}.`
  }
}

function unread (file: string, baseDir: string, env: NodeJS.ProcessEnv, notices: Notice[], message: string, suggestion?: string): LoadedConfig {
  const faults: Fault[] = [{ path: [], message, ...(suggestion === undefined ? {} : { suggestion }) }]
  return { file, baseDir, config: undefined, candidate: undefined, faults, notices, locate: nowhere(), isSecret: () => false, env, ...redactorsOf(new SecretTexts(env)) }
}

function nowhere (): Locate {
  return nearestPlace('', () => undefined)
}
