import { isObject } from '../core/json-rpc.ts'
import { elements, member, valueAt } from './fault.ts'

/** Brings older and shorter ways of writing into the one form that the rest of Gantry reads, in place. What does not fit its schema stays as it is. */
export function normalize (config: unknown): void {
  flatRateLimit(valueAt(config, ['security', 'rateLimit']))
  for (const prompt of elements(member(config, 'prompts'))) elements(member(prompt, 'messages')).forEach(textMessage)
}

/** `{ window, maxRequests }` means `global`. */
function flatRateLimit (section: unknown): void {
  if (!isObject(section) || section['window'] === undefined || section['global'] !== undefined) return
  const { window, maxRequests } = section
  section['global'] = { window, maxRequests }
  delete section['window']
  delete section['maxRequests']
}

/** `"content": "…"` means one text block. */
function textMessage (message: unknown): void {
  if (isObject(message) && typeof message['content'] === 'string') message['content'] = { type: 'text', text: message['content'] }
}
