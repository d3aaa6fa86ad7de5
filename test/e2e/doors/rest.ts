import { type Door, type OpenDoor, type Outcome, type Traits } from './door.ts'

const toolsOnly: Outcome = { impossible: 'REST serves tools' }

/** Any program that speaks HTTP and JSON, and has never heard of MCP. */
export function rest (traits: Traits): OpenDoor {
  return async (_t, { server }) => {
    const origin = server?.origin ?? ''
    const door: Door = {
      traits,
      logs: [],
      last: {},
      async call (tool, args, { signal } = {}) {
        try {
          const init = { method: 'POST', ...(args !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) }) }
          return await outcomeOf(await fetch(`${origin}/tools/${tool}`, { ...init, ...(signal !== undefined && { signal }) }))
        } catch (error) {
          if (signal?.aborted === true) return { cancelled: true }
          throw error
        }
      },
      async list (kind, cursor) {
        if (kind !== 'tools') return toolsOnly
        return cursor === undefined ? await outcomeOf(await fetch(`${origin}/tools`)) : { impossible: 'GET /tools has no pages' }
      },
      prompt: async () => toolsOnly,
      read: async () => toolsOnly,
      complete: async () => toolsOnly,
      setLogLevel: async () => toolsOnly,
      request: async () => toolsOnly,
      introduction: () => ({ name: undefined, version: undefined, instructions: undefined, capabilities: [], revision: undefined }),
      close: async () => {}
    }
    return door
  }
}

async function outcomeOf (response: Response): Promise<Outcome> {
  const body: unknown = await response.json()
  if (response.ok) return { result: body }
  const { code, detail, errors } = body as { code: string, detail: string, errors?: unknown }
  return { problem: { status: response.status, code, detail, ...(errors !== undefined && { errors }) } }
}
