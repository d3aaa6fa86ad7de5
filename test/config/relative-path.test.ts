import { join } from 'node:path'
import t from 'tap'
import { resolvePath } from '../../src/config/relative-path.ts'

t.test('a path is relative to the file; the working directory serves only where that finds nothing', async (t) => {
  const cwd = t.testdir({ conf: { 'both.js': '', 'beside.js': '' }, 'both.js': '', 'working.js': '' })
  const bases = { baseDir: join(cwd, 'conf'), cwd }
  t.strictSame(resolvePath('./beside.js', bases), { path: join(cwd, 'conf/beside.js'), fromCwd: false })
  t.strictSame(resolvePath('both.js', bases), { path: join(cwd, 'conf/both.js'), fromCwd: false })
  t.strictSame(resolvePath('./working.js', bases), { path: join(cwd, 'working.js'), fromCwd: true })
  t.strictSame(resolvePath('nowhere.js', bases), { path: join(cwd, 'conf/nowhere.js'), fromCwd: false })
  t.strictSame(resolvePath('../working.js', bases), { path: join(cwd, 'working.js'), fromCwd: false })
  t.strictSame(resolvePath(join(cwd, 'gone.js'), bases), { path: join(cwd, 'gone.js'), fromCwd: false })
  t.strictSame(resolvePath('both.js', { baseDir: cwd, cwd }), { path: join(cwd, 'both.js'), fromCwd: false })
})
