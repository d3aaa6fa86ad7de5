const form = (properties, required = Object.keys(properties)) => ({ type: 'object', properties, required })
const text = (answer) => answer.content?.text ?? JSON.stringify(answer.content)

export async function sampling ({ prompt }, context) {
  const answer = await context.sample([{ role: 'user', content: { type: 'text', text: prompt } }], { maxTokens: 100 })
  return `LLM response: ${text(answer)}`
}

export async function elicitation ({ message }, context) {
  const answer = await context.elicit(message, form({
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" }
  }))
  return `User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`
}

export async function defaults (_args, context) {
  const answer = await context.elicit('Please review and update the form fields with defaults', form({
    name: { type: 'string', description: 'User name', default: 'John Doe' },
    age: { type: 'integer', description: 'User age', default: 30 },
    score: { type: 'number', description: 'User score', default: 95.5 },
    status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', description: 'Verification status', default: true }
  }, []))
  return `Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`
}

const titled = ['value1', 'value2', 'value3'].map((value, index) => ({ const: value, title: `${['First', 'Second', 'Third'][index]} Option` }))

export async function enums (_args, context) {
  const answer = await context.elicit('Please select options from the enum fields', form({
    untitledSingle: { type: 'string', description: 'Select one option', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', description: 'Select one option with titles', oneOf: titled },
    legacyEnum: { type: 'string', description: 'Select one option (legacy)', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
    untitledMulti: { type: 'array', description: 'Select multiple options', minItems: 1, maxItems: 3, items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', description: 'Select multiple options with titles', minItems: 1, maxItems: 3, items: { anyOf: titled } }
  }, []))
  return `Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`
}

export async function userName (_args, context) {
  const answer = await context.elicit('What is your name?', form({ name: { type: 'string' } }), { key: 'user_name' })
  return `Hello, ${answer.content?.name ?? 'stranger'}!`
}

export async function capital (_args, context) {
  const answer = await context.sample([{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }], { maxTokens: 100 }, { key: 'capital_question' })
  return text(answer)
}

export async function listRoots (_args, context) {
  const roots = await context.roots({ key: 'client_roots' })
  return roots.map(({ uri }) => uri).join('\n')
}

export async function requestState (_args, context) {
  const answer = await context.elicit('Please confirm', form({ ok: { type: 'boolean' } }), { key: 'confirm' })
  return `state-ok: ${JSON.stringify(answer.content ?? {})}`
}

export async function multipleInputs (_args, context) {
  const [name, greeting, roots] = await Promise.all([
    context.elicit('What is your name?', form({ name: { type: 'string' } }), { key: 'user_name' }),
    context.sample([{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }], { maxTokens: 50 }, { key: 'greeting' }),
    context.roots({ key: 'client_roots' })
  ])
  return `${name.content?.name}: ${text(greeting)} (${roots.length} roots)`
}

export async function multiRound (_args, context) {
  const first = await context.elicit('Step 1: What is your name?', form({ name: { type: 'string' } }), { key: 'step1' })
  const second = await context.elicit('Step 2: What is your favorite color?', form({ color: { type: 'string' } }), { key: 'step2' })
  return `${first.content?.name} likes ${second.content?.color}.`
}

export async function promptWithInput (_args, context) {
  const answer = await context.elicit('What context should the prompt use?', form({ context: { type: 'string' } }), { key: 'user_context' })
  return `Use this context: ${answer.content?.context}`
}

/** Asks only for what this client said it can answer. */
export async function capabilities (_args, context) {
  const tries = [
    () => context.sample([{ role: 'user', content: { type: 'text', text: 'Say hello.' } }], { maxTokens: 50 }, { key: 'sample' }),
    () => context.elicit('What is your name?', form({ name: { type: 'string' } }), { key: 'name' })
  ]
  for (const ask of tries) {
    try {
      await ask()
    } catch (error) {
      if (error.code !== 'MCP_MISSING_CAPABILITY') throw error
    }
  }
  return 'Asked for what the client can do.'
}

export async function missingCapability (_args, context) {
  return text(await context.sample([{ role: 'user', content: { type: 'text', text: 'Hello' } }]))
}

export async function streamingElicitation (_args, context) {
  context.progress(1, 2)
  return 'Done.'
}
