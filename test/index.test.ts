import { Type } from '@sinclair/typebox'
import t from 'tap'
import * as gantry from '../src/index.ts'
import { buildApp, configFromObject, defineTool, ToolCallError, type Config, type DefinedTool, type HandlerContext, type ToolHandler } from '../src/index.ts'

t.test('these names, and no others, are what programs may import', async (t) => {
  t.strictSame(Object.keys(gantry).sort(), [
    'ArgumentsInvalidError',
    'CancelledError',
    'EntryFaultsError',
    'GantryError',
    'HandlerLoadError',
    'NotAvailableError',
    'ResourceUnknownError',
    'ToolCallError',
    'ToolFailedError',
    'ToolTimeoutError',
    'buildApp',
    'configFromObject',
    'defineTool',
    'formatFaults',
    'loadConfig',
    'loadConfigFromObject',
    'validateConfig'
  ])
})

t.test('a program serves tools of its own, and functions for its configuration, with these names alone', async (t) => {
  const multiply: DefinedTool = defineTool({
    name: 'multiply',
    input: Type.Object({ a: Type.Number(), b: Type.Number() }),
    output: Type.Object({ product: Type.Number() }),
    handler: ({ a, b }, context: HandlerContext) => {
      if (a === 0) throw new ToolCallError('SHOP_ZERO', 409, -32603, `${context.metadata.toolName} does not like zero.`)
      return { product: a * b }
    }
  })
  const shout: ToolHandler = ({ text }) => String(text).toUpperCase()
  const app = await buildApp({
    config: configOf({ tools: [{ name: 'shout', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'my.shout' } }] }),
    baseDir: t.testdir(),
    tools: [multiply],
    handlers: new Map([['my.shout', shout]])
  })
  t.teardown(() => app.close())

  const call = async (name: string, payload: object): Promise<unknown> => (await app.inject({ method: 'POST', url: `/tools/${name}`, payload })).json()
  t.match(await call('multiply', { a: 6, b: 7 }), { structuredContent: { product: 42 } })
  t.match(await call('shout', { text: 'hey' }), { content: [{ text: 'HEY' }] })
  t.match(await call('multiply', { a: 0, b: 7 }), { status: 409, code: 'SHOP_ZERO', detail: 'multiply does not like zero.' })
})

function configOf (value: object): Config {
  const { config, faults } = configFromObject(value)
  if (config === undefined) throw new Error(gantry.formatFaults(faults, 'configuration'))
  return config
}
