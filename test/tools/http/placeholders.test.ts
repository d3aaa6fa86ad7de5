import t from 'tap'
import { HandlerLoadError } from '../../../src/core/errors.ts'
import { lookup, parseTemplate, splitTemplate } from '../../../src/tools/http/placeholders.ts'
import type { JsonObject } from './support.ts'

const scope = { owner: 'weather', path: ['url'] }
const at = (...keys: string[]) => ({ owner: 'weather', keys })

t.test('a text is cut into literals and dotted argument paths', async (t) => {
  t.strictSame(parseTemplate('a ${args.b.c} d ${args.user-id}', scope), ['a ', at('b', 'c'), ' d ', at('user-id')])
  t.strictSame(parseTemplate('', scope), [])
  t.strictSame(parseTemplate('$${other} $args.x {args.x}', scope), ['${other} $args.x {args.x}'])
  t.strictSame(parseTemplate('$${args.x} $$${args.x}', scope), ['${args.x} $', at('x')], 'an escaped placeholder is text')
})

for (const text of ['${args}', '${args.}', '${args..a}', '${args.a.}', '${args.a b}', '${args.a', '${args[0]}', '${args.${args.a}}', '${other}']) {
  t.test(`the malformed placeholder ${text} is refused at load`, async (t) => {
    t.throws(() => parseTemplate(text, scope), { constructor: HandlerLoadError, path: ['url'], message: /is not a placeholder/ })
  })
}

t.test('a path leads to own properties only', async (t) => {
  const args: JsonObject = { user: { id: 7, tags: ['x', 'y'] }, text: 'abc' }
  t.equal(lookup(at('user', 'id'), args), 7)
  t.equal(lookup(at('user', 'tags', '1'), args), 'y')
  for (const keys of [['constructor'], ['__proto__'], ['constructor', 'name'], ['user', '__proto__'], ['user', 'toString'], ['text', 'length'], ['user', 'id', 'toFixed'], ['absent', 'x']]) {
    t.equal(lookup(at(...keys), args), undefined, keys.join('.'))
  }
})

t.test('a property that is really called __proto__ is an argument like any other', async (t) => {
  t.equal(lookup(at('__proto__'), JSON.parse('{"__proto__":"x"}')), 'x')
})

t.test('a template is cut at separators of its own text, up to the limit', async (t) => {
  const template = parseTemplate('a=${args.x}=b=c', scope)
  t.strictSame(splitTemplate(template, '='), [['a'], [at('x')], ['b'], ['c']])
  t.strictSame(splitTemplate(template, '=', 2), [['a'], [at('x'), '=b=c']])
})
