/** What the tools of server.json do. */
export function echo (args) { return args }

export function measure ({ tree }) { return `${JSON.stringify(tree ?? null).length} characters` }

export async function ask ({ question = 'Who are you?' }, context) {
  const { action } = await context.elicit(question, { type: 'object', properties: { name: { type: 'string' } } }, { timeoutMs: 200 })
  return action
}

export async function later ({ word = 'done' }, context) {
  context.progress(1)
  await new Promise((resolve) => setImmediate(resolve))
  return word
}

const oddReason = { message: 1, toString: null }

export async function misbehave ({ how }) {
  switch (how) {
    case 'throw': throw Object.freeze(new Error('x'.repeat(100_000)))
    case 'reject': return await Promise.reject(oddReason)
    case 'null': return null
    case 'function': return () => {}
    case 'cycle': {
      const cycle = {}
      cycle.cycle = cycle
      return cycle
    }
    case 'nonsense': return { content: [{ type: 'text', text: 7 }, 'x', { type: 'image' }], isError: 'no', structuredContent: 3n }
    case 'large': return 'x'.repeat(2_000_000)
  }
}

export function page (_args, context) { return `The page ${context.metadata.uri}` }
