import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { watchFiles } from '../../src/tools/file-watch.ts'

interface Watched { next (): Promise<string>, failures: string[], directory: string }

function watched (t: Test, names: string[]): Watched {
  const directory = t.testdir(Object.fromEntries(names.map((name) => [name, 'old'])))
  const seen: string[] = []
  const waiting: ((file: string) => void)[] = []
  const failures: string[] = []
  const watch = watchFiles(names.map((name) => join(directory, name)), (file) => {
    const resolve = waiting.shift()
    if (resolve === undefined) seen.push(file)
    else resolve(file)
  }, (place) => { failures.push(place) })
  // Watching keeps no process alive, this test's included.
  const alive = setInterval(() => {}, 60_000)
  t.teardown(() => {
    clearInterval(alive)
    watch.close()
  })
  return {
    directory,
    failures,
    next: async () => seen.shift() ?? await new Promise<string>((resolve) => { waiting.push(resolve) })
  }
}

t.test('a file that is written is reported, and a file beside it is not', async (t) => {
  const { directory, next } = watched(t, ['a.txt'])
  writeFileSync(join(directory, 'b.txt'), 'new')
  writeFileSync(join(directory, 'a.txt'), 'new')
  t.equal(await next(), join(directory, 'a.txt'))
})

t.test('a file that is replaced by another one is reported, again and again', async (t) => {
  const { directory, next } = watched(t, ['a.txt'])
  for (const content of ['one', 'two']) {
    writeFileSync(join(directory, 'new.txt'), content)
    renameSync(join(directory, 'new.txt'), join(directory, 'a.txt'))
    t.equal(await next(), join(directory, 'a.txt'))
  }
})

t.test('a directory that cannot be watched is told, and hinders no other', async (t) => {
  const directory = t.testdir({ 'a.txt': 'old' })
  const failures: string[] = []
  const watch = watchFiles([join(directory, 'gone', 'x.txt'), join(directory, 'a.txt')], () => {}, (place) => { failures.push(place) })
  t.teardown(() => { watch.close() })
  t.strictSame(failures, [join(directory, 'gone')])
})
