import t from 'tap'
import { compileUriTemplate, UriTemplateFaultError } from '../../src/core/uri-template.ts'

function match (template: string, uri: string): Record<string, string> | undefined {
  const values = compileUriTemplate(template).match(uri)
  return values === undefined ? undefined : { ...values }
}

t.test('each operator of RFC 6570 is read backwards', async (t) => {
  const rows: [template: string, uri: string, values: Record<string, string> | undefined][] = [
    ['users://{id}', 'users://42', { id: '42' }],
    ['users://{id}', 'users://a%20b', { id: 'a b' }],
    ['users://{id}', 'users://', undefined],
    ['users://{id}', 'users://a/b', undefined],
    ['users://{id}', 'Users://42', undefined],
    ['users://{id}', 'users://42?x=1', undefined],
    ['users://{id}', 'users://42#top', undefined],
    ['users://{id}', 'xusers://42', undefined],
    ['test://template/{id}/data', 'test://template/123/data', { id: '123' }],
    ['test://template/{id}/data', 'test://template/1/2/data', undefined],
    ['a://{x,y}', 'a://1,2', { x: '1', y: '2' }],
    ['a://{x,y}', 'a://1', undefined],
    ['file:///{+path}', 'file:///a/b/c.txt', { path: 'a/b/c.txt' }],
    ['file:///{+path}', 'file:///a?b', undefined],
    ['file:///{+path}', 'file:///a b', undefined],
    ['a://b{#part}', 'a://b#x/y', { part: 'x/y' }],
    ['a://b{#part}', 'a://b', undefined],
    ['a://b{.ext}', 'a://b.txt', { ext: 'txt' }],
    ['a://b{.x,y}', 'a://b.tar.gz', { x: 'tar', y: 'gz' }],
    ['a://b{/x,y}', 'a://b/1/2', { x: '1', y: '2' }],
    ['a://b{/x,y}', 'a://b/1', undefined],
    ['a://b{;x,y}', 'a://b;x=1;y=2', { x: '1', y: '2' }],
    ['a://b{;x,y}', 'a://b;x', {}],
    ['a://b{;x,y}', 'a://b;y=2', { y: '2' }],
    ['a://b{?q,page}', 'a://b?q=cats&page=2', { q: 'cats', page: '2' }],
    ['a://b{?q,page}', 'a://b?q=&page=2', { q: '', page: '2' }],
    ['a://b{?q,page}', 'a://b', {}],
    ['a://b{?q,page}', 'a://b?q=a&q=b', undefined],
    ['a://b?fixed=1{&q}', 'a://b?fixed=1&q=2', { q: '2' }],
    ['a://b?fixed=1{&q}', 'a://b?fixed=1', {}],
    ['a://{x.y}', 'a://1', { 'x.y': '1' }],
    ['a://{__proto__}', 'a://1', { ['__proto__']: '1' }],
    ['a.b://{x}', 'aXb://1', undefined],
    ['a://(x)*{y}', 'a://(x)*1', { y: '1' }]
  ]
  for (const [template, uri, values] of rows) t.strictSame(match(template, uri), values, `${template} ${uri}`)
})

t.test('a value is decoded once, and what is no UTF-8 is no value', async (t) => {
  t.strictSame(match('a://{x}', 'a://%2e%2e%2Fetc'), { x: '../etc' })
  t.strictSame(match('a://{x}', 'a://%252e'), { x: '%2e' })
  t.strictSame(match('a://{x}', 'a://%C3%A9'), { x: 'é' })
  t.equal(match('a://{x}', 'a://%ff'), undefined)
  t.equal(match('a://{x}', 'a://%C3'), undefined)
  t.equal(match('a://{x}', 'a://%'), undefined)
  t.equal(match('a://{x}', 'a://%zz'), undefined)
  t.equal(match('a://{x}', 'a://1\n'), undefined)
  t.equal(match('a://{+x}', 'a://1\n'), undefined)
})

t.test('values are a plain record that has nothing inherited', async (t) => {
  const values = compileUriTemplate('a://{constructor}{?toString}').match('a://1')
  t.equal(Object.getPrototypeOf(values), null)
  t.strictSame(Object.keys(values ?? {}), ['constructor'])
})

t.test('what cannot be read backwards is refused with what is wrong', async (t) => {
  const rows: [string, RegExp][] = [
    ['users://all', /has no \{variable\}/],
    ['', /has no \{variable\}/],
    ['a://{x}/{x}', /names a variable twice/],
    ['a://{+x}/{+y}', /more than one/],
    ['a://{+x}{#y}', /more than one/],
    ['a://{x}{y}', /separator/],
    ['a://{x*}', /modifiers/],
    ['a://{x:3}', /modifiers/],
    ['a://{}', /not a variable name/],
    ['a://{x,}', /not a variable name/],
    ['a://{.}', /not a variable name/],
    ['a://{a..b}', /not a variable name/],
    ['a://{x', /no partner/],
    ['a://x}', /no partner/],
    ['a://{=x}', /no partner|no RFC 6570/],
    ['a://{x y}', /no partner|no RFC 6570/],
    ['a://{{x}}', /no partner|no RFC 6570/]
  ]
  for (const [template, message] of rows) {
    t.throws(() => compileUriTemplate(template), { name: 'UriTemplateFaultError', message }, template)
    t.throws(() => compileUriTemplate(template), UriTemplateFaultError)
  }
})

t.test('hostile URIs of any length are judged in an instant', async (t) => {
  const templates = ['a://{x}', 'a://{+x}', 'a://{+x}/{y}/{z}', 'a://{x,y,z}', 'a://b{/x,y,z}', 'a://b{;x,y,z}', 'a://b{?x,y,z}', 'a://{+p}/end', 'a://b{.x,y}{?q}', 'a://{a}-{b}-{c}-{d}/{+e}.txt{?f,g}']
  const pieces = ['a', '/', ',', '.', ';x=', '?x=', '&x=', '%41', '%', '-', '-a-', '/end', '/e', ';x;y;z', '!', '~-']
  const start = performance.now()
  for (const template of templates) {
    const compiled = compileUriTemplate(template)
    for (const piece of pieces) {
      for (const [head, tail] of [['a://', ''], ['a://b', ''], ['a://', '\u0000'], ['a://b?x=', ' ']] as const) compiled.match(head + piece.repeat(Math.ceil(8_100 / piece.length)) + tail)
      compiled.match(`a://${piece.repeat(2_000_000)}`)
    }
  }
  const took = performance.now() - start
  t.ok(took < 10_000, `${Math.round(took)} ms for ${templates.length * pieces.length * 5} matches`)
})

t.test('a URI longer than any client needs fits no template', async (t) => {
  const { match } = compileUriTemplate('a://{x}')
  t.ok(match(`a://${'x'.repeat(8_000)}`))
  t.equal(match(`a://${'x'.repeat(9_000)}`), undefined)
})
