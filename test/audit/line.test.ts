import t from 'tap'
import { writeMembers } from '../../src/audit/line.ts'
import type { AuditEvent } from '../../src/core/audit-event.ts'

const time = Date.parse('2026-01-02T03:04:05.678Z')
const textOf = (event: AuditEvent, redact = (text: string) => text): string => `{${writeMembers(event, time, redact)}}`
const read = (event: AuditEvent, redact?: (text: string) => string): Record<string, unknown> => JSON.parse(textOf(event, redact)) as Record<string, unknown>

t.test('an event has its members in one order, and none for what is not known', async (t) => {
  t.equal(textOf({ event: 'server.stop', outcome: 'ok' }), '{"time":"2026-01-02T03:04:05.678Z","event":"server.stop","outcome":"ok"}')
  t.equal(textOf({
    event: 'tool.call',
    outcome: 'error',
    code: 'MCP_TOOL_FAILED',
    durationMs: 12.34567,
    source: {
      requestId: 'r-1',
      principal: { kind: 'key', name: 'ci', permissions: ['*'], tier: undefined },
      door: 'mcp',
      address: '10.0.0.1',
      sessionId: 's',
      revision: '2025-11-25',
      clientName: 'a client'
    },
    subject: { name: 'add', uri: 'a://b', within: 'outer', task: 't', method: 'm/n', verb: 'POST', path: '/p', permission: 'tools:call:add' },
    arguments: { digest: 'd', text: '{"a":1}', omittedBytes: 5 },
    facts: { bytes: 7, word: 'x' }
  }), '{"time":"2026-01-02T03:04:05.678Z","event":"tool.call","outcome":"error","code":"MCP_TOOL_FAILED","durationMs":12.346,' +
    '"principal":"ci","principalKind":"key","door":"mcp","address":"10.0.0.1","requestId":"r-1","session":"043a718774c572bd","revision":"2025-11-25","client":"a client",' +
    '"name":"add","uri":"a://b","within":"outer","task":"e3b98a4da31a127d","method":"m/n","verb":"POST","path":"/p","permission":"tools:call:add",' +
    '"argumentsDigest":"d","arguments":{"a":1},"argumentsOmitted":5,"bytes":7,"word":"x"}')
})

t.test('the ids of sessions and tasks are not in a line: whoever reads it could use them', async (t) => {
  const id = '6f9619ff-8b86-d011-b42d-00c04fc964ff'
  const text = textOf({ event: 'task.get', outcome: 'ok', source: { sessionId: id }, subject: { task: id } })
  t.notMatch(text, id)
  t.match(JSON.parse(text), { session: /^[0-9a-f]{16}$/, task: /^[0-9a-f]{16}$/ })
  t.not(read({ event: 'task.get', outcome: 'ok', source: { sessionId: `${id}x` } })['session'], read({ event: 'task.get', outcome: 'ok', source: { sessionId: id } })['session'])
})

const hostile: readonly [what: string, text: string][] = [
  ['line breaks', 'a\nb\r\nc'],
  ['a whole line', '"}\n{"seq":7,"event":"server.stop"}\n{"'],
  ['quotes and backslashes', '\\","event":"x","a":"\\'],
  ['control characters', '\u0000\u0007\u001b[2J\u007f'],
  ['what other programs take for a line break', '\u0085\u000b\u000c\u001c\u2028\u2029'],
  ['what turns or hides text', '\u202e\u2066\u200b\ufeff\u{e0041}'],
  ['half of a pair', 'a\ud800b\udfffc'],
  ['other scripts', 'Ωλ 漢字 😀 \u{10ffff}']
]
for (const [what, text] of hostile) {
  t.test(`in a name, ${what} stay${what.endsWith('s') ? '' : 's'} inside of one text of ASCII`, async (t) => {
    for (const event of [
      { event: 'tool.call', outcome: 'ok', subject: { name: text, uri: text, within: text, method: text, verb: text, path: text, permission: text } },
      { event: 'tool.call', outcome: 'ok', source: { requestId: text, address: text, clientName: text, principal: { kind: 'key', name: text, permissions: [], tier: undefined } } },
      { event: 'audit.torn', outcome: 'ok', facts: { text } }
    ] satisfies AuditEvent[]) {
      const line = textOf(event)
      t.match(line, /^[ -~]+$/)
      const strings = Object.entries(JSON.parse(line) as Record<string, unknown>).filter(([key]) => !['time', 'event', 'outcome', 'principalKind'].includes(key))
      t.strictSame(strings.map(([, value]) => value), strings.map(() => text))
    }
  })
}

t.test('what is long is cut, so that no line is longer than one may be', async (t) => {
  for (const unit of ['x', '\n', '漢', '😀', '\ud800']) {
    const long = unit.repeat(100_000)
    const line = textOf({
      event: 'tool.call',
      outcome: 'ok',
      source: { requestId: long, address: long, clientName: long, principal: { kind: 'key', name: long, permissions: [], tier: undefined } },
      subject: { name: long, uri: long, within: long, method: long, verb: long, path: long, permission: long }
    })
    t.ok(line.length < 32_000, `${line.length}`)
    t.match(JSON.parse(line), { name: /…$/, uri: /…$/, path: /…$/, client: /…$/, method: /…$/ })
  }
})

t.test('secrets that stand in what a client sent are taken out', async (t) => {
  const redact = (text: string): string => text.replaceAll('hunter22', '[redacted]')
  const text = textOf({
    event: 'request.refused',
    outcome: 'refused',
    source: { clientName: 'hunter22' },
    subject: { name: 'is hunter22', uri: 'a://hunter22', method: 'hunter22', path: '/hunter22', permission: 'tools:call:hunter22' }
  }, redact)
  t.notMatch(text, 'hunter22')
  t.match(JSON.parse(text), { name: 'is [redacted]', uri: 'a://[redacted]', path: '/[redacted]' })
})

t.test('a call over plain HTTP names no revision: its caller spoke none', async (t) => {
  t.equal(read({ event: 'tool.call', outcome: 'ok', source: { door: 'rest', revision: '2026-07-28' } })['revision'], undefined)
})
