import { Type, type Static } from '@sinclair/typebox'
import { Handler } from './handler.ts'
import { ContentBlock, Icon, Meta, type PromptMessage } from './mcp.ts'
import { closedObject, definition, described, flag, milliseconds, oneOfWords, shortName, text } from './primitives.ts'

/** A prompt of the configuration file. */

const reloadable = true

export const PromptArgumentConfig = definition('PromptArgument', closedObject({
  name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$', expects: '1 to 128 letters, digits, "_", "." or "-"', description: 'The name; `{{name}}` in the text stands for the value.', reloadable }),
  title: Type.Optional(text({ description: 'A name for people.', reloadable })),
  description: Type.Optional(text({ description: 'What to fill in.', reloadable })),
  required: flag({ default: false, description: 'Without it, the prompt is refused. An optional one that is absent is the empty string.', reloadable }),
  enum: Type.Optional(Type.Array(Type.String(), { minItems: 1, uniqueItems: true, description: 'The only values allowed; also offered for completion.', reloadable })),
  complete: Type.Optional(Type.Array(Type.String(), { minItems: 1, uniqueItems: true, description: 'Values offered for completion; others are allowed too.', reloadable }))
}))
export type PromptArgumentConfig = Static<typeof PromptArgumentConfig>

const message = closedObject({
  role: oneOfWords(['user', 'assistant'], { description: 'Who speaks.', reloadable }),
  content: Type.Unsafe<ContentBlock>({
    anyOf: [Type.String(), ContentBlock],
    description: 'A text, or one content block. Text may hold `{{name}}`.',
    reloadable
  })
})

export const PromptConfig = definition('Prompt', closedObject({
  name: shortName({ description: 'The name that clients use, unique in the file.', reloadable }),
  title: Type.Optional(text({ description: 'A name for people.', reloadable })),
  description: Type.Optional(text({ description: 'What the prompt is for.', reloadable })),
  arguments: Type.Array(PromptArgumentConfig, { default: [], description: 'What the user fills in.', reloadable }),
  template: Type.Optional(text({ description: 'The text of one user message. `{{name}}` stands for an argument.', reloadable })),
  messages: Type.Optional(Type.Unsafe<PromptMessage[]>(Type.Array(message, { minItems: 1, description: 'Several messages, with the same placeholders.', reloadable }))),
  handler: Type.Optional(described(Handler, { description: 'A function that makes the messages.', reloadable })),
  timeout: Type.Optional(milliseconds({ description: 'How long the handler may take. Without it, `server.requestTimeout`.', reloadable })),
  icons: Type.Optional(Type.Array(Icon, { description: 'Images that clients may show.', reloadable })),
  _meta: Type.Optional(described(Meta, { description: 'Passed to clients unchanged.', reloadable }))
}, { exactlyOne: [['template', 'messages', 'handler']] }))
export type PromptConfig = Static<typeof PromptConfig>
