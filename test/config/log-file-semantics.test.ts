import t from 'tap'
import { loadValue } from '../helpers/load-text.ts'

t.test('the audit log and the log are two files', async (t) => {
  const same: readonly (readonly [object, object])[] = [
    [{ logFile: 'logs/a.log' }, { file: 'logs/a.log' }],
    [{ logFile: './logs/../logs/a.log' }, { file: 'logs//a.log' }],
    [{}, { file: './audit.log' }]
  ]
  for (const [audit, logging] of same) {
    const { faults, config } = await loadValue(t, { security: { audit }, logging })
    t.match(faults, [{ path: ['security', 'audit', 'logFile'], message: /The audit log and the log are the same file, ".*a.*\.log": each needs its own\./, suggestion: 'Name another file.' }])
    t.equal(config, undefined)
  }
  t.match(await loadValue(t, { security: { audit: {} } }, { env: { AUDIT_LOG_FILE: '/x/a.log', LOG_FILE: '/x/a.log' } }), { faults: [{ message: /are the same file/ }] })
})

t.test('the file of errors is another one, too', async (t) => {
  t.match((await loadValue(t, { logging: { file: 'a.log', errorFile: './a.log' } })).faults, [{ path: ['logging', 'errorFile'], message: 'The log of errors and the log are the same file, "./a.log": each needs its own.' }])
  t.match((await loadValue(t, { logging: { errorFile: 'audit.log' }, security: { audit: {} } })).faults, [{ path: ['security', 'audit', 'logFile'], message: 'The audit log and the log of errors are the same file, "audit.log": each needs its own.' }])
  t.match((await loadValue(t, { logging: { file: '/x/a.log' } }, { env: { LOG_ERROR_FILE: '/x/a.log' } })).faults, [{ message: /are the same file/ }])
})

t.test('files that only look alike, and an audit log that is off, are no fault', async (t) => {
  for (const [audit, logging] of [[{ logFile: 'a/a.log' }, { file: 'b/a.log' }], [{}, {}], [{}, { file: 'a.log', errorFile: 'b.log' }], [{ enabled: false, logFile: 'a.log' }, { file: 'a.log' }]]) {
    t.strictSame((await loadValue(t, { security: { audit }, logging })).faults, [])
  }
  t.strictSame((await loadValue(t, { logging: { file: 'audit.log' } })).faults, [])
})

t.test('a value of another type is the fault of the schema, and its only one', async (t) => {
  for (const security of [{ audit: { logFile: 5 } }, { audit: 5 }, 5]) t.equal((await loadValue(t, { security, logging: { file: 'audit.log' } })).faults.length, 1)
})
