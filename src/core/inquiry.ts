import { randomUUID } from 'node:crypto'
import { NotAvailableError } from './call-errors.ts'
import { InvalidParamsError, MissingCapabilityError } from './errors.ts'
import { formFault } from './form-schema.ts'
import { isObject } from './json-rpc.ts'
import { compileCheck, SchemaFaultError, type Check } from './validation.ts'
import { isModern, supportsElicitation, supportsSamplingContext, supportsUrlElicitation, type Revision } from './versions.ts'
import type { JsonObject } from './ports.ts'

/**
 * What a server may ask of a client: to let the user fill in a form, to let its model answer, to name its roots.
 * MCP 2026-07-28 client/elicitation, client/sampling, client/roots.
 */
export interface Inquiry {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params: JsonObject
}

/** The mode is named since there is more than one. */
export function formInquiry (message: string, requestedSchema: JsonObject, revision: Revision): Inquiry {
  return { method: 'elicitation/create', params: { ...(supportsUrlElicitation(revision) && { mode: 'form' }), message, requestedSchema } }
}

/** In the 2026 era the key of the question names it; before, it has an id of its own. */
export function urlInquiry (message: string, url: string, revision: Revision): Inquiry {
  return { method: 'elicitation/create', params: { mode: 'url', message, url, ...(!isModern(revision) && { elicitationId: randomUUID() }) } }
}

export function samplingInquiry (messages: readonly unknown[], options: JsonObject): Inquiry {
  return { method: 'sampling/createMessage', params: { maxTokens: 1_000, ...options, messages } }
}

export const rootsInquiry: Inquiry = { method: 'roots/list', params: {} }

/** A question as it travels. Throws TypeError, for whoever wrote the handler, when it is none that a client could be asked. */
export function writeInquiry (inquiry: Inquiry): Inquiry {
  const { method, params } = copyOf(inquiry)
  if (method === 'sampling/createMessage' && !Array.isArray(params['messages'])) throw new TypeError('What a model is asked must be a list of messages.')
  if (method === 'elicitation/create') {
    if (typeof params['message'] !== 'string') throw new TypeError('The message that goes with a question to the user must be a text.')
    if (params['mode'] === 'url') requireUrl(params['url'])
    else requireForm(params['requestedSchema'])
  }
  return { method, params }
}

function copyOf (inquiry: Inquiry): Inquiry {
  try {
    return JSON.parse(JSON.stringify(inquiry)) as Inquiry // of the same shape: what JSON leaves out was nothing
  } catch (error) {
    throw new TypeError(`A question to the client (${inquiry.method}) cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function requireUrl (url: unknown): void {
  if (typeof url !== 'string' || !URL.canParse(url)) throw new TypeError('The address of the page that the user is asked to visit is no URL.')
}

function requireForm (schema: unknown): void {
  const fault = formFault(schema)
  if (fault !== undefined) throw new TypeError(`The schema of a form is not valid: ${fault}.`)
  checkFor(schema as JsonObject)
}

/** Throws MissingCapabilityError when the client did not declare what the inquiry needs. */
export function requireCapability ({ method, params }: Inquiry, capabilities: JsonObject, revision: Revision): void {
  switch (method) {
    case 'roots/list': return need('roots', capabilities['roots'])
    case 'sampling/createMessage': {
      const { sampling } = capabilities
      need('sampling', sampling)
      const { tools, toolChoice, includeContext = 'none' } = params
      if (tools !== undefined || toolChoice !== undefined) needOf('sampling', sampling, 'tools')
      if (includeContext !== 'none' && supportsSamplingContext(revision)) needOf('sampling', sampling, 'context')
      return
    }
    case 'elicitation/create': {
      const { elicitation } = capabilities
      need('elicitation', elicitation)
      // An empty object means the form mode, which was all there was at first.
      const mode = params['mode'] === 'url' ? 'url' : 'form'
      if (mode === 'url' || elicitation['url'] !== undefined) needOf('elicitation', elicitation, mode)
    }
  }
}

function need (name: string, declared: unknown): asserts declared is JsonObject {
  if (!isObject(declared)) throw new MissingCapabilityError(name, { [name]: {} })
}

function needOf (name: string, declared: JsonObject, part: string): void {
  if (!isObject(declared[part])) throw new MissingCapabilityError(`${name}.${part}`, { [name]: { [part]: {} } })
}

/** Before 2026 there is no error of its own for a missing capability: the tool says what it lacks. Throws NotAvailableError. */
export function requireLegacyCapability (inquiry: Inquiry, capabilities: JsonObject, revision: Revision): void {
  const tooOld = inquiry.method === 'elicitation/create' && !(inquiry.params['mode'] === 'url' ? supportsUrlElicitation(revision) : supportsElicitation(revision))
  if (tooOld) throw new NotAvailableError(inquiry.method, `revision ${revision} does not have it.`)
  try {
    requireCapability(inquiry, capabilities, revision)
  } catch (error) {
    if (error instanceof MissingCapabilityError) throw new NotAvailableError(inquiry.method, `the client did not declare the capability that it needs (${error.capability}).`)
    throw error
  }
}

/** Reads the client's answer to an inquiry. Throws InvalidParamsError when it is none. */
export function readAnswer (key: string, { method, params }: Inquiry, answer: unknown): unknown {
  const wrong = (why: string): InvalidParamsError => new InvalidParamsError(`The answer to ${JSON.stringify(key)} (${method}) ${why}.`)
  if (!isObject(answer)) throw wrong('must be an object')
  switch (method) {
    case 'roots/list': {
      const { roots } = answer
      if (!Array.isArray(roots) || !roots.every((root) => isObject(root) && typeof root['uri'] === 'string')) throw wrong('must have roots, each with a uri')
      return roots
    }
    case 'sampling/createMessage':
      if (typeof answer['role'] !== 'string' || !(isObject(answer['content']) || Array.isArray(answer['content'])) || typeof answer['model'] !== 'string') throw wrong('must have a role, a content and a model')
      return answer
    case 'elicitation/create': {
      const { action, content = {} } = answer
      if (action !== 'accept' && action !== 'decline' && action !== 'cancel') throw wrong('must have the action accept, decline or cancel')
      if (action !== 'accept' || params['mode'] === 'url') return { action }
      if (!isObject(content)) throw wrong('must have a content that is an object')
      const mismatches = checkFor(params['requestedSchema'] as JsonObject)(content)
      if (mismatches !== undefined) throw wrong(`does not fit the form: ${mismatches.map(({ path, message }) => `${path === '' ? 'the content' : path} ${message}`).join('; ')}`)
      return { action, content }
    }
  }
}

/** Handlers ask with the same few forms again and again. */
const checks = new Map<string, Check>()
const maxChecks = 200

function checkFor (schema: JsonObject): Check {
  const key = JSON.stringify(schema)
  let check = checks.get(key)
  if (check === undefined) {
    try {
      check = compileCheck(schema, { defaults: true })
    } catch (error) {
      if (error instanceof SchemaFaultError) throw new TypeError(`The schema of a form is not valid: ${error.message}`, { cause: error })
      throw error
    }
    if (checks.size >= maxChecks) checks.clear()
    checks.set(key, check)
  }
  return check
}
