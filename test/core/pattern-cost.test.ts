import t from 'tap'
import { costOf } from '../../src/core/pattern-cost.ts'

const exponential = [
  '(a+)+$', '^(a+)+$', '(a*)*$', '^(a|a)*$', '^(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '^(\\d+)*$', '^(\\w+\\s?)*$', '^(\\w+\\s*)+$', '(x+x+)+y', '^((ab)*)+$', '^(a?){20}a{20}$',
  '^([a-z]+)*\\d$', '^(([^,]+),?)*;$', '^(?:(?:a|b|ab)+)+$', '^(\\s*\\w+\\s*)*$', '^([^\\s]+\\s*)*end$', '^(.|\\s)*x$', '^(a|b|[ab])*c$', '^([0-9a-f]+:?)+g$', '^(\\d+,?)+$', '^(?:[a-z0-9]+-?)+$',
  '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$', '(?=(a+)+b)a', '^x(?!(a|a)*b)', '^(\\p{L}|[é])*$', '^([\\u0400-\\u04ff]|\\u0430)+$', '^([1-4]{1,4}){20}$'
]
const polynomial: readonly [pattern: string, degree: number][] = [
  ['\\s+$', 2], ['^\\s*\\s*x$', 2], ['a*a*a*a*b$', 5], ['^.*.*x$', 2], ['^\\w+\\w+!$', 2], ['.*.*=.*', 3], ['^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$', 2], ['^\\S+@\\S+\\.\\S+$', 3], ['<[^>]*$', 2],
  ['^(.*),(.*),(.*)!$', 3], ['^a*b?a*c$', 2], ['^(?:.*a){4}$', 4], ['^a*(?=a*b)c$', 2], ['a(?=.*b)c', 2]
]
const linear = [
  '', 'foo', '^$', '^[a-z]+$', '[a-z]+', '^[A-Za-z0-9_-]{1,64}$', '^\\d{4}-\\d{2}-\\d{2}$', '^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  '^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-((?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$',
  '^https?://', '^https?://[^\\s/]+(/[^\\s]*)?$', '^[a-z0-9]+(?:-[a-z0-9]+)*$', '^\\+?[1-9]\\d{1,14}$', '^[A-Z]{2}\\d{2}[A-Z0-9]{1,30}$', '^#(?:[0-9a-f]{3}){1,2}$',
  '^(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?!$)|$)){4}$', '^-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?$', '^[a-zA-Z_$][a-zA-Z0-9_$]*$', '^\\S+$', '\\S', '^.{1,100}$', '^.{1,5000}$', '^([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d)?$',
  '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$', '^[a-z]{2}(-[A-Z]{2})?$', '^[\\w.+-]+@[a-z0-9]+(?:-[a-z0-9]+)*(?:\\.[a-z0-9]+(?:-[a-z0-9]+)*)+$', '^[^@\\s]+@[^@\\s]+$', '^[\\w.]+@[\\w.]+\\.[a-z]+$',
  '^arn:aws:[a-z0-9-]+:[a-z0-9-]*:\\d{12}:.+$', '^/(?:[^/]+/)*[^/]*$', '^(?:/[^/\\0]+)+$', '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$', '^eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+$', '^0x[a-fA-F0-9]{40}$', '^sha256:[a-f0-9]{64}$',
  '^(GET|POST|PUT|DELETE)$', '^x-', '\\.json$', '^[^.]+\\.(?:jpg|png|gif)$', '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$', '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$', '^[A-Za-z]:\\\\', '^\\p{L}+$', '^[\\p{L}\\p{N} ]+$',
  '^P(?:\\d+Y)?(?:\\d+M)?(?:\\d+D)?(?:T(?:\\d+H)?(?:\\d+M)?(?:\\d+S)?)?$', '^[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2}$', '^(?=.*[A-Z])(?=.*\\d).{8,}$', '^(?!-)[a-z0-9-]+(?<!-)$', '^(\\d+|\\*)( (\\d+|\\*)){4}$', '^(?:[a-z]+,)*[a-z]+$', '^[a-z]+(?:, ?[a-z]+)*$',
  '^s3://[a-z0-9.-]{3,63}/.*$', '^(-?\\d+(\\.\\d+)?),\\s*(-?\\d+(\\.\\d+)?)$', '^@[a-z0-9-~][a-z0-9-._~]*/[a-z0-9-~][a-z0-9-._~]*$', '^\\bword\\b$', '^[\\u4e00-\\u9fff]+[a-z]*$', '^(?:ab|a)(?:c|bc)$'
]

t.test('patterns that can take exponential time are refused, with the reason', async (t) => {
  for (const pattern of exponential) t.match(costOf(pattern), { refusal: /double with each character|in very many ways/ }, pattern)
})

t.test('of others, the power of the length is known', async (t) => {
  for (const [pattern, degree] of polynomial) t.strictSame(costOf(pattern), { degree }, pattern)
})

t.test('patterns as they are in use take linear time', async (t) => {
  for (const pattern of linear) t.strictSame(costOf(pattern), { degree: 1 }, pattern)
})

t.test('what cannot be judged is refused, and what is no pattern is an error', async (t) => {
  t.match(costOf('^(a)\\1$'), { refusal: /refers back/ })
  t.match(costOf('^(?<x>a+)\\k<x>$'), { refusal: /refers back/ })
  t.match(costOf('a'.repeat(5001)), { refusal: /more than 5000 characters/ })
  t.match(costOf(`^(?:${Array.from({ length: 400 }, (_none, index) => `w${index}x`).join('|')})*$`), { refusal: /too large/ })
  t.throws(() => costOf('(a'), SyntaxError)
})

t.test('the verdict is that of the engine', async (t) => {
  // As long as it takes to see the difference, and no longer.
  const msOf = (pattern: string, text: string): number => {
    const regExp = new RegExp(pattern, 'u')
    const start = performance.now()
    regExp.test(text)
    return performance.now() - start
  }
  for (const [pattern, piece] of [['^(a|a)*$', 'a'], ['^(\\w+\\s?)*$', 'a'], ['^(.|\\s)*x$', ' '], ['^((ab)*)+$', 'ab']] as const) {
    t.ok(msOf(pattern, `${piece.repeat(26)}!`) > 50 * msOf(pattern, `${piece.repeat(13)}!`), pattern)
  }
  for (const pattern of linear) for (const piece of ['a', '1', '.', ' ', '/', 'a.', '-a']) t.ok(msOf(pattern, `${piece.repeat(20_000)}!\n!`) < 250, `${pattern} ${piece}`)
})

t.test('judging is quick', async (t) => {
  costOf('first')
  const start = performance.now()
  for (const pattern of linear) costOf(pattern)
  t.ok((performance.now() - start) / linear.length < 50)
})
