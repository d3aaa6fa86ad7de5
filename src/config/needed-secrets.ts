import { isSet } from './environment.ts'
import { elements, member, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import type { Findings } from './semantics.ts'

interface Need { variable: string, path: Path, why: string, always: boolean }

/**
 * The secrets that something in the configuration needs and the environment lacks. In production that stops the start; elsewhere one is made
 * for the process, unless nothing could work with it.
 */
export function neededSecrets (config: unknown, env: NodeJS.ProcessEnv): Findings {
  const faults: Fault[] = []
  const notices: Notice[] = []
  for (const { variable, path, why, always } of needsOf(config)) {
    if (isSet(env[variable])) continue
    if (always || env['NODE_ENV'] === 'production') faults.push({ path, message: `${variable} is not set, and ${why}.`, suggestion: `Set ${variable} to a long random text, the same for all instances: "openssl rand -base64 32" prints one.`, atKey: true })
    else notices.push({ path, message: `${variable} is not set, and ${why}: one was made for this process. In production the start would stop here.` })
  }
  return { faults, notices }
}

function needsOf (config: unknown): Need[] {
  const needs: Need[] = []
  const keysPath: Path = ['security', 'authentication', 'apiKeys']
  const keys = elements(valueAt(config, keysPath))
  if (keys.length > 0) {
    const hashed = keys.findIndex((key) => member(key, 'keyHash') !== undefined)
    needs.push(hashed === -1
      ? { variable: 'API_KEY_SALT', path: keysPath, why: 'the digests of API keys are made with it', always: false }
      : { variable: 'API_KEY_SALT', path: [...keysPath, hashed, 'keyHash'], why: 'a "keyHash" only fits under the salt it was made with', always: true })
  }
  if (member(config, 'redis') !== undefined) needs.push({ variable: 'SESSION_SECRET', path: ['redis'], why: 'instances that share a Redis sign with it what clients bring back', always: false })
  return needs
}
