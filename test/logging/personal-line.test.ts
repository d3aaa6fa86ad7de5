import t from 'tap'
import { readRecord } from '../../src/logging/log-record.ts'
import { personalLine } from '../../src/logging/personal-line.ts'

const plain = { color: false }
const time = Date.UTC(2026, 0, 31, 12, 0, 0, 5)
const shownTime = '2026-01-31 12:00:00.005Z'
const line = (members: object): string => `${JSON.stringify({ level: 30, time, pid: 1, hostname: 'h', ...members })}\n`

t.test('each kind of line is one for people, its facts behind its sentence', async (t) => {
  t.equal(personalLine(line({ level: 40, requestId: 'a-1', msg: 'The tool x failed.' }), plain), `${shownTime} WARN  The tool x failed.  requestId=a-1\n`)
  t.equal(
    personalLine(line({ msg: 'access', outcome: 'refused', durationMs: 1.5, requestId: 'a-1', door: 'mcp', method: 'POST', route: '/mcp', status: 200, rpcMethod: 'tools/call', tool: 'x', code: 'MCP_X' }), plain),
    `${shownTime} WARN  POST /mcp tools/call x 200 refused 1.5 ms  requestId=a-1 door=mcp code=MCP_X\n`
  )
  t.equal(
    personalLine(JSON.stringify({ seq: 7, time: '2026-01-31T12:00:00.005Z', event: 'tool.call', outcome: 'ok', principal: 'ann b', name: 'x', previous: '0', hash: '1' }), plain),
    `${shownTime} INFO  audit tool.call ok  principal="ann b" name=x\n`
  )
  t.equal(personalLine(line({ msg: 'Hello.' }), { color: true }), `\u001B[90m${shownTime}\u001B[39m \u001B[32mINFO \u001B[39m Hello.\n`)
})

t.test('an error has its stack, line by line', async (t) => {
  t.equal(personalLine(line({ level: 50, msg: 'Failed.', err: { type: 'Error', message: 'm', stack: 'Error: m\n    at x (y.js:1:2)' } }), plain), `${shownTime} ERROR Failed.\n    Error: m\n        at x (y.js:1:2)\n`)
  t.equal(personalLine(line({ msg: 'Failed.', err: { message: 'no stack' } }), plain), `${shownTime} INFO  Failed.\n    Error: no stack\n`)
  t.equal(personalLine(line({ msg: 'Failed.', err: 'a text' }), plain), `${shownTime} INFO  Failed.\n    a text\n`)
})

t.test('nothing in a line is obeyed by a terminal, or looks like another line', async (t) => {
  const hostile = '\u001B[2J\u001B]0;x\u0007 a\nb\r\u202E\u200B\u009B1m'
  const shapes = [
    line({ msg: hostile }), line({ msg: 'm', [hostile]: hostile }), line({ msg: 'm', deep: { [hostile]: [hostile] } }), line({ msg: 'access', outcome: 'ok', durationMs: 1, tool: hostile, principal: hostile }),
    line({ msg: 'm', err: { stack: hostile.replace('\n', '') } }), JSON.stringify({ time: '2026-01-31T12:00:00Z', event: hostile, outcome: 'ok' }), hostile.replace('\n', ' ')
  ]
  for (const shape of shapes) t.match(personalLine(shape, plain), /^[ -~]+\n( {4}[ -~]+\n)?$/)
})

t.test('what is no line of a log is none, and stays as it is', async (t) => {
  for (const text of ['', 'text', '{', '[]', '{}', 'null', '{"level":30}', '{"level":"info","time":1}', '{"level":30,"time":1e300}', '{"time":"x","event":"e","outcome":"ok"}', '{"time":"2026-01-31T12:00:00Z","event":"e","outcome":"fine"}']) {
    t.equal(readRecord(text), undefined, text)
    t.equal(personalLine(`${text}\r\n`, plain), `${text}\n`)
  }
})

t.test('how much a line deserves to be seen is its level, or what became of its request', async (t) => {
  const severity = (members: object): string | undefined => readRecord(line(members))?.severity
  t.strictSame([10, 20, 30, 35, 40, 50, 60, 99, 0].map((level) => severity({ level, msg: 'm' })), ['trace', 'debug', 'info', 'info', 'warn', 'error', 'fatal', 'fatal', 'trace'])
  const ofOutcome = (outcome: string): string | undefined => severity({ msg: 'access', outcome })
  t.strictSame(['ok', 'input_required', 'cancelled', 'refused', 'timeout', 'cut_off', 'error'].map(ofOutcome), ['info', 'info', 'info', 'warn', 'warn', 'warn', 'error'])
})
