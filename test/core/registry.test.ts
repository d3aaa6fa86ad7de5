import t from 'tap'
import { InvalidParamsError } from '../../src/core/errors.ts'
import { pageOf, Registry } from '../../src/core/registry.ts'

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

t.test('entries keep their order, whatever their names', async (t) => {
  const registry = new Registry<string>()
  const names = ['z', '10', '2', '__proto__', 'constructor', 'toString', 'a']
  for (const name of names) registry.add(name, `entry ${name}`)
  t.strictSame(registry.list, names.map((name) => `entry ${name}`))
  t.equal(registry.size, names.length)
  t.equal(registry.get('__proto__'), 'entry __proto__')
  t.equal(registry.get('hasOwnProperty'), undefined)
})

t.test('a name is taken once', async (t) => {
  const registry = new Registry<number>()
  registry.add('a', 1)
  t.throws(() => { registry.add('a', 2) }, { message: /"a" is registered twice/ })
  t.equal(registry.get('a'), 1)
})

t.test('a new set takes the place of the old one in one step, and the old list stays what it was', async (t) => {
  const registry = new Registry<number>()
  registry.add('a', 1)
  const { list, generation } = registry
  let told = 0
  const stop = registry.onChange(() => {
    told++
    t.strictSame(registry.list, [2, 3])
  })
  registry.replaceAll([['b', 2], ['c', 3]])
  t.strictSame(list, [1])
  t.equal(registry.get('a'), undefined)
  t.ok(registry.generation > generation)
  stop()
  registry.replaceAll([])
  t.equal(told, 1)
})

t.test('pages together are the list, each entry once, in order', async (t) => {
  for (const length of [0, 1, 2, 9, 10, 11, 100]) {
    for (const pageSize of [1, 3, 10, 1000]) {
      const list = Array.from({ length }, (_, index) => index)
      const seen: number[] = []
      let cursor: string | undefined
      let pages = 0
      do {
        const page = pageOf(list, cursor, pageSize)
        seen.push(...page.entries)
        cursor = page.nextCursor
        pages++
      } while (cursor !== undefined && pages <= length)
      t.strictSame(seen, list)
      t.equal(pages, Math.max(1, Math.ceil(length / pageSize)))
    }
  }
})

t.test('a cursor that the list never gave is refused', async (t) => {
  const list = Array.from({ length: 10 }, (_, index) => index)
  const { nextCursor = '' } = pageOf(list, undefined, 4)
  t.strictSame(pageOf(list, nextCursor, 4).entries, [4, 5, 6, 7])
  const bad: unknown[] = [
    '', ' ', 'x', 'nonsense', null, 5, {}, [], true, nextCursor.toUpperCase(), `${nextCursor}=`, `${nextCursor}A`, ` ${nextCursor}`, 'a'.repeat(100_000),
    base64url('from:0'), base64url('from:-4'), base64url('from:10'), base64url('from:11'), base64url('from:4.0'), base64url('from:04'), base64url('from:4 '), base64url('from:9999999999'),
    base64url('from:5'), base64url('from:1'), base64url('from:7'), '__proto__'
  ]
  for (const cursor of bad) t.throws(() => pageOf(list, cursor, 4), InvalidParamsError, JSON.stringify(cursor).slice(0, 50))
})

t.test('a page has one cursor, not several spellings of it', async (t) => {
  const list = Array.from({ length: 100 }, (_, index) => index)
  const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter((last) => {
    try {
      return pageOf(list, base64url('from:10').slice(0, -1) + last, 10).entries.length > 0
    } catch {
      return false // refused, as it should be
    }
  })
  t.equal(spellings.length, 1)
})
