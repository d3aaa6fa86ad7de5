import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { ResourceHandler } from '../../src/core/ports.ts'
import { build, legacyRevisions, modern, openSession, type Answer, type GantryApp } from '../helpers/build.ts'

async function read (app: GantryApp, uri: string): Promise<Answer> { return await modern(app, 'resources/read', { uri }) }
function contentsOf ({ message }: Answer): unknown { return message.result?.['contents'] }
const png = Buffer.from('89504e470d0a1a0a', 'hex')

t.test('content of the configuration is text, or JSON as text, or bytes in base64', async (t) => {
  const app = await build(t, {
    resources: [
      { uri: 'a:text', name: 'x', content: 'hello' }, { uri: 'a:typed', name: 'x', content: '# hi', mimeType: 'text/markdown' }, { uri: 'a:json', name: 'x', content: { a: [1, null] } }, { uri: 'a:list', name: 'x', content: [] }, { uri: 'a:zero', name: 'x', content: 0 },
      { uri: 'a:empty', name: 'x', content: '' }, { uri: 'a:blob', name: 'x', blob: 'AAEC' }, { uri: 'a:png', name: 'x', blob: 'AAEC', mimeType: 'image/png' }
    ]
  })
  const rows: Record<string, object> = {
    'a:text': { mimeType: 'text/plain', text: 'hello' },
    'a:typed': { mimeType: 'text/markdown', text: '# hi' },
    'a:json': { mimeType: 'application/json', text: '{"a":[1,null]}' },
    'a:list': { mimeType: 'application/json', text: '[]' },
    'a:zero': { mimeType: 'application/json', text: '0' },
    'a:empty': { mimeType: 'text/plain', text: '' },
    'a:blob': { mimeType: 'application/octet-stream', blob: 'AAEC' },
    'a:png': { mimeType: 'image/png', blob: 'AAEC' }
  }
  for (const [uri, contents] of Object.entries(rows)) t.strictSame(contentsOf(await read(app, uri)), [{ uri, ...contents }], uri)
})

t.test('a file is text where its type and its bytes are, and read anew each time', async (t) => {
  const typescript = { 'a.ts': 'const a: 1 = 1', 'a.mts': 'export {}', 'a.cts': 'export = 1', 'a.tsx': '<a/>', 'a.d.ts': '' }
  const baseDir = t.testdir({ docs: { 'a.md': '# one', 'b.json': '{"a":1}', 'c.txt': 'grüße', 'd.svg': '<svg/>', noending: 'plain', 'e.png': png, 'f.txt': Buffer.from([0xff, 0xfe, 0x00]), 'empty.txt': '', ...typescript, 'film.ts': Buffer.from([0x47, 0xff, 0xff]) } })
  const files = ['a.md', 'b.json', 'c.txt', 'd.svg', 'noending', 'e.png', 'f.txt', 'empty.txt', ...Object.keys(typescript), 'film.ts']
  const app = await build(t, { resources: [...files.map((file) => ({ uri: `file:///${file}`, name: file, file: `docs/${file}` })), { uri: 'a:told', name: 'x', file: 'docs/a.md', mimeType: 'application/x-mine' }] }, { baseDir })
  const rows: Record<string, object> = {
    'file:///a.md': { mimeType: 'text/markdown', text: '# one' },
    'file:///b.json': { mimeType: 'application/json', text: '{"a":1}' },
    'file:///c.txt': { mimeType: 'text/plain', text: 'grüße' },
    'file:///d.svg': { mimeType: 'image/svg+xml', text: '<svg/>' },
    'file:///noending': { mimeType: 'text/plain', text: 'plain' },
    'file:///e.png': { mimeType: 'image/png', blob: png.toString('base64') },
    'file:///f.txt': { mimeType: 'text/plain', blob: '//4A' },
    'file:///empty.txt': { mimeType: 'text/plain', text: '' },
    ...Object.fromEntries(Object.entries(typescript).map(([file, text]) => [`file:///${file}`, { mimeType: 'text/x-typescript', text }])),
    'file:///film.ts': { mimeType: 'video/mp2t', blob: 'R///' },
    'a:told': { mimeType: 'application/x-mine', text: '# one' }
  }
  for (const [uri, contents] of Object.entries(rows)) t.strictSame(contentsOf(await read(app, uri)), [{ uri, ...contents }], uri)
  writeFileSync(join(baseDir, 'docs/a.md'), '# two')
  t.strictSame(contentsOf(await read(app, 'file:///a.md')), [{ uri: 'file:///a.md', mimeType: 'text/markdown', text: '# two' }])
})

t.test('a file that is gone is an unknown resource, and no answer tells where it lay', async (t) => {
  const baseDir = t.testdir({ docs: { 'a.md': 'x', 'b.md': 'x' }, more: { 'c.md': 'x' } })
  const app = await build(t, { resources: ['docs/a.md', 'docs/b.md', 'more/c.md'].map((file) => ({ uri: `file:///${file}`, name: file, file })) }, { baseDir })
  unlinkSync(join(baseDir, 'docs/a.md'))
  unlinkSync(join(baseDir, 'docs/b.md'))
  mkdirSync(join(baseDir, 'docs/b.md'))
  renameSync(join(baseDir, 'more'), join(baseDir, 'moved'))
  writeFileSync(join(baseDir, 'more'), 'no directory any more')
  for (const file of ['docs/a.md', 'docs/b.md', 'more/c.md']) {
    const answer = await read(app, `file:///${file}`)
    t.match(answer.message, { error: { code: -32602, data: { uri: `file:///${file}` } } }, file)
    t.notOk(answer.text.includes(baseDir))
  }
})

t.test('a template serves files of one directory, and nothing beside', async (t) => {
  const baseDir = t.testdir({
    pages: { 'a.md': 'page a', 'b c.md': 'page b', sub: { 'd.md': 'page d' }, '.hidden.md': 'hidden' },
    'secret.md': 'secret',
    'pages-too': { 'x.md': 'too' }
  })
  symlinkSync(join(baseDir, 'secret.md'), join(baseDir, 'pages/inside.md'))
  const outside = t.testdirName + '-outside'
  mkdirSync(outside, { recursive: true })
  t.teardown(() => { rmSync(outside, { recursive: true }) })
  writeFileSync(join(outside, 'far.md'), 'far away')
  symlinkSync(join(outside, 'far.md'), join(baseDir, 'pages/far.md'))
  symlinkSync(outside, join(baseDir, 'pages/away'))

  const app = await build(t, {
    resources: [
      { uriTemplate: 'page://{name}', name: 'pages', file: 'pages/{{name}}.md' }, { uriTemplate: 'any://{+path}', name: 'any', file: 'pages/{{path}}.md' }, { uriTemplate: 'two://{dir}/{name}', name: 'two', file: 'pages/{{dir}}/{{name}}.md' }, { uriTemplate: 'raw://{+path}', name: 'raw', file: '{{path}}' }
    ]
  }, { baseDir })
  t.strictSame(contentsOf(await read(app, 'page://a')), [{ uri: 'page://a', mimeType: 'text/markdown', text: 'page a' }])
  t.match(contentsOf(await read(app, 'page://b%20c')), [{ uri: 'page://b%20c', text: 'page b' }])
  t.match(contentsOf(await read(app, 'two://sub/d')), [{ text: 'page d' }])
  t.match(contentsOf(await read(app, 'page://inside')), [{ text: 'secret' }], 'a link that stays below the root is the owner\'s wish')

  const hostile = [
    'page://..%2Fsecret', 'page://%2e%2e%2fsecret', 'page://..%5Csecret', 'page://../secret', 'page://sub%2Fd', 'page://%2Fetc%2Fpasswd', 'page://', 'page://a%00', 'page://a.md%00', 'page://far', 'page://missing', 'page://a/../../secret', 'page://%252e%252e%252fsecret', 'page://..', 'page://.',
    'any://../secret', 'any://sub/d', 'any://%2e%2e/secret', 'any:///etc/passwd', 'two://../secret', 'two://%2e%2e/secret', 'two://away/far', 'two://./a', 'two://%2e/a',
    'raw://..', 'raw:///etc/passwd', 'raw://%2Fetc%2Fpasswd', 'raw://pages', 'raw://pages%2Fa.md', 'raw://file:///etc/passwd'
  ]
  for (const uri of hostile) {
    const answer = await read(app, uri)
    t.match(answer.message, { error: { code: -32602, data: { uri } } }, uri)
    t.notMatch(answer.text.replaceAll(JSON.stringify(uri).slice(1, -1), ''), /secret|far away|root:/, uri)
    t.notOk(answer.text.includes(baseDir))
  }
})

t.test('a file outside of the roots is refused when the server is built: by "..", by absolute path, by link', async (t) => {
  const top = t.testdir({ config: { 'in.txt': 'in', docs: {} }, 'out.txt': 'out', more: { 'm.txt': 'm' } })
  symlinkSync(join(top, 'out.txt'), join(top, 'config/docs/link.txt'))
  symlinkSync(top, join(top, 'config/docs/up'))
  const baseDir = join(top, 'config')
  const open = (file: string, server = {}, cwd = baseDir): Promise<GantryApp> => build(t, { server, resources: [{ uri: 'a:b', name: 'x', file }] }, { baseDir, cwd })
  for (const file of ['../out.txt', './docs/../../out.txt', join(top, 'out.txt'), '/etc/passwd', 'docs/link.txt', 'docs/up/out.txt']) {
    await t.rejects(open(file), { message: /resources\.0\.file: .*outside of the allowed directories/ }, file)
    await t.rejects(open(file, {}, top), { message: /outside of the allowed directories/ }, `${file}, started from above`)
    await t.rejects(open(file, {}, '/'), { message: /outside of the allowed directories/ }, `${file}, started from the root`)
  }
  for (const file of ['gone.txt', 'docs', '', 'in.txt\0', 'in.txt/x']) if (file !== '') await t.rejects(open(file), { message: /resources\.0\.file/ }, JSON.stringify(file))
  t.match(contentsOf(await read(await open('in.txt'), 'a:b')), [{ text: 'in' }])
  t.match(contentsOf(await read(await open(join(baseDir, 'in.txt')), 'a:b')), [{ text: 'in' }], 'an absolute path below a root')
  t.match(contentsOf(await read(await open('../more/m.txt', { handlerRoots: ['.', '../more'] }), 'a:b')), [{ text: 'm' }])
  await t.rejects(open('in.txt', { handlerRoots: ['../more'] }), { message: /outside of the allowed directories/ })
  t.match(contentsOf(await read(await open('more/m.txt', {}, top), 'a:b')), [{ text: 'm' }], 'what only the working directory has serves from there')
})

t.test('a template fills its content, and hands its variables to a handler', async (t) => {
  const handler: ResourceHandler = (variables, { metadata, signal }) => ({ ...variables, uri: metadata.uri, aborted: signal.aborted })
  const app = await build(t, {
    resources: [
      { uriTemplate: 'greet://{name}{?tone}', name: 'g', content: 'Hi {{name}} {{tone}} {{name}}' }, { uriTemplate: 'json://{id}', name: 'j', content: { id: '{{id}}', list: ['{{id}}'], n: 1, '{{id}}': 'key' } }, { uriTemplate: 'fn://{a}/{b}', name: 'f', handler: { type: 'registry', name: 'fn' } }, { uri: 'fn://fixed/one', name: 'one', content: 'fixed' }
    ]
  }, { handlers: { fn: handler } })
  t.match(contentsOf(await read(app, 'greet://Ann?tone=kind')), [{ uri: 'greet://Ann?tone=kind', text: 'Hi Ann kind Ann' }])
  t.match(contentsOf(await read(app, 'greet://%7B%7Btone%7D%7D?tone=x')), [{ text: 'Hi {{tone}} x {{tone}}' }], 'and what a value brings in is not looked at')
  t.match(contentsOf(await read(app, 'json://a%22b')), [{ mimeType: 'application/json', text: '{"id":"a\\"b","list":["a\\"b"],"n":1,"{{id}}":"key"}' }])
  t.strictSame(JSON.parse((contentsOf(await read(app, 'fn://x%2Fy/z')) as { text: string }[])[0]?.text ?? ''), { a: 'x/y', b: 'z', uri: 'fn://x%2Fy/z', aborted: false })
  t.match(contentsOf(await read(app, 'fn://fixed/one')), [{ text: 'fixed' }], 'a fixed resource comes before a template')
})

t.test('a handler gives a text, bytes, JSON, or a full result', async (t) => {
  const outputs: Record<string, [output: unknown, contents: unknown]> = {
    text: ['hi', [{ mimeType: 'text/plain', text: 'hi' }]],
    empty: ['', [{ text: '' }]],
    bytes: [png, [{ mimeType: 'application/octet-stream', blob: png.toString('base64') }]],
    'text-bytes': [Buffer.from('grüße'), [{ mimeType: 'text/plain', text: 'grüße' }]],
    json: [{ a: 1 }, [{ mimeType: 'application/json', text: '{"a":1}' }]],
    number: [0, [{ text: '0' }]],
    full: [{ contents: [{ uri: 'b:c', text: 'x' }, { uri: 'b:d', blob: 'AAEC' }] }, [{ uri: 'b:c', text: 'x' }, { uri: 'b:d', blob: 'AAEC' }]],
    'odd-full': [{ contents: [{ uri: 'b:c' }] }, undefined],
    'odd-list': [{ contents: ['x'] }, undefined],
    'no-json': [{ a: 1n }, undefined],
    function: [() => 1, undefined]
  }
  const handlers: Record<string, ResourceHandler> = Object.fromEntries(Object.entries(outputs).map(([name, [output]]) => [name, async () => output]))
  handlers['fail'] = () => { throw new Error('no ink') }
  handlers['hang'] = () => new Promise(() => {})
  handlers['nothing'] = () => undefined
  handlers['null'] = async () => null
  const app = await build(t, { resources: Object.keys(handlers).map((name) => ({ uri: `x:${name}`, name, handler: { type: 'registry', name }, ...(name === 'hang' && { timeout: 10 }) })) }, { handlers })
  for (const [name, [, contents]] of Object.entries(outputs)) {
    const answer = await read(app, `x:${name}`)
    if (contents === undefined) t.match(answer.message, { error: { code: -32603 } }, name)
    else t.match(contentsOf(answer), contents, name)
  }
  t.match((await read(app, 'x:fail')).message, { error: { code: -32603, message: 'no ink' } })
  t.match((await read(app, 'x:hang')).message, { error: { code: -32603, message: /did not finish within 10 ms/ } })
  for (const name of ['nothing', 'null']) t.match((await read(app, `x:${name}`)).message, { error: { code: -32602, data: { uri: `x:${name}` } } }, 'nothing is not found, never empty contents')
})

t.test('a resource that is not there has the code of its era, with its URI', async (t) => {
  const app = await build(t)
  for (const uri of ['a:b', '', 'nonsense', '__proto__', 'file:///etc/passwd', 'x'.repeat(20_000)]) {
    t.match(await read(app, uri), { status: 200, message: { error: { code: -32602, data: { uri } } } }, uri.slice(0, 20))
  }
  for (const revision of legacyRevisions) {
    t.match(await (await openSession(app, revision)).call('resources/read', { uri: 'a:b' }), { status: 200, message: { error: { code: -32002, data: { uri: 'a:b' } } } }, revision)
    t.match(await (await openSession(app, revision)).call('resources/read', { uri: 5 }), { message: { error: { code: -32602 } } })
  }
})

t.test('resources and templates are listed apart, as they were described', async (t) => {
  const facts = { name: 'n', title: 't', description: 'd', mimeType: 'text/plain', annotations: { audience: ['user'], priority: 1 }, icons: [{ src: 'data:,x' }], _meta: { a: 1 } }
  const app = await build(t, { resources: [{ uri: 'a:b', ...facts, size: 5, content: 'x' }, { uriTemplate: 'a://{x}', ...facts, content: 'x', complete: { x: ['1'] } }] })
  t.strictSame((await modern(app, 'resources/list')).message.result?.['resources'], [{ uri: 'a:b', ...facts, size: 5 }])
  t.strictSame((await modern(app, 'resources/templates/list')).message.result?.['resourceTemplates'], [{ uriTemplate: 'a://{x}', ...facts }])
})

t.test('what is fixed may be kept by anyone, what is computed by nobody', async (t) => {
  const baseDir = t.testdir({ 'f.txt': 'x' })
  const app = await build(t, { resources: [{ uri: 'a:fixed', name: 'x', content: 'x' }, { uri: 'a:file', name: 'x', file: 'f.txt' }, { uri: 'a:fn', name: 'x', handler: { type: 'registry', name: 'fn' } }] }, { baseDir, handlers: { fn: () => 'x' } })
  t.match((await read(app, 'a:fixed')).message.result, { ttlMs: 300_000, cacheScope: 'public' })
  for (const uri of ['a:file', 'a:fn']) t.match((await read(app, uri)).message.result, { ttlMs: 0, cacheScope: 'private' })
})

t.test('a template that cannot be read backwards stops the start, and so does completion of what it has not', async (t) => {
  const open = (resource: object): Promise<GantryApp> => build(t, { resources: [{ name: 'x', content: 'x', ...resource }] })
  await t.rejects(open({ uriTemplate: 'a://{x*}' }), { message: /resources\.0\.uriTemplate: .*modifiers/ })
  await t.rejects(open({ uriTemplate: 'a://b' }), { message: /no \{variable\}/ })
  await t.rejects(open({ uriTemplate: 'a://{x}', complete: { y: ['1'] } }), { message: /complete\.y: The template has no variable "y"/ })
})
