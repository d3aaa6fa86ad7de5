import type { Door, LogLevel, LogMessage, Outcome, Progress } from '../doors/door.ts'
import { anywhere, before, both, dropsLateProgress, everywhere, keepsNothing, legacy, modern, overRest, plain, type Promised, said, sdk2, toolsOnly } from './promise.ts'

/** What the tool "chat" sends from the level "info" on. */
const fromInfo: readonly LogMessage[] = [
  { level: 'info', data: 'A fact.', logger: 'chat' },
  { level: 'warning', data: { what: 'a doubt' } },
  { level: 'error', data: 'A fault.' }
]

/** Where nobody could choose a level: there are no log messages. */
const quiet = both(legacy, keepsNothing)
const noSetLevel = { error: { code: -32601, message: 'Method not found: logging/setLevel' } }

const withMessages: readonly Progress[] = [1, 2, 3].map((progress) => ({ progress, total: 3, message: `Step ${progress}` }))

/** How the second SDK refuses a method that its era does not have, without asking the server. */
export const notInThisEra = (method: string): object => ({
  error: { code: 'METHOD_NOT_SUPPORTED_BY_PROTOCOL_VERSION', message: `Method '${method}' is not supported by the negotiated protocol version (wire era 2026-07-28)` }
})

/** What comes before an answer: progress and log messages. And what makes a server stop before there is one. */
export const reports: readonly Promised[] = [
  {
    title: 'progress comes with every step, for those who ask for it',
    act: async (door) => {
      const seen: Progress[] = []
      const key = overRest(door.traits) ? {} : { key: door.traits.name }
      const outcome = await door.call('steps', { count: 3, ...key }, {
        onProgress (progress) {
          seen.push(progress)
          void door.call('acknowledge', key)
        }
      })
      return { seen, outcome }
    },
    cases: [
      [overRest, { seen: [], outcome: said('3 steps.') }],
      // Without a session, and before its header came, nobody can know of a revision before 2025-03-26.
      [both(keepsNothing, before('2025-03-26')), { seen: withMessages, outcome: said('3 steps.') }],
      [before('2025-03-26'), { seen: [1, 2, 3].map((progress) => ({ progress, total: 3 })), outcome: said('3 steps.') }],
      [anywhere, { seen: withMessages, outcome: said('3 steps.') }]
    ]
  },
  {
    title: 'nobody who did not ask is told of progress',
    act: (door) => door.call('steps', { count: 3 }),
    cases: everywhere(said('3 steps.'))
  },
  {
    title: 'inline code reports too',
    act: async (door) => {
      const seen: Progress[] = []
      const before = door.logs.length
      const outcome = await door.call('inline-reports', {}, { onProgress: (progress) => { seen.push(progress) }, logLevel: 'info' })
      return { seen: dropsLateProgress(door.traits) ? 'some' : seen.map(({ progress }) => progress), logs: door.logs.slice(before), outcome }
    },
    cases: [
      [overRest, { seen: [], logs: [], outcome: said('Reported.') }],
      [quiet, { seen: [1, 2], logs: [], outcome: said('Reported.') }],
      [dropsLateProgress, { seen: 'some', logs: [{ level: 'warning', data: 'From inside.' }], outcome: said('Reported.') }],
      [anywhere, { seen: [1, 2], logs: [{ level: 'warning', data: 'From inside.' }], outcome: said('Reported.') }]
    ]
  },
  {
    title: 'log messages: from "info" on in a session, none unasked otherwise',
    act: (door) => chat(door),
    cases: [[overRest, []], [modern, []], [quiet, []], [anywhere, fromInfo]]
  },
  {
    title: 'a 2026 request names the level that it wants',
    act: (door) => chat(door, 'warning'),
    cases: [[overRest, []], [quiet, []], [legacy, fromInfo], [anywhere, fromInfo.slice(1)]]
  },
  {
    title: 'logging/setLevel holds for a session',
    act: async (door) => {
      const outcome = await door.setLogLevel('error')
      return { outcome, logs: await chat(door) }
    },
    cases: [
      [overRest, { outcome: toolsOnly[1], logs: [] }],
      [both(modern, sdk2), { outcome: notInThisEra('logging/setLevel'), logs: [] }],
      [modern, { outcome: noSetLevel, logs: [] }],
      [quiet, { outcome: noSetLevel, logs: [] }],
      [anywhere, { outcome: { result: {} }, logs: fromInfo.slice(2) }]
    ]
  },
  {
    title: 'a level that is none is refused',
    act: (door) => door.request('logging/setLevel', { level: 'loud' }),
    cases: [
      toolsOnly,
      [both(modern, sdk2), notInThisEra('logging/setLevel')],
      [modern, noSetLevel],
      [quiet, noSetLevel],
      [anywhere, { error: { code: -32602, message: 'params.level must be one of debug, info, notice, warning, error, critical, alert, emergency.' } }]
    ]
  },
  {
    title: 'a cancelled call is given up by its handler; without a session, and before 2026, it goes on',
    act: (door) => cancel(door),
    cases: [
      [both(legacy, plain, keepsNothing), { outcome: said('Done.'), state: said('done') }],
      [both(legacy, keepsNothing), { outcome: { cancelled: true }, state: said('done') }],
      [anywhere, { outcome: { cancelled: true }, state: said('aborted') }]
    ]
  }
]

/** Lets the tool talk and gives the messages of this call. */
async function chat (door: Door, logLevel?: LogLevel): Promise<LogMessage[]> {
  const before = door.logs.length
  await door.call('chat', {}, logLevel === undefined ? {} : { logLevel })
  return door.logs.slice(before)
}

/** Cancels a call that has begun. Where nothing can cancel it, it is released after that. */
async function cancel (door: Door): Promise<{ outcome: Outcome, state: Outcome }> {
  const { name: key } = door.traits
  const controller = new AbortController()
  const call = door.call('wait', { key }, { signal: controller.signal })
  await door.call('until', { key, states: ['running'] })
  controller.abort()
  if (legacy(door.traits) && keepsNothing(door.traits)) await door.call('release', { key })
  return { outcome: await call, state: await door.call('until', { key, states: ['aborted', 'done'] }) }
}
