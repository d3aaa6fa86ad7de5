import t from 'tap'
import { HandlerLoadError, InvalidParamsError } from '../../src/core/errors.ts'
import { allOf, below, loadErrors, pathOf, together } from '../../src/tools/together.ts'

function fail (...path: string[]): never {
  throw new HandlerLoadError(path, `no ${path.join('.')}`)
}
/** What was found, as `path: message`. */
function found (thrown: unknown): string[] {
  return loadErrors(thrown).map((error) => `${pathOf(error).join('.')}: ${error.message}`)
}
async function thrownBy (work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown.')
}

t.test('what all pieces gave comes back in their order', async (t) => {
  t.strictSame(allOf(() => 1, () => 'a', () => undefined), [1, 'a', undefined])
  t.strictSame(await together(() => 1, async () => 'a', () => undefined), [1, 'a', undefined])
  t.strictSame(allOf(), [])
})

t.test('every piece is done, whatever fails before it, and all faults come back', async (t) => {
  for (const all of [allOf, together]) {
    const done: number[] = []
    t.strictSame(found(await thrownBy(() => all(() => fail('a'), () => done.push(1), () => fail('b', 'c'), () => done.push(2)))), ['a: no a', 'b.c: no b.c'])
    t.strictSame(done, [1, 2])
  }
})

t.test('a single fault is thrown as it is', async (t) => {
  const error = new HandlerLoadError(['a'], 'no a')
  t.equal(await thrownBy(() => allOf(() => 1, () => { throw error })), error)
  t.equal(await thrownBy(() => together(async () => { throw error }, () => 1)), error)
})

t.test('faults within faults come out flat, each below the key of its place', async (t) => {
  const thrown = await thrownBy(() => together(
    () => below('handler', () => together(() => fail('url'), () => fail('headers', 'x'))),
    () => below('other', async () => { throw new InvalidParamsError('not so') }),
    () => fail('inputSchema')
  ))
  t.strictSame(found(thrown), ['handler.url: no url', 'handler.headers.x: no headers.x', 'other: not so', 'inputSchema: no inputSchema'])
})

t.test('what is no fault of the configuration is not taken for one', async (t) => {
  const bug = new TypeError('a bug')
  for (const thrown of [bug, new AggregateError([new HandlerLoadError([], 'x'), bug]), undefined]) {
    t.equal(await thrownBy(() => allOf(() => fail('a'), () => { throw thrown })), thrown)
    t.equal(await thrownBy(() => together(() => fail('a'), async () => { throw thrown })), thrown)
    t.equal(await thrownBy(() => below('a', async () => { throw thrown })), thrown)
  }
})
