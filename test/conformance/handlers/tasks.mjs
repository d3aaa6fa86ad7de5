import { setTimeout as pause } from 'node:timers/promises'

const form = (properties) => ({ type: 'object', properties, required: Object.keys(properties) })
const confirmation = (message, context) => context.elicit(message, form({ confirm: { type: 'boolean' } }), { key: 'confirm' })

export const greet = ({ name }) => `Hello, ${name}!`

export async function slowCompute ({ seconds, label = 'work' }, context) {
  await pause(seconds * 1000, undefined, { signal: context.signal })
  return `${label} took ${seconds} seconds.`
}

export async function failingJob () {
  await pause(1000)
  throw new Error('This job always fails.')
}

/** Asks for what the client did not declare, which no result can say. */
export async function protocolErrorJob (_args, context) {
  await pause(100)
  return await context.roots()
}

export async function confirmDelete ({ filename }, context) {
  const { action, content } = await confirmation(`Delete ${filename}?`, context)
  return action === 'accept' && content.confirm ? `Deleted ${filename}.` : `Kept ${filename}.`
}

export async function multiInput (_args, context) {
  const answers = await Promise.all(['first', 'second'].map((key) => context.elicit(`The ${key} name?`, form({ name: { type: 'string' } }), { key })))
  return answers.map(({ content }) => content?.name).join(' and ')
}

/** Asks before there is a task, and works in it. */
export async function askThenWork (_args, context) {
  const { content } = await context.elicit('What is your name?', form({ name: { type: 'string' } }), { key: 'user_name' })
  await context.startTask()
  await pause(50, undefined, { signal: context.signal })
  return `Hello, ${content?.name}!`
}
