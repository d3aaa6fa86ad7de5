import t from 'tap'
import { createRedactor } from '../../src/core/redaction.ts'

t.test('a secret is taken out of a text wherever it stands, and what holds none stays as it is', async (t) => {
  const { text } = createRedactor(['hunter2-one', 'hunter2-two'])
  t.equal(text('a hunter2-one, b hunter2-two, c hunter2-one'), 'a [redacted], b [redacted], c [redacted]')
  t.equal(text('hunter2'), 'hunter2')
  t.equal(createRedactor([]).text('anything'), 'anything')
})

t.test('of secrets that hold each other, the whole one is taken out', async (t) => {
  const { text } = createRedactor(['secret', 'secret-of-many', 'my-secret-of-many-words'])
  t.equal(text('secret; secret-of-many; my-secret-of-many-words'), '[redacted]; [redacted]; [redacted]')
})

t.test('secrets that begin alike are told apart', async (t) => {
  const { text } = createRedactor(['0123456789abcdef-one', '0123456789abcdef-two'])
  t.equal(text('0123456789abcdef-two and 0123456789abcdef-six'), '[redacted] and 0123456789abcdef-six')
})

t.test('a secret is known in JSON and in a URL, too', async (t) => {
  const secret = 'p"a\\ss/ü\nx'
  const { text } = createRedactor([secret])
  t.equal(text(`${secret} ${JSON.stringify({ a: secret })} ${encodeURIComponent(secret)}`), '[redacted] {"a":"[redacted]"} [redacted]')
})

t.test('what is shorter than six characters, or blank, is left alone', async (t) => {
  const { text } = createRedactor(['', '12345', '          ', '123456'])
  t.equal(text('12345          123456'), '12345          [redacted]')
})

t.test('characters that mean something in a pattern are themselves', async (t) => {
  for (const secret of ['a.b*c+d?', '(a|b)[c]{2}', '^$\\d/\\w+', '$& $1 $$ $`']) {
    const { text, line } = createRedactor([secret])
    t.equal(text(`<${secret}>`), '<[redacted]>', secret)
    t.equal(line(`${JSON.stringify({ msg: `<${secret}>` })}\n`), '{"msg":"<[redacted]>"}\n', secret)
  }
  t.equal(createRedactor(['aaaaaa.']).text('aaaaaab'), 'aaaaaab')
})

t.test('a line of JSON stays one, whatever the secrets hold', async (t) => {
  // Of each, some piece also stands in the line as a part of its form: of an escape, a number, between two texts.
  const secrets = ['nabcdef', '1234567', '":"value', 'u0007ab', 'say "hi"', '\\\\path\\', 'line\nbreak', '{"a":1}', 'truefalse', 'level":3', '😀emoji']
  const facts = { level: 30, time: 1712345678901, pid: 1234567, a: 'x\nabcdef', b: 'value', c: '\u0007abc', d: secrets, e: { deep: secrets.map((secret) => `<${secret}>`) }, msg: secrets.join(' and ') }
  const { line } = createRedactor(secrets)
  const text = line(`${JSON.stringify(facts)}\n`)
  t.ok(text.endsWith('}\n') && text.indexOf('\n') === text.length - 1, 'one line')
  t.strictSame(JSON.parse(text), {
    level: 30,
    time: 1712345678901,
    pid: '[redacted]',
    a: 'x\nabcdef',
    b: 'value',
    c: '\u0007abc',
    d: secrets.map(() => '[redacted]'),
    e: { deep: secrets.map(() => '<[redacted]>') },
    msg: secrets.map(() => '[redacted]').join(' and ')
  })
})

t.test('JSON within JSON is searched as well', async (t) => {
  const secret = 'say "hi" \\ there'
  const { line } = createRedactor([secret])
  const once = JSON.stringify({ password: secret })
  t.strictSame(JSON.parse(line(`${JSON.stringify({ msg: once })}\n`)), { msg: '{"password":"[redacted]"}' })
})

t.test('a line without a secret is handed back as it is', async (t) => {
  const { line } = createRedactor(['hunter2-one'])
  const text = '{"a": 1,  "time":1.50, "msg":"x"}\n'
  t.equal(line(text), text)
})

t.test('keys of objects hold secrets, too', async (t) => {
  t.equal(createRedactor(['hunter2-one']).line('{"hunter2-one":{"__proto__":1}}\n'), '{"[redacted]":{"__proto__":1}}\n')
})

t.test('what is no JSON is made a JSON text', async (t) => {
  t.equal(createRedactor(['hunter2-one']).line('oh: hunter2-one "\n'), '"oh: [redacted] \\""\n')
})

t.test('thousands of secrets, and one of a megabyte', async (t) => {
  const many = Array.from({ length: 3_000 }, (_, index) => `secret-number-${index};`)
  const large = 'large-'.repeat(200_000)
  const { text, line } = createRedactor([...many, large])
  t.equal(text(`${many[2_999]} ${many[0]} ${large}.`), '[redacted] [redacted] [redacted].')
  t.equal(line(`${JSON.stringify({ msg: many[1_234] })}\n`), '{"msg":"[redacted]"}\n')
})
