import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Door, type Outcome, type Progress } from '../doors/door.ts'
import { root } from '../../helpers/server.ts'
import { anywhere, both, dropsLateProgress, everywhere, failed, overRest, overStdio, type Promised, said, structured, toolsOnly } from './promise.ts'

const elsewhere = (outcome: unknown): Promised['cases'] => [toolsOnly, [anywhere, outcome]]
const names = (outcome: Outcome, key: string): unknown => 'result' in outcome ? JSON.stringify(outcome.result).match(new RegExp(`(?<="${key}":")[^"]+`, 'g')) : outcome
const user = (text: string): object => ({ role: 'user', content: { type: 'text', text } })
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"\\]*/g

/** What config/example.json promises: every tool, prompt, resource and template in it. */
export const example: readonly Promised[] = [
  { title: 'its tools', act: async (door) => names(await door.list('tools'), 'name'), cases: everywhere(['add', 'count-words', 'count-down', 'convert-temperature', 'server-status', 'time', 'echo']) },
  { title: 'add', act: (door) => door.call('add', { a: 0.5, b: 2 }), cases: structured({ sum: 2.5 }) },
  { title: 'count-words, in TypeScript', act: (door) => door.call('count-words', { text: 'One two. Three!' }), cases: structured({ words: 3, sentences: 2, characters: 15 }) },
  {
    title: 'count-down',
    act: async (door) => {
      const seen: Progress[] = []
      const outcome = await door.call('count-down', { from: 2, intervalMs: 1 }, { onProgress: (progress) => { seen.push(progress) } })
      return { outcome, seen: dropsLateProgress(door.traits) ? 'some' : seen.map(({ progress, total }) => `${progress} of ${total}`) }
    },
    cases: [
      [overRest, { outcome: said('Counted down from 2.'), seen: [] }],
      [dropsLateProgress, { outcome: said('Counted down from 2.'), seen: 'some' }],
      [anywhere, { outcome: said('Counted down from 2.'), seen: ['0 of 2', '1 of 2', '2 of 2'] }]
    ]
  },
  { title: 'convert-temperature', act: (door) => door.call('convert-temperature', { value: 100, from: 'celsius', to: 'fahrenheit' }), cases: structured({ value: 212, unit: 'fahrenheit' }) },
  { title: 'convert-temperature below zero', act: (door) => door.call('convert-temperature', { value: -1, from: 'kelvin', to: 'celsius' }), cases: failed('-1 kelvin is below absolute zero.', 500, 'MCP_TOOL_FAILED') },
  {
    title: 'server-status, which needs a server that listens',
    act: async (door) => change(await door.call('server-status'), /(?<=uptimeSeconds\\?":)\d+|(?<=127\.0\.0\.1:)\d+/g, '7'),
    cases: [
      ...failed('server-status: GET http://127.0.0.1:7 failed (2 attempts): the connection was refused.', 500, 'MCP_TOOL_FAILED').map(([where, outcome]) => [both(where, overStdio), outcome] as const),
      ...structured({ status: 'healthy', uptimeSeconds: 7 })
    ]
  },
  { title: 'time', act: async (door) => change(await door.call('time', { timeZone: 'Asia/Tokyo' }), time, 'now'), cases: structured({ time: 'now', timeZone: 'Asia/Tokyo' }) },
  { title: 'echo', act: (door) => door.call('echo', { any: ['thing'] }), cases: structured({ any: ['thing'] }) },

  { title: 'its prompts', act: async (door) => isRest(door) ? door.list('prompts') : names(await door.list('prompts'), 'title'), cases: elsewhere(['Explain something', 'Review code']) },
  {
    title: 'explain',
    act: (door) => door.prompt('explain', { topic: 'tides', reader: 'child', remark: 'Be brief.' }),
    cases: elsewhere({ result: { description: 'Asks for an explanation that fits its reader.', messages: [user('Explain tides so that a child understands it. Be brief.')] } })
  },
  {
    title: 'review-code',
    act: (door) => door.prompt('review-code', { code: 'let a', language: 'rust' }),
    cases: elsewhere({
      result: {
        description: 'Asks for a review of a piece of code.',
        messages: [
          user('Review this rust code. Name each fault with its line, and say how to mend it.'),
          { role: 'assistant', content: { type: 'text', text: 'Gladly. Show me the code.' } },
          user('let a')
        ]
      }
    })
  },
  { title: 'completion of a reader', act: (door) => door.complete({ type: 'ref/prompt', name: 'explain' }, 'reader', 'e'), cases: elsewhere({ result: { completion: { values: ['expert'], total: 1, hasMore: false } } }) },
  { title: 'completion of a language', act: (door) => door.complete({ type: 'ref/resource', uri: 'greeting://{language}' }, 'language', ''), cases: elsewhere({ result: { completion: { values: ['de', 'en', 'fr', 'ja'], total: 4, hasMore: false } } }) },

  { title: 'its resources', act: async (door) => isRest(door) ? door.list('resources') : names(await door.list('resources'), 'uri'), cases: elsewhere(['example://welcome', 'example://units', 'example://icon', 'docs://errors', 'clock://now']) },
  { title: 'its templates', act: async (door) => isRest(door) ? door.list('resourceTemplates') : names(await door.list('resourceTemplates'), 'uriTemplate'), cases: elsewhere(['greeting://{language}', 'units://{quantity}']) },
  { title: 'example://welcome', act: (door) => door.read('example://welcome'), cases: elsewhere(contents('example://welcome', 'text/plain', 'Welcome. This server shows what one configuration file can do.')) },
  { title: 'example://units', act: (door) => door.read('example://units'), cases: elsewhere(contents('example://units', 'application/json', '{"temperature":["celsius","fahrenheit","kelvin"]}')) },
  {
    title: 'example://icon',
    act: (door) => door.read('example://icon'),
    cases: elsewhere({ result: { contents: [{ uri: 'example://icon', mimeType: 'image/png', blob: 'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQAQAAAAA3iMLMAAAAGUlEQVR42mP4/p8BghgYGL5/R0X/URAYAACXbRlXzTd3SwAAAABJRU5ErkJggg==' }] } })
  },
  { title: 'docs://errors', act: (door) => door.read('docs://errors'), cases: elsewhere(contents('docs://errors', 'text/markdown', readFileSync(join(root, 'docs/errors.md'), 'utf8'))) },
  { title: 'clock://now', act: async (door) => change(await door.read('clock://now'), time, 'now'), cases: elsewhere(contents('clock://now', 'application/json', '{"time":"now","timeZone":"UTC"}')) },
  { title: 'greeting://ja', act: (door) => door.read('greeting://ja'), cases: elsewhere(contents('greeting://ja', 'text/plain', 'こんにちは。')) },
  { title: 'units://temperature', act: (door) => door.read('units://temperature'), cases: elsewhere(contents('units://temperature', 'text/plain', 'This server converts units of temperature.')) }
]

function contents (uri: string, mimeType: string, text: string): object {
  return { result: { contents: [{ uri, mimeType, text }] } }
}

/** The outcome without what differs each time. */
function change (outcome: Outcome, differing: RegExp, replacement: string): unknown {
  return JSON.parse(JSON.stringify(outcome).replace(differing, replacement))
}

const isRest = ({ traits }: Door): boolean => overRest(traits)
